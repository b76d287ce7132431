"""The settings, as the navigation beside them shows them: each person sees the pages that they may open."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from rasax.accounts.models import User

can_view_settings = permission_required("accounts.view_settings", raise_exception=True)
can_change_settings = permission_required("accounts.change_settings", raise_exception=True)


class SettingsPage(NamedTuple):
    area: Promise
    label: Promise
    icon: str
    permission: str
    url_name: str

    @property
    def address(self) -> str:
        return reverse(self.url_name)

    def holds(self, path: str) -> bool:
        return path.startswith(self.address)


PEOPLE, CONVERSATIONS, OPERATION = _("People"), _("Conversations"), _("Operation")
PAGES = (
    SettingsPage(PEOPLE, _("People"), "people", "accounts.view_user", "people"),
    SettingsPage(PEOPLE, _("Roles"), "shield-lock", "auth.view_group", "roles"),
    SettingsPage(PEOPLE, _("Invitations"), "envelope", "accounts.add_user", "invitations"),
    SettingsPage(CONVERSATIONS, _("Tags"), "tag", "conversations.change_tag", "tags"),
    SettingsPage(CONVERSATIONS, _("Retention and deletion"), "hourglass-split", "accounts.view_settings", "retention"),
    SettingsPage(OPERATION, _("Environments"), "hdd-network", "accounts.view_environments", "environments"),
    SettingsPage(OPERATION, _("Event service"), "activity", "accounts.view_settings", "event_service"),
    SettingsPage(OPERATION, _("Rejected messages"), "inbox", "accounts.view_settings", "rejected_messages"),
    SettingsPage(OPERATION, _("Audit log"), "journal-text", "accounts.view_auditentry", "audit"),
)


def open_to(user: User | AnonymousUser) -> Iterator[SettingsPage]:
    return (page for page in PAGES if user.has_perm(page.permission) and _exists(page))


def areas_open_to(user: User | AnonymousUser) -> list[tuple[Promise, list[SettingsPage]]]:
    return [(area, list(pages)) for area, pages in groupby(open_to(user), key=lambda page: page.area)]


def _exists(page: SettingsPage) -> bool:
    """A template may link to pages of apps that stand above this one, and are not installed."""
    try:
        return bool(page.address)
    except NoReverseMatch:
        return False


def settings(request: HttpRequest) -> HttpResponse:
    """The first of the settings that a person may see."""
    for page in open_to(request.user):
        return redirect(page.url_name)
    raise Http404
