"""One intent's examples: read page by page, added, edited with the marker, moved and removed in bulk."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from rasax.training import entities as annotation
from rasax.training import examples, intents, marking
from rasax.training.access import CHANGE, CHANGE_ALL, by, can_change, can_view
from rasax.training.files import Block, Example, Mention
from rasax.training.formats.errors import Refused
from rasax.training.intent_pages import named, to_intent
from rasax.training.intents import NewExample
from rasax.training.marking import Marker, known_entities
from rasax.training.telling import refused, sentence, told

MOST_LINES = 1000
LENGTH = 200


@can_view
@require_GET
def intent(request: HttpRequest) -> HttpResponse:
    name, words, after = named(request), request.GET.get("q", "").replace("\x00", "").strip()[:LENGTH], _after(request)
    found = examples.of_intent(name, words)
    page = examples.page(found, after)
    if not page.rows and not words and not after and not _exists(name):
        messages.info(request, _("There is no intent “%s”.") % name)
        return redirect("data_intents")
    context = {
        "name": name,
        "q": words,
        "after": after,
        "page": page,
        "total": found.count(),
        "may_change": request.user.has_perm(CHANGE),
        "may_rename": request.user.has_perms(CHANGE_ALL),
    }
    if context["may_change"]:
        context |= {"intents": _names(), "marker": Marker("", known=known_entities(), editable=True)}
    return render(request, "data/intent.html", context)


def _after(request: HttpRequest) -> int:
    asked = request.GET.get("after", "")
    return int(asked) if asked.isdecimal() and len(asked) < 18 else 0


def _exists(name: str) -> bool:
    is_named = Mention.objects.filter(kind=Mention.Kind.INTENT, name=name).exists()
    return is_named or Block.objects.filter(kind=Block.Kind.INTENT, name=name).exists()


def _names() -> list[str]:
    names = Mention.objects.filter(kind=Mention.Kind.INTENT, how__in=[Mention.How.DECLARED, Mention.How.TAUGHT])
    return list(names.order_by("name").values_list("name", flat=True).distinct())


@can_change
@require_POST
def add_examples(request: HttpRequest) -> HttpResponse:
    """One with its marks, or many lines in Rasa's notation."""
    name = named(request, "intent")
    try:
        new = _new(request)
        told(request, intents.add_examples(name, new, by(request)), _said_added(len(new), name))
    except Refused as error:
        refused(request, error)
    return to_intent(name)


def _new(request: HttpRequest) -> list[NewExample]:
    if "lines" not in request.POST:
        return [NewExample(*marking.read(request.POST))]
    lines = [line.strip().removeprefix("- ") for line in request.POST["lines"].replace("\x00", "").splitlines()]
    return [NewExample(*annotation.read(line)) for line in lines if line][:MOST_LINES]


def _said_added(number: int, name: str) -> str:
    text = ngettext(
        "%(number)s example is added to “%(name)s”.", "%(number)s examples are added to “%(name)s”.", number
    )
    return text % {"number": number, "name": name}


@can_change
def example(request: HttpRequest, example_pk: int) -> HttpResponse:
    found = get_object_or_404(Example, pk=example_pk)
    if request.method != "POST":
        return _form(request, found, Marker(found.text, found.entities, _known_for(found), editable=True))
    try:
        text, entities = marking.read(request.POST)
        change = intents.change_example(found, text, entities, by(request))
    except Refused as error:
        shown = Marker(found.text, found.entities, _known_for(found), editable=True)
        return _form(request, found, shown, sentence(error), 400)
    told(request, change, _("The example is changed."))
    return _back(request, found.intent)


def _known_for(found: Example) -> list[str]:
    return known_entities([each["entity"] for each in found.entities])


def _form(request: HttpRequest, found: Example, marker: Marker, error: str = "", status: int = 200) -> HttpResponse:
    template = "data/_example_form.html" if "HX-Request" in request.headers else "data/example.html"
    context = {"example": found, "marker": marker, "error": error, "back": request.GET.get("back", "")}
    return render(request, template, context, status=status)


@can_change
@require_POST
def change_examples(request: HttpRequest) -> HttpResponse:
    """Those that are selected: moved to another intent, or removed."""
    chosen = examples.chosen(request.POST.getlist("selected"))
    if not chosen:
        messages.error(request, _("Select the examples first."))
        return _back(request, named(request, "intent"))
    try:
        _change(request, chosen)
    except Refused as error:
        refused(request, error)
    return _back(request, chosen[0].intent)


def _change(request: HttpRequest, chosen: list[Example]) -> None:
    if request.POST.get("action") == "move":
        to = named(request, "to")
        moved = ngettext(
            "%(number)s example is in “%(to)s” now.", "%(number)s examples are in “%(to)s” now.", len(chosen)
        )
        told(request, intents.move_examples(chosen, to, by(request)), moved % {"number": len(chosen), "to": to})
        return
    removed = ngettext("%(number)s example is removed.", "%(number)s examples are removed.", len(chosen))
    told(request, intents.remove_examples(chosen, by(request)), removed % {"number": len(chosen)})


def _back(request: HttpRequest, name: str) -> HttpResponse:
    """To the page that the form stood on."""
    address = request.POST.get("back", "")
    is_ours = address.startswith("/") and url_has_allowed_host_and_scheme(address, None)
    return redirect(address) if is_ours else to_intent(name)


@can_view
@require_GET
def repeated(request: HttpRequest) -> HttpResponse:
    groups = examples.repeated()
    context = {
        "groups": groups,
        "is_cut": len(groups) >= examples.MOST_GROUPS,
        "may_change": request.user.has_perm(CHANGE),
    }
    return render(request, "data/repeated.html", context)
