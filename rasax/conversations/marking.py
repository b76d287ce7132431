"""What people do to conversations. Each is a form: a script swaps what changed, without one the page comes again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from events.models import NAME_LENGTH, Conversation, Event, Facet
from events.querysets import ConversationQuerySet
from events.vocabulary import UserUttered
from rasax.accounts.models import User
from rasax.conversations import forgetting
from rasax.conversations.filters import Filters
from rasax.conversations.models import Assignment, Correction, Flag, Note, Presence, Review, Tag
from rasax.conversations.presenting import guesses, present
from rasax.conversations.reading import address_of_neighbour, panel_context, with_marks
from rasax.conversations.reading import reader as _person
from rasax.conversations.tagging import tag_name
from rasax.conversations.transcript import rows_of
from rasax.conversations.views import can_read, wants_fragment

can_annotate = permission_required("conversations.annotate_conversation", raise_exception=True)
BACKEND = "django.contrib.auth.backends.ModelBackend"
NOTE_LENGTH = 5_000
MOST_INTENTS = 500  # to choose from while somebody types
TWICE_WITHIN = timedelta(seconds=10)


View = Callable[..., HttpResponse]


def while_it_exists(view: View) -> View:
    """For views whose verb locks the conversation or a tag: somebody may delete it just before."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (Conversation.DoesNotExist, Tag.DoesNotExist) as gone:
            raise Http404 from gone

    return wrapped


class SeeOther(HttpResponseRedirect):
    """What a browser is to get, with GET, after it has posted."""

    status_code = 303


@require_POST
@can_read
@can_annotate
@while_it_exists
def add_tag(request: HttpRequest, pk: int) -> HttpResponse:
    conversation = get_object_or_404(Conversation, pk=pk)
    if tag := tag_called(request, request.POST.get("tag", "")):
        tag.put_on(_only(pk), _person(request))
    return _changed(request, conversation)


@require_POST
@can_read
@can_annotate
@while_it_exists
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
@while_it_exists
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
@while_it_exists
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


@require_http_methods(["GET", "POST"])
@can_read
@can_annotate
@while_it_exists
def correct(request: HttpRequest, pk: int, event_pk: int) -> HttpResponse:
    """What the user meant: the form with the prediction's ranking, and what it says."""
    event = get_object_or_404(rows_of(pk).select_related("conversation"), pk=event_pk, type=UserUttered.TYPE)
    if request.method == "GET":
        return _ask_intent(request, event)
    intent = " ".join(request.POST.get("intent", "").replace("\x00", "").split())[:NAME_LENGTH]
    if "withdraw" in request.POST:
        Correction.objects.withdraw(event, _person(request))
    elif intent:
        Correction.objects.correct(event, intent, _person(request))
    return _changed(request, event.conversation, event)


def _ask_intent(request: HttpRequest, event: Event) -> HttpResponse:
    context = {
        "conversation": event.conversation,
        "item": present([event])[0],
        "guesses": guesses(event),
        "known": Facet.objects.of(Facet.Kind.INTENT).values_list("value", flat=True)[:MOST_INTENTS],
        "back": f"{reverse('conversation', args=[event.conversation_id])}?at={event.timestamp!r}",
    }
    template = "conversations/_correct.html" if wants_fragment(request) else "conversations/correct.html"
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@can_read
@can_annotate
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Who is to look at it: the form with who may, and what it says."""
    conversation = get_object_or_404(with_marks(), pk=pk)
    people = User.objects.with_perm("events.view_conversation", backend=BACKEND).order_by("username")
    if request.method == "GET":
        template = "conversations/_assign.html" if wants_fragment(request) else "conversations/assign.html"
        return render(request, template, {"conversation": conversation, "people": people})
    chosen = request.POST.get("assignee", "")
    assignee = get_object_or_404(people, pk=int(chosen[:18])) if chosen.isdecimal() else None
    Assignment.objects.assign(_only(pk), assignee, _person(request))
    return _changed(request, conversation)


@require_POST
@can_read
@while_it_exists
def presence(request: HttpRequest, pk: int) -> HttpResponse:
    """An open page says so every 15 s, and once more when it is left."""
    conversation = get_object_or_404(Conversation, pk=pk)
    change = Presence.objects.leave if "leaving" in request.POST else Presence.objects.arrive
    change(conversation, _person(request))
    return HttpResponse(status=204)


@require_http_methods(["GET", "POST"])
@can_read
@permission_required("events.delete_conversation", raise_exception=True)
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Deletes it for good, because a person has the right to it; says first what that is."""
    conversation = get_object_or_404(Conversation, pk=pk)
    filters = Filters.read(request.GET)
    if request.method == "GET":
        notes = Note.objects.filter(conversation=conversation).count()
        context = {"conversation": conversation, "n_notes": notes, "filters": filters}
        return render(request, "conversations/forget.html", context)
    forgetting.forget(_only(pk), _person(request))
    messages.success(request, _("The conversation was deleted for good."))
    return SeeOther(f"{reverse('conversations')}?{filters.query}".rstrip("?"))


def tag_called(request: HttpRequest, written: str) -> Tag | None:
    """The tag of this name; a new one only by who may add tags."""
    name = tag_name(written)
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


def _changed(request: HttpRequest, conversation: Conversation, event: Event | None = None) -> HttpResponse:
    if not wants_fragment(request):
        anchor = f"#e{event.pk}" if event else ""
        return _go(request, _safe(request, reverse("conversation", args=[conversation.pk])) + anchor)
    shown = with_marks().get(pk=conversation.pk)
    return render(request, "conversations/_changed.html", panel_context(request, shown))


def _safe(request: HttpRequest, otherwise: str) -> str:
    wanted = request.POST.get("back", "")
    mine = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if mine else otherwise


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if wants_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return SeeOther(address)
