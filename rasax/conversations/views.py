"""The list of conversations."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy

from events.models import Facet
from rasax.conversations import stylesheet
from rasax.conversations.filters import Filters, Position
from rasax.conversations.first_steps import SNIPPETS
from rasax.conversations.menus import Menus
from rasax.conversations.models import Review, Tag
from rasax.conversations.rows import page

can_read = permission_required("events.view_conversation", raise_exception=True)

MENUS = {
    Facet.Kind.INTENT: gettext_lazy("Intent"),
    Facet.Kind.ACTION: gettext_lazy("Action"),
    Facet.Kind.ENTITY: gettext_lazy("Entity"),
    Facet.Kind.SLOT: gettext_lazy("Slot"),
    Facet.Kind.CHANNEL: gettext_lazy("Channel"),
    Facet.Kind.ENVIRONMENT: gettext_lazy("Environment"),
}
NAMES = {
    "q": gettext_lazy("Says"),
    "tag": gettext_lazy("Tag"),
    "status": gettext_lazy("Status"),
    "flagged": gettext_lazy("Flagged"),
    "since": gettext_lazy("Since"),
    "until": gettext_lazy("Until"),
    "confidence": gettext_lazy("Confidence at most"),
} | {kind.value: label for kind, label in MENUS.items()}
SHARES = ("0.3", "0.5", "0.7", "0.9")


def home(request: HttpRequest) -> HttpResponse:
    return redirect("conversations" if request.user.has_perm("events.view_conversation") else "account")


@can_read
def conversations(request: HttpRequest) -> HttpResponse:
    filters = Filters.read(request.GET)
    before = Position.read(request.GET.get("before", ""))
    menus = Menus.load(filters)
    found = page(filters, menus, before)
    context = {
        "filters": filters,
        "query": filters.query,
        "chips": _chips(filters),
        "ignored": [NAMES[name] for name in filters.ignored],
        "page": found,
        "before": before,
        "menus": [(kind.value, label, menus.of(kind), filters.chosen(kind)) for kind, label in MENUS.items()],
        "tags": menus.tags,
        "statuses": Review.Status.choices,
        "tags_version": stylesheet.version((tag.pk, tag.color or "") for tag in menus.tags),
        "shares": SHARES,
        "confidence": f"{filters.confidence:g}" if filters.confidence is not None else "",
        "snippets": SNIPPETS,
        "nothing_yet": not found.rows and not filters and not before,
        "may_annotate": request.user.has_perm("conversations.annotate_conversation"),
        "may_add_tags": request.user.has_perm("conversations.add_tag"),
    }
    template = "conversations/_results.html" if wants_fragment(request) else "conversations/conversations.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def wants_fragment(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def _chips(filters: Filters) -> list[dict[str, str]]:
    statuses = dict(Review.Status.choices)
    return [
        {
            "name": str(NAMES[name]),
            "value": "" if name == "flagged" else str(statuses.get(value, value)),
            "without": filters.without(name, value),
        }
        for name, value in filters.pairs()
    ]


@can_read
def tag_colors(request: HttpRequest) -> HttpResponse:
    """Its URL carries a version, so that a browser may keep it."""
    response = HttpResponse(stylesheet.stylesheet(Tag.objects.values_list("pk", "color")), content_type="text/css")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
