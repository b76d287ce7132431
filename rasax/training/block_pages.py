"""One story, rule, test, response, slot or form: its text in an editor, new, changed, removed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from rasax.training import graphs, stories
from rasax.training.access import CHANGE_ALL, by, may, needs, seeing
from rasax.training.differences import shown_diffs
from rasax.training.editing import last_change, problem, sent, words
from rasax.training.edits import Add, Put
from rasax.training.files import Block
from rasax.training.formats import blocks
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NOT_ONE
from rasax.training.places import domain_for
from rasax.training.projects import Project
from rasax.training.responses import cards
from rasax.training.steps import steps_of
from rasax.training.telling import refused, told
from rasax.training.wording import CALLED

STORIES = {"story", "rule", "test"}
LISTS = {"story": "data_stories", "rule": "data_rules", "test": "data_tests", "response": "data_responses"}
SECTIONS = {"response": "responses", "slot": "slots", "form": "forms"}
EDITED = STORIES | SECTIONS.keys() | {"declared", "text"}
BEGINNINGS = {
    "story": "- story: \n  steps:\n  - intent: \n  - action: \n",
    "rule": "- rule: \n  steps:\n  - intent: \n  - action: \n",
    "test": "- story: \n  steps:\n  - user: |\n      \n    intent: \n  - action: \n",
    "response": "utter_:\n- text: \n",
    "slot": "name:\n  type: text\n  mappings:\n  - type: from_text\n",
    "form": "name_form:\n  required_slots:\n  - \n",
}


@require_http_methods(["GET", "POST"])
def block(request: HttpRequest, block_pk: int) -> HttpResponse:
    found = _find(request, "change" if request.method == "POST" else "view", block_pk)
    context = _context(request, found)
    if request.method == "GET":
        return render(request, "data/block.html", context)
    text, base = (sent(request.POST.get(name, ""), found.text) for name in ("text", "base"))
    context |= {"text": text, "base": base}
    if request.POST.get("confirmed") != "1" and _is_more(found, text):
        return _ask(request, found, context)
    return _save(request, found, context)


def _find(request: HttpRequest, level: str, pk: int) -> Block:
    seeing(request, "view_stories", "view_responses")
    found = get_object_or_404(Block.objects.select_related("file"), pk=pk, kind__in=EDITED)
    needs(request, level, found.kind)
    if found.kind == "text" and "session_config:" not in found.text:
        raise Http404
    return found


def _context(request: HttpRequest, found: Block) -> dict[str, Any]:
    steps = steps_of(found) if found.kind in STORIES else []
    return {
        "item": found,
        "title": found.name or found.section or "session_config",
        "kind": found.kind,
        "text": found.text,
        "base": found.text,
        "back": LISTS.get(found.kind, "data_domain"),
        "last": last_change(found),
        "may_change": may(request, "change", found.kind),
        "may_rename": found.kind in SECTIONS and request.user.has_perms(CHANGE_ALL),
        "picture": graphs.of_story(steps) if steps else None,
        "steps": steps,
        "cards": cards(found) if found.kind == "response" else [],
        "words": words(),
    }


def _is_more(found: Block, text: str) -> bool:
    """Whether saving does more than to change this one: it goes, or becomes several."""
    try:
        blocks.one(found.file.path, found.section, found.kind, text)
    except Refused as error:
        return error.message == NOT_ONE
    return False


def _ask(request: HttpRequest, found: Block, context: dict[str, Any]) -> HttpResponse:
    """What would change, before it does."""
    try:
        context["diffs"] = shown_diffs(
            Project.objects.default().preview([Put(found, context["text"], context["base"])])
        )
    except Refused as error:
        return _wrong(request, context, error, found.first_line)
    return render(request, "data/block.html", context)


def _save(request: HttpRequest, found: Block, context: dict[str, Any]) -> HttpResponse:
    try:
        change = stories.change_block(found, context["text"], by(request), context["base"] or None)
    except Refused as error:
        return _wrong(request, context, error, found.first_line)
    told(request, change, _("“%s” is saved.") % context["title"])
    is_there = Block.objects.filter(pk=found.pk).exists()
    return redirect("data_block", found.pk) if is_there else redirect(context["back"])


def _wrong(request: HttpRequest, context: dict[str, Any], error: Refused, first: int) -> HttpResponse:
    context["problems"] = [problem(error, context["text"], first)]
    return render(request, "data/block.html", context, status=400)


@require_POST
def remove_block(request: HttpRequest, block_pk: int) -> HttpResponse:
    found = _find(request, "change", block_pk)
    try:
        told(request, stories.remove_block(found, by(request)), _("“%s” is removed.") % (found.name or found.section))
    except Refused as error:
        refused(request, error)
    return redirect(LISTS.get(found.kind, "data_domain"))


@require_http_methods(["GET", "POST"])
def new_block(request: HttpRequest, kind: str) -> HttpResponse:
    seeing(request, "view_stories", "view_responses")
    if kind not in BEGINNINGS:
        raise Http404
    needs(request, "change", kind)
    context: dict[str, Any] = {
        "kind": kind,
        "text": BEGINNINGS[kind],
        "back": LISTS.get(kind, "data_domain"),
        "words": words(),
    }
    context |= {"may_change": True, "is_new": True}
    if request.method == "GET":
        return render(request, "data/block.html", context)
    context["text"] = sent(request.POST.get("text", ""), "")
    try:
        return redirect("data_block", _added(request, kind, context["text"]).pk)
    except Refused as error:
        return _wrong(request, context, error, 1)


def _added(request: HttpRequest, kind: str, text: str) -> Block:
    if kind in SECTIONS:
        return add_entry(request, kind, text)
    made, is_new = stories.add_story(kind, text, by(request))  # type: ignore[arg-type]
    if is_new:
        messages.success(request, _("“%s” is saved.") % made.name)
    else:
        messages.info(request, _("“%s” has the same steps, so nothing was added.") % made.name)
    return made


def add_entry(request: HttpRequest, kind: str, text: str) -> Block:
    """A response, slot or form. Raises Refused."""
    section = SECTIONS[kind]
    part = blocks.one("", section, kind, indented(text))
    change = Project.objects.default().write(
        [Add(domain_for(section), text, section)], by(request), f"added {CALLED[kind]}", part.name
    )
    told(request, change, _("“%s” is saved.") % part.name)
    return Block.objects.filter(kind=kind, name=part.name).latest("pk")


def indented(text: str) -> str:
    """As it stands below the key of its section."""
    return "".join(f"  {line}" if line.strip() else line for line in text.splitlines(keepends=True))
