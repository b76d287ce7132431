"""The forms of the inbox: accept, annotate, skip, delete, put back, undo."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import NAME_LENGTH
from rasax.annotation import annotating, taking_back
from rasax.annotation.annotating import Choice, Outcome
from rasax.annotation.bulk_pages import decide_on_all
from rasax.annotation.inbox import InboxMessage
from rasax.annotation.pages import back_to_list, can_change, nothing_chosen, show
from rasax.conversations.marking import SeeOther
from rasax.conversations.reading import reader
from rasax.conversations.selection import Unclear
from rasax.conversations.views import wants_fragment
from rasax.training import marking
from rasax.training.formats.errors import Refused

MOST = 200  # texts at once


@require_POST
@can_change
def annotate(request: HttpRequest, inbox_pk: int) -> HttpResponse:
    """One text, with the intent and the entities that somebody chose."""
    row = get_object_or_404(InboxMessage, pk=inbox_pk)
    replace = request.POST.get("replace") == "1"
    try:
        choice = Choice(row.pk, _intent(request), marking.read(request.POST)[1])
        outcome = annotating.annotate([choice], reader(request), replace)
    except (Refused, Unclear) as refused:
        return show(request, row, 409, error=said_of(refused), chosen=request.POST.get("intent", ""))
    if outcome.taken:
        return _taken(request, outcome.taken[0], choice)
    return _done(request, [row.pk], _told(outcome))


def _taken(request: HttpRequest, row: InboxMessage, choice: Choice) -> HttpResponse:
    """Somebody else was faster: what this person chose is kept in the form, and they decide."""
    row = InboxMessage.objects.select_related("by").get(pk=row.pk)
    return show(request, row, 409, taken=True, chosen=choice.intent)


@require_POST
@can_change
def accept(request: HttpRequest) -> HttpResponse:
    """Many as they were understood. Those of which nothing was predicted stay."""
    try:
        outcome = annotating.accept(_selected(request), reader(request))
    except Refused as refused:
        return _refused(request, said_of(refused))
    return _done(request, [*outcome.done, *outcome.proposed], _told(outcome))


@require_POST
@can_change
def skip(request: HttpRequest) -> HttpResponse:
    done = annotating.put_aside(_selected(request), InboxMessage.State.SKIPPED, reader(request))
    return _done(request, done, ngettext("%d text is skipped.", "%d texts are skipped.", len(done)) % len(done))


@require_POST
@can_change
def delete(request: HttpRequest) -> HttpResponse:
    done = annotating.put_aside(_selected(request), InboxMessage.State.DELETED, reader(request))
    return _done(request, done, ngettext("%d text is deleted.", "%d texts are deleted.", len(done)) % len(done))


@require_POST
@can_change
def put_back(request: HttpRequest) -> HttpResponse:
    done = annotating.put_back(_selected(request), reader(request))
    return _done(request, done, ngettext("%d text waits again.", "%d texts wait again.", len(done)) % len(done))


ACTIONS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "accept": accept,
    "skip": skip,
    "delete": delete,
    "put_back": put_back,
}


@require_POST
@can_change
def decide(request: HttpRequest) -> HttpResponse:
    """What the button says, with those that are selected, or with all that match."""
    if request.POST.get("all") == "1":
        return decide_on_all(request)
    action = ACTIONS.get(request.POST.get("action", ""))
    if action is None or not _selected(request):
        return _refused(request, nothing_chosen())
    return action(request)


@require_POST
@can_change
def undo(request: HttpRequest) -> HttpResponse:
    try:
        undone = taking_back.undo(reader(request))
    except Refused as refused:
        return _refused(request, said_of(refused))
    if undone is None:
        return _refused(request, _("There is nothing of yours to take back."))
    return _done(request, undone.messages, _("Taken back: %s.") % undone.get_verb_display())


def _selected(request: HttpRequest) -> list[int]:
    written = request.POST.getlist("selected")[:MOST]
    return [int(pk) for pk in written if pk.isascii() and pk.isdecimal() and len(pk) < 19]


def _intent(request: HttpRequest) -> str:
    typed = " ".join(request.POST.get("another", "").replace("\x00", "").split())
    intent = typed or request.POST.get("intent", "").replace("\x00", "").strip()
    if not intent:
        raise Unclear(_("Choose an intent first, or write one."))
    return intent[:NAME_LENGTH]


def said_of(refused: Exception) -> str:
    if not isinstance(refused, Refused):
        return str(refused)
    said = _(refused.message)
    return f"{said} ({refused.words})" if refused.words else said


def _told(outcome: Outcome) -> str:
    done, proposed, taken = len(outcome.done), len(outcome.proposed), len(outcome.taken)
    without = outcome.without
    said = []
    if done or not (proposed or taken or without):
        words = ngettext("%d text is in the training data now.", "%d texts are in the training data now.", done)
        said.append(words % done)
    if proposed:
        words = ngettext("%d text waits for somebody who agrees.", "%d texts wait for somebody who agrees.", proposed)
        said.append(words % proposed)
    if taken:
        words = ngettext("Somebody else has put %d elsewhere.", "Somebody else has put %d elsewhere.", taken)
        said.append(words % taken)
    if without:
        words = ngettext("Of %d no intent was predicted: choose one.", "Of %d no intent was predicted.", without)
        said.append(words % without)
    return " ".join(said)


def _done(request: HttpRequest, pks: list[int], said: str) -> HttpResponse:
    """A script hears which rows it is about, and what to say."""
    if wants_fragment(request):
        return HttpResponse(json.dumps({"done": pks, "said": said}), content_type="application/json")
    return SeeOther(back_to_list(request, said))


def _refused(request: HttpRequest, said: str) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(json.dumps({"done": [], "said": said}), content_type="application/json", status=409)
    messages.error(request, said)
    return SeeOther(back_to_list(request))
