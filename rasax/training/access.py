"""Who may see and change which part of the training data."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest

from rasax.accounts.models import User

VIEW, CHANGE = "accounts.view_nlu_data", "accounts.change_nlu_data"
VIEW_STORIES, CHANGE_STORIES = "accounts.view_stories", "accounts.change_stories"
CHANGE_RESPONSES = "accounts.change_responses"
CHANGE_ALL = (CHANGE, CHANGE_STORIES, CHANGE_RESPONSES)  # what reaches into every file

can_view = permission_required(VIEW, raise_exception=True)
can_change = permission_required([VIEW, CHANGE], raise_exception=True)
can_change_all = permission_required([VIEW, *CHANGE_ALL], raise_exception=True)


def by(request: HttpRequest) -> User:
    return cast("User", request.user)
