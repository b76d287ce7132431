from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q

from rasax.accounts.models import User


class OneQueryBackend(ModelBackend):
    """Django's, but asks for a person's own and their groups' permissions at once: every page needs them."""

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
