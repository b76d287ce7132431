"""Pages of lists: `limit` and `offset`, or a cursor, which costs the same on every page; the total in a header."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Strict, Whole

PAGE, MOST = 50, 1_000
COUNTED = 10_000  # further, only that there are more is told: counting millions takes longer than the page
FARTHEST = 100_000  # beyond it an offset costs more than anybody wants to wait for; a cursor does not


class Paged(Strict):
    limit = Whole(min_value=1, max_value=MOST, default=PAGE)
    offset = Whole(min_value=0, max_value=FARTHEST, default=0, help_text="From the cursor on, if there is one")


class Numbered(Paged):
    cursor = serializers.RegexField(
        r"^[0-9]{1,18}$", max_length=18, required=False, help_text="X-Next-Cursor of the page before"
    )


def _header(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.HEADER, description=description, response=[200])


TOTAL = _header("X-Total-Count", "How many there are", OpenApiTypes.INT)
AT_LEAST = _header("X-Total-Count-At-Least", "`true` where there are more than X-Total-Count")
NEXT = _header("X-Next-Cursor", "Pass it as `cursor` for the next page; missing on the last one")
LINK = _header("Link", 'The next page\'s address, rel="next"; missing on the last one')
HEADERS = (TOTAL, NEXT, LINK)


def paged(request: Request, rows: Any, cursor: object = None, total: int | None = None) -> Response:
    response = Response(rows)
    if total is not None:
        response["X-Total-Count"] = str(total)
    if cursor is not None:
        query = [(name, value) for name, values in request.query_params.lists() for value in values]
        query = [pair for pair in query if pair[0] not in {"cursor", "offset", "api_token"}]
        address = f"{request.scheme}://{request.get_host()}{quote(request.path)}"
        response["X-Next-Cursor"] = str(cursor)
        response["Link"] = f'<{address}?{urlencode([*query, ("cursor", str(cursor))])}>; rel="next"'
    return response


def newest_first(request: Request, rows: QuerySet[Any], query: dict[str, Any], shape: Any) -> Response:
    """A page of rows by falling id, as `Numbered` asks for it."""
    total = rows.order_by()[:COUNTED].count()
    ordered = rows.order_by("-pk")
    if "cursor" in query:
        ordered = ordered.filter(pk__lt=int(query["cursor"]))
    found = list(ordered[query["offset"] : query["offset"] + query["limit"] + 1])
    more = found[query["limit"] - 1].pk if len(found) > query["limit"] else None
    response = paged(request, [shape(row) for row in found[: query["limit"]]], more, total)
    if total == COUNTED:
        response["X-Total-Count-At-Least"] = "true"
    return response
