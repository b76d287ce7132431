"""An operation of the API: what it needs, takes and gives, said once, checked at each request, and published."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from rasax.accounts.api.authentication import QueryTokenAuthentication
from rasax.accounts.api.errors import Failure
from rasax.accounts.api.fields import of_query
from rasax.accounts.api.throttles import PerMinute
from rasax.accounts.models import User

AnySerializer = serializers.Serializer[Any]
ASKED = {"self", "request", "query", "body"}

ERRORS = {
    400: "A parameter, a field or a value is unknown or wrong; `details` names it",
    401: "Nobody is signed in, or the token counts no longer",
    403: "The person's roles do not allow it",
    404: "There is no such thing",
    409: "It would contradict what is there",
    413: "The body is too large",
    415: "The body is of another kind than this takes",
    422: "What was sent is of no use; the message says why",
    429: "Too many requests; `Retry-After` says in how many seconds to come again",
    502: "The Rasa server did not do what it was asked; `message` says why",
}
PATHS = {
    "conversation_id": "The conversation's sender_id, percent-encoded; a slash in it stays a slash or is %2F",
    "timestamp": "The message's timestamp, with all its digits",
    "tag": "The tag's value, or its id",
    "username": "The person's name",
    "role": "The role's name",
    "project": "The project; there is one: default",
    "model": "The model's name, with .tar.gz or without",
    "model_tag": "The tag",
    "pk": "Its id",
    "job": "The job's id",
    "log": "The message's id, or its hash",
}


class JsonAlways(BaseContentNegotiation):
    """Whatever the header Accept says: clients of Rasa X send all kinds."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: Any = None) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class BoundedJSONParser(JSONParser):
    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("The body is nested too deeply.") from error


class MayDo(BasePermission):
    """That the person has the permissions which the operation names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        method = getattr(view, (request.method or "").lower(), None)
        needs = getattr(method, "needs", ())
        if method is None or needs is None:  # what there is not answers 405
            return True
        user = request.user
        if not isinstance(user, User):
            return False
        if user.must_change_password:
            raise exceptions.PermissionDenied("Sign in with a browser and change your password first.")
        return user.has_perms(needs)


class Endpoint(APIView):
    """A path. Its methods are operations."""

    scope = "person"
    permission_classes = [MayDo]
    throttle_classes = [PerMinute]
    parser_classes = [BoundedJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = JsonAlways


class Reading(Endpoint):
    """Where Rasa X took `?api_token=`."""

    authentication_classes = [*Endpoint.authentication_classes, QueryTokenAuthentication]


def person(request: Request) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - MayDo lets nobody else in
    return request.user


def operation(  # noqa: PLR0913 - what an operation is
    answer: Any,
    *,
    needs: Sequence[str] | None = (),
    query: type[AnySerializer] | None = None,
    body: Any = None,
    status: int = 200,
    errors: Sequence[int] = (),
    headers: Sequence[OpenApiParameter] = (),
    others: dict[int, Any] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`needs` are permissions, all of them; None lets everybody in. `answer` is a serializer, or by media type; `body`
    is a serializer's class, or a partial of it.

    What was asked comes as `query` and `body`, validated.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        paths = [name for name in inspect.signature(method).parameters if name not in ASKED]

        @wraps(method)
        def run(self: Endpoint, request: Request, **given: Any) -> Any:
            asked = _asked(self, request, query)
            if query:
                given["query"] = asked
            if body is not None:
                given["body"] = _sent(request, body)
            return method(self, request, **given)

        run.needs = needs  # type: ignore[attr-defined]
        codes = {400, 429, *errors}
        codes |= {401, 403} if needs is not None else set()
        codes |= {404} if paths else set()
        codes |= {413, 415} if body is not None else set()
        summary, _, description = inspect.cleandoc(method.__doc__ or "").partition("\n")
        documented: Callable[..., Any] = extend_schema(
            summary=summary.rstrip("."),
            description=description.strip(),
            parameters=[*_path_parameters(paths), *([query] if query else []), *headers],
            request=body() if isinstance(body, partial) else body,
            responses={**_answers(status, answer), **(others or {}), **_failures(codes)},
        )(run)
        return documented

    return decorate


def _answers(status: int, answer: Any) -> dict[Any, Any]:
    return {(status, kind): shape for kind, shape in answer.items()} if isinstance(answer, dict) else {status: answer}


def _failures(codes: set[int]) -> dict[Any, Any]:
    return {code: OpenApiResponse(Failure, ERRORS[code]) for code in sorted(codes)}


def _path_parameters(names: Sequence[str]) -> list[OpenApiParameter]:
    types = {"timestamp": OpenApiTypes.DOUBLE, "pk": OpenApiTypes.INT64, "job": OpenApiTypes.UUID}
    return [
        OpenApiParameter(name, types.get(name, OpenApiTypes.STR), OpenApiParameter.PATH, description=PATHS[name])
        for name in names
    ]


def _asked(view: Endpoint, request: Request, shape: type[AnySerializer] | None) -> dict[str, Any]:
    fields = shape().fields if shape else {}
    taken = {"api_token"} if isinstance(view, Reading) else set()
    problems: dict[str, Any] = {
        name: ["There is no such parameter" + (f"; known are {', '.join(fields)}." if fields else ".")]
        for name in request.query_params.keys() - fields.keys() - taken
    }
    given = {}
    for name in request.query_params.keys() & fields.keys():
        try:
            given[name] = of_query(fields[name], request.query_params.getlist(name))
        except serializers.ValidationError as error:
            problems[name] = error.detail
    if problems:
        raise serializers.ValidationError(problems)
    return _validated(shape(data=given)) if shape else {}


def _sent(request: Request, shape: Any) -> Any:
    return _validated(shape(data=request.data))


def _validated(shape: AnySerializer) -> Any:
    shape.is_valid(raise_exception=True)
    return shape.validated_data
