"""Who may see and change which part of the training data."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from rasax.accounts.models import User

if TYPE_CHECKING:
    from rasax.training.changes import Change

VIEW, CHANGE = "accounts.view_nlu_data", "accounts.change_nlu_data"
VIEW_STORIES, CHANGE_STORIES = "accounts.view_stories", "accounts.change_stories"
CHANGE_RESPONSES = "accounts.change_responses"
CHANGE_ALL = (CHANGE, CHANGE_STORIES, CHANGE_RESPONSES)  # what reaches into every file

can_view = permission_required(VIEW, raise_exception=True)
can_change = permission_required([VIEW, CHANGE], raise_exception=True)
can_change_all = permission_required([VIEW, *CHANGE_ALL], raise_exception=True)


def may_undo(user: User, change: Change) -> bool:
    """One's own, for who may change any of the data; somebody else's for who may change all."""
    needed = any if change.by_id == user.pk else all
    return needed(map(user.has_perm, CHANGE_ALL))


def by(request: HttpRequest) -> User:
    return cast("User", request.user)


can_view_stories = permission_required(VIEW_STORIES, raise_exception=True)
can_view_responses = permission_required("accounts.view_responses", raise_exception=True)

AREAS = {"story": "stories", "rule": "stories", "test": "stories", "response": "responses"}


def area_of(kind: str) -> str:
    """Which permissions are about a kind of block: stories, responses, or NLU data; the domain's are with stories."""
    return AREAS.get(kind, "nlu_data" if kind in {"intent", "synonym", "regex", "lookup", "config"} else "stories")


def may(request: HttpRequest, level: str, kind: str) -> bool:
    """`level` is view or change."""
    return request.user.has_perm(f"accounts.{level}_{area_of(kind)}")


def seeing(request: HttpRequest, *rights: str) -> None:
    """Raises PermissionDenied for who has none of them."""
    if not any(request.user.has_perm(f"accounts.{right}") for right in rights):
        raise PermissionDenied


def needs(request: HttpRequest, level: str, kind: str) -> None:
    """Raises PermissionDenied."""
    if not may(request, "view", kind) or not may(request, level, kind):
        raise PermissionDenied
