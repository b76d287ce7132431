from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from rasax.accounts.models import User


def name_for_lockout(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """A name that was tried, as its keyed hash: people type their password into the wrong field."""
    name = str((credentials or {}).get(User.USERNAME_FIELD) or "")
    return salted_hmac("rasax.lockout", User.normalize_username(name).casefold(), algorithm="sha256").hexdigest()


class LockoutBackend(AxesStandaloneBackend):  # type: ignore[misc]
    """Who failed too often waits; a command has no address, and nobody to keep out."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        if request is not None:
            super().authenticate(request, **credentials)


class OneQueryBackend(ModelBackend):
    """Django's, but asks for a person's own and their groups' permissions at once: every page needs them."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **credentials: Any) -> User | None:
        if settings.SSO_ONLY:
            return None
        user = super().authenticate(request, *args, **credentials)
        return user if isinstance(user, User) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        if not hasattr(user_obj, "_permissions"):
            user_obj._permissions = set(_permissions(user_obj))  # type: ignore[attr-defined]
        return user_obj._permissions  # type: ignore[attr-defined,no-any-return]


def _permissions(user: User) -> list[str]:
    found = Permission.objects.all()
    if not user.is_superuser:
        found = found.filter(Q(user=user) | Q(group__user=user)).distinct()
    names = found.order_by().values_list("content_type__app_label", "codename")
    return [f"{app}.{codename}" for app, codename in names]
