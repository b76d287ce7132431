"""Where a person is signed in: a row beside each of Django's sessions, which says in which browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session as DjangoSession
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

if TYPE_CHECKING:
    from rasax.accounts.models import User

SEEN = "seen"  # in Django's session, which each request reads anyway
SEEN_EVERY = timedelta(minutes=5)  # how exact seen_at is


class SessionQuerySet(models.QuerySet["Session"]):
    def alive(self) -> Self:
        known = DjangoSession.objects.filter(expire_date__gt=timezone.now())
        return self.filter(key__in=known.values("session_key"))

    @transaction.atomic
    def end(self, by: User, sessions: Iterable[Session] | None = None) -> int:
        """These browsers have to sign in again."""
        from rasax.accounts.models import AuditEntry

        ended = list(self if sessions is None else sessions)
        AuditEntry.objects.note(by, "ended a session", ended)
        DjangoSession.objects.filter(session_key__in=[each.key for each in ended]).delete()
        self.model.objects.filter(pk__in=[each.pk for each in ended]).delete()
        return len(ended)


class Session(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sessions")
    key = models.CharField(max_length=40, unique=True, editable=False, help_text="Of Django's session")
    browser = models.CharField(max_length=255, blank=True, help_text="As it calls itself")
    address = models.CharField(max_length=64, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()

    objects = SessionQuerySet.as_manager()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.browser_name} ({self.address})"

    @property
    def browser_name(self) -> str:
        return name_of(self.browser)


# The first that fits: browsers call themselves by the names of those they descend from.
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrom": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    mark: mark.replace("Mac OS", "macOS") for mark in ("iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux")
}


def name_of(agent: str) -> str:
    found = (next((name for mark, name in names.items() if mark in agent), "") for names in (BROWSERS, SYSTEMS))
    return ", ".join(filter(None, found)) or agent.partition(" ")[0][:40]


def note(request: HttpRequest) -> None:
    """Writes down that the person of this session was just here."""
    now = timezone.now()
    request.session[SEEN] = now.timestamp()
    if request.session.session_key is None:
        request.session.save()
    agent = request.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:255]
    where = {"browser": agent, "address": request.META.get("REMOTE_ADDR", "")[:64], "seen_at": now}
    user = {"user_id": request.session[SESSION_KEY]}
    Session.objects.update_or_create(key=request.session.session_key, defaults=where | user)


def begin(request: HttpRequest, user: User) -> None:
    """At signing in; what has expired meanwhile is forgotten."""
    Session.objects.filter(user=user).exclude(pk__in=Session.objects.alive().values("pk")).delete()
    note(request)


@transaction.atomic
def keep_only_this(request: HttpRequest, user: User) -> None:
    """After a new password: no other session counts any more, and Django has renamed this one."""
    others = Session.objects.filter(user=user).exclude(key=request.session.session_key)
    DjangoSession.objects.filter(session_key__in=list(others.values_list("key", flat=True))).delete()
    begin(request, user)


class SeenMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *args: object) -> None:
        """Costs nothing but each five minutes: whether somebody is signed in is known after the login check."""
        known = hasattr(request, "_cached_user") and request.user.is_authenticated and SESSION_KEY in request.session
        if known and timezone.now().timestamp() - request.session.get(SEEN, 0) > SEEN_EVERY.total_seconds():
            note(request)
