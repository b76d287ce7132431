"""What people do to conversations. Each is a form: a script swaps what changed, without one the page comes again."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import NAME_LENGTH, Conversation, Event
from events.querysets import ConversationQuerySet
from events.vocabulary import UserUttered
from rasax.accounts.models import User
from rasax.conversations.models import Flag, Note, Review, Tag
from rasax.conversations.reading import address_of_neighbour, panel_context
from rasax.conversations.views import can_read, wants_fragment

can_annotate = permission_required("conversations.annotate_conversation", raise_exception=True)
NOTE_LENGTH = 5_000
TWICE_WITHIN = timedelta(seconds=10)


class SeeOther(HttpResponseRedirect):
    """What a browser is to get, with GET, after it has posted."""

    status_code = 303


@require_POST
@can_read
@can_annotate
def add_tag(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    if tag := _tag(request):
        tag.put_on(_only(pk), _person(request))
    return _changed(request, conversation)


@require_POST
@can_read
@can_annotate
def remove_tag(request: HttpRequest, pk: int, tag_pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    if tag := Tag.objects.filter(pk=tag_pk).select_related("facet").first():
        tag.take_off(_only(pk), _person(request))
    return _changed(request, conversation)


@require_POST
@can_read
@can_annotate
def review(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    status = request.POST.get("status", "")
    if status in Review.Status.values:
        Review.objects.mark(_only(pk), status, _person(request))
    if request.POST.get("then") == "next":
        return _go(request, address_of_neighbour(request, conversation, "next"))
    return _changed(request, conversation)


@require_POST
@can_read
@can_annotate
def flag(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """The form says which state it wants, so that sending it twice changes nothing."""
    event = get_object_or_404(Event.objects.select_related("conversation"), pk=event_pk, conversation=pk)
    change = Flag.objects.put_on if request.POST.get("flagged") == "1" else Flag.objects.take_off
    change(event, _person(request))
    return _changed(request, event.conversation, event)


@require_POST
@can_read
@can_annotate
def flag_last(request: HttpRequest, pk: int) -> HttpResponse:
    """Flags what the user said last."""
    conversation = get_object_or_404(Conversation, pk=pk)
    said = conversation.events.filter(type=UserUttered.TYPE).order_by("-timestamp", "-pk").first()
    if said:
        Flag.objects.put_on(said, _person(request))
    return _changed(request, conversation, said)


@require_POST
@can_read
@can_annotate
def add_note(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    text = request.POST.get("text", "").replace("\x00", "").strip()[:NOTE_LENGTH]
    about = request.POST.get("event", "")
    event = get_object_or_404(Event, pk=int(about), conversation=pk) if about.isdecimal() else None
    if text:
        _write_once(conversation, text, _person(request), event)
    return _changed(request, conversation, event)


def _write_once(conversation: Conversation, text: str, by: User, event: Event | None) -> None:
    """A form that is sent twice writes one note."""
    with transaction.atomic():
        Conversation.objects.select_for_update().get(pk=conversation.pk)
        same = Note.objects.filter(conversation=conversation, text=text, author=by, event=event)
        if not same.filter(at__gt=timezone.now() - TWICE_WITHIN).exists():
            Note.objects.write(conversation, text, by, event)


@require_POST
@can_read
@can_annotate
def delete_note(request: HttpRequest, pk: int, note_pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    if note := Note.objects.filter(pk=note_pk, conversation=conversation).first():
        if note.author_id != _person(request).pk:
            raise PermissionDenied
        note.withdraw(_person(request))
    return _changed(request, conversation)


@require_POST
@can_read
@can_annotate
def bulk(request: HttpRequest) -> HttpResponse:
    """Tags or reviews the rows that are selected in the list."""
    pks = [int(pk) for pk in request.POST.getlist("selected") if pk.isdecimal() and len(pk) < 19]
    selected: ConversationQuerySet = Conversation.objects.filter(pk__in=pks[:1000])
    status = request.POST.get("status", "")
    changed = 0
    if status in Review.Status.values:
        changed = Review.objects.mark(selected, status, _person(request))
    elif tag := _tag(request):
        changed = tag.put_on(selected, _person(request))
    messages.success(request, ngettext("%d conversation changed.", "%d conversations changed.", changed) % changed)
    return _go(request, _safe(request, reverse("conversations")))


def _tag(request: HttpRequest) -> Tag | None:
    """The tag that the form names; a new one only by who may add tags."""
    name = " ".join(request.POST.get("tag", "").replace("\x00", "").split())[:NAME_LENGTH]
    known = Tag.objects.filter(facet__value=name).select_related("facet").first()
    if known or not name:
        return known
    if not request.user.has_perm("conversations.add_tag"):
        messages.error(request, _("There is no tag “%s”, and you may not add one.") % name)
        return None
    color = request.POST.get("color", "")
    return Tag.objects.called(name, color if color in Tag.COLORS else "")


def _only(pk: int) -> ConversationQuerySet:
    return Conversation.objects.filter(pk=pk)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the decorators let nobody else in
    return request.user


def _changed(request: HttpRequest, conversation: Conversation, event: Event | None = None) -> HttpResponse:
    if not wants_fragment(request):
        anchor = f"#e{event.pk}" if event else ""
        return _go(request, _safe(request, reverse("conversation", args=[conversation.pk])) + anchor)
    shown = Conversation.objects.select_related("review__by").get(pk=conversation.pk)
    return render(request, "conversations/_panel.html", panel_context(request, shown))


def _safe(request: HttpRequest, otherwise: str) -> str:
    wanted = request.POST.get("back", "")
    mine = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if mine else otherwise


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return SeeOther(address)
