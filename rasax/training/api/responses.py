"""Responses, and Rasa's NLG endpoint: what the assistant says, chosen and filled as Rasa does."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404
from django.utils.crypto import constant_time_compare
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Matching, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.throttles import PerMinute
from rasax.training import stories
from rasax.training.api.asking import failure_of
from rasax.training.edits import Add, Put
from rasax.training.files import Block
from rasax.training.formats.errors import Refused
from rasax.training.formats.respelling import written
from rasax.training.places import domain_for
from rasax.training.projects import Project
from rasax.training.responses import block_of, respond, variations
from rasax.training.rewriting import said_anew

VIEW, CHANGE = ("accounts.view_responses",), ("accounts.view_responses", "accounts.change_responses")
NAME = r"^[^\s\x00][^\x00-\x1f\x7f\x85\u2028\u2029]*\Z"
MOST = 100
SAID = {"application/json": OpenApiTypes.OBJECT}


class ResponseItem(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    variations = serializers.ListField(child=serializers.DictField())
    filename = serializers.CharField()


class ResponseQuery(Strict):
    q = Text(required=False, max_length=200, help_text="A part of its name or its text")


class NamedResponse(Strict):
    name = Text(help_text="As utter_greet")


@extend_schema_field({"type": "object", "additionalProperties": {}, "minProperties": 1})
class Variation(serializers.DictField):
    """Of a response, with something in it."""


class ResponseToKeep(Strict):
    name = Matching(NAME, max_length=200, help_text="As utter_greet")
    variations = serializers.ListField(
        child=Variation(allow_empty=False),
        min_length=1,
        max_length=MOST,
        help_text="As Rasa has them: text, buttons, image, custom, channel, condition, id, metadata",
    )


def item(block: Block) -> dict[str, Any]:
    return {"id": block.pk, "name": block.name, "variations": variations(block), "filename": block.file.path}


class Responses(Endpoint):
    @operation(ResponseItem(many=True), needs=VIEW, query=ResponseQuery)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """The responses, by name."""
        found = Block.objects.filter(kind="response").select_related("file").order_by("name", "pk")
        if "q" in query:
            found = found.filter(text__icontains=query["q"])
        return Response([item(block) for block in found])

    @operation(ResponseItem, needs=CHANGE, body=ResponseToKeep, status=201, errors=(409, 422))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Add variations to a response, which is made where it is new."""
        return Response(item(_kept(request, body, keep=True)), status=201)

    @operation(ResponseItem, needs=CHANGE, body=ResponseToKeep, errors=(409, 422))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Say a response anew."""
        return Response(item(_kept(request, body, keep=False)))

    @operation(None, needs=CHANGE, query=NamedResponse, status=204, errors=(404, 409, 422))
    def delete(self, request: Request, query: dict[str, Any]) -> Response:
        """Remove a response."""
        block = block_of(query.get("name", ""))
        if block is None:
            raise Http404("There is no response of this name.")
        try:
            stories.remove_block(block, person(request))
        except Refused as refused:
            raise failure_of(refused) from refused
        return Response(status=204)


class Templates(Responses):
    """What Rasa X called responses once."""


def _kept(request: Request, body: dict[str, Any], keep: bool) -> Block:
    name, block, project = body["name"], block_of(body["name"]), Project.objects.default()
    try:
        if block is None:
            edit: Add | Put = Add(domain_for("responses"), written({name: body["variations"]}), "responses")
        else:
            every = [*(variations(block) if keep else []), *body["variations"]]
            edit = Put(block, said_anew(block, every))
        project.write([edit], person(request), "changed a response" if block else "added a response", name)
    except Refused as refused:
        raise failure_of(refused) from refused
    made = block_of(name)
    if made is None:
        raise Http404
    return made


class Channel(serializers.Serializer[Any]):
    name = Text(required=False, allow_null=True, allow_blank=True)


class TrackerOfRequest(serializers.Serializer[Any]):
    slots = serializers.DictField(required=False)


class NlgRequest(serializers.Serializer[Any]):
    """As Rasa sends it; what it sends beside is not looked at."""

    response = Text(required=False, help_text="The name of the response")
    template = Text(required=False, help_text="What Rasa 2 called it")
    id = Text(required=False, allow_null=True, allow_blank=True, help_text="Of the variation that Rasa means")
    arguments = serializers.DictField(required=False)
    channel = Channel(required=False)
    tracker = TrackerOfRequest(required=False)


class NlgQuery(Strict):
    token = Text(max_length=500, required=False, help_text="The SERVICE_TOKEN; people need none here")


class NlgThrottle(PerMinute):
    """Rasa asks once for each message that its bot says."""

    def allow_request(self, request: Request, view: Any) -> bool:
        return is_service(request) or super().allow_request(request, view)


def is_service(request: Request) -> bool:
    given = request.query_params.get("token", "")
    return bool(settings.SERVICE_TOKEN) and constant_time_compare(given, settings.SERVICE_TOKEN)


class Nlg(Endpoint):
    throttle_classes = [NlgThrottle]

    @operation(SAID, needs=None, query=NlgQuery, body=NlgRequest, errors=(401, 403, 404))
    def post(self, request: Request, query: dict[str, Any], body: dict[str, Any]) -> Response:
        """What the assistant says: Rasa's `nlg: {url: …/api/nlg?token=…}` asks it.

        404: there is no such response, or no variation fits the channel and the slots.
        """
        self._admit(request)
        name = body.get("response") or body.get("template") or ""
        slots = body.get("tracker", {}).get("slots") or {}
        channel = body.get("channel", {}).get("name") or ""
        said = respond(name, slots, channel, body.get("arguments"), body.get("id") or None)
        if said is None:
            raise Http404("There is no such response, or none of its variations fits the channel and the slots.")
        return Response({"text": "", **said})

    def _admit(self, request: Request) -> None:
        if is_service(request):
            return
        if not request.user.is_authenticated:
            raise NotAuthenticated("The token is wrong: it must be the SERVICE_TOKEN of rasax.")
        if not request.user.has_perm("accounts.view_responses"):
            raise PermissionDenied
