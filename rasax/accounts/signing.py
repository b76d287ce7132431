"""Writes down who signed in and out, and who failed to, wherever it happened: Django tells by its signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from rasax.accounts.models import AuditEntry, User


@receiver(user_logged_in, dispatch_uid="rasax.accounts.signed_in")
def _signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    AuditEntry.objects.note(user, "signed in", [user], **_from(request))


@receiver(user_logged_out, dispatch_uid="rasax.accounts.signed_out")
def _signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    if user:
        AuditEntry.objects.note(user, "signed out", [user], **_from(request))


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
