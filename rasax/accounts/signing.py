"""Who signs in and out, and who failed to: written down wherever it happened, for Django tells by its signals."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from rasax.accounts import sessions
from rasax.accounts.models import AuditEntry, Session, User

BACKEND = "rasax.accounts.backends.OneQueryBackend"


class AddressMiddleware:
    """REMOTE_ADDR is who asks, not our own proxy: for lockouts, limits, the audit log and the list of sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.TRUSTED_PROXIES:
            request.META["REMOTE_ADDR"] = _behind_proxies(request.META)
        return self.get_response(request)


def _behind_proxies(meta: Mapping[str, Any]) -> str:
    """Each proxy adds whom it saw at the end; what stands before ours is anybody's word."""
    hops = [hop.strip() for hop in str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]
    seen = str(meta.get("REMOTE_ADDR", ""))
    return hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else seen


def address_of(request: HttpRequest) -> str | None:
    """For the lockout, whose column takes nothing but addresses."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


@receiver(user_logged_in, dispatch_uid="rasax.accounts.signed_in")
def _signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    AuditEntry.objects.note(user, "signed in", [user], **_from(request))
    # An API client signs in without a session.
    if request and hasattr(request, "session") and request.session.get(SESSION_KEY) == str(user.pk):
        sessions.begin(request, user)


@receiver(user_logged_out, dispatch_uid="rasax.accounts.signed_out")
def _signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    if user:
        AuditEntry.objects.note(user, "signed out", [user], **_from(request))
    if request and hasattr(request, "session"):
        Session.objects.filter(key=request.session.session_key or "").delete()


@receiver(user_login_failed, dispatch_uid="rasax.accounts.failed")
def _failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    name = str(credentials.get(User.USERNAME_FIELD, ""))
    known = User.objects.filter(username=name).first()
    AuditEntry.objects.create(
        action="failed to sign in",
        object_type=User._meta.label_lower,
        object_id=str(known.pk) if known else "",
        # A name that nobody has is not kept: people type their password into the wrong field.
        object_name=str(known) if known else "",
        detail=_from(request),
    )


def _from(request: HttpRequest | None) -> dict[str, str]:
    return {"address": request.META.get("REMOTE_ADDR", "")} if request else {}
