"""A conversation, up to one of its events, into the training data: as a story or as an end-to-end test."""

from __future__ import annotations

import re
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from events.models import NAME_LENGTH, Conversation, Event
from rasax.annotation.deciding import said_of
from rasax.conversations.inspecting import event_of
from rasax.conversations.lines import plain
from rasax.conversations.marking import SeeOther
from rasax.conversations.presenting import present
from rasax.conversations.reading import reader
from rasax.conversations.replay import Replay, replay
from rasax.conversations.views import can_read
from rasax.training.formats.errors import Refused
from rasax.training.formats.scalars import written
from rasax.training.stories import StoryKind, add_story

STORY, TEST = "story", "test"
NAME = re.compile(r"^- story: .*$", re.MULTILINE)


@require_http_methods(["GET", "POST"])
@can_read
@permission_required("accounts.change_stories", raise_exception=True)
def story(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """What would be put there, and a name for it."""
    shown, event = event_of(pk, event_pk)
    found = replay(shown.sender_id, event)
    kind = TEST if request.POST.get("kind", request.GET.get("kind")) == TEST else STORY
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:NAME_LENGTH]
    if request.method == "POST":
        try:
            return _put(
                request, shown, event, story_called(found, kind, name or _name_of(shown)), cast("StoryKind", kind)
            )
        except Refused as refused:
            messages.error(request, said_of(refused))
    return render(request, "inbox/story.html", _context(shown, event, found, kind, name))


def story_called(found: Replay, kind: str, name: str) -> str:
    """The YAML of a whole file with one story. Raises Refused where nothing can be written."""
    text = plain(found.story(kind == TEST))
    if not text:
        raise Refused(_("A value is nested too deeply to be written as YAML."))
    return NAME.sub(lambda _: f"- story: {written(name)}", text, count=1)


def _put(request: HttpRequest, shown: Conversation, event: Event, text: str, kind: StoryKind) -> HttpResponse:
    block, new = add_story(kind, text, reader(request))
    said = _("It is in the training data now, as “%s”.") if new else _("The same steps are there already, as “%s”.")
    messages.success(request, said % block.name)
    return SeeOther(f"{reverse('conversation', args=[shown.pk])}?at={event.timestamp!r}#focus")


def _name_of(shown: Conversation) -> str:
    return " ".join(plain(shown.sender_id).split())[:NAME_LENGTH]


def _context(shown: Conversation, event: Event, found: Replay, kind: str, name: str) -> dict[str, Any]:
    return {
        "conversation": shown,
        "item": present([event])[0],
        "kind": kind,
        "name": name or _name_of(shown),
        "story": plain(found.story(kind == TEST)),
        "is_cut": found.story_is_cut,
    }
