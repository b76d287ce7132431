"""Roles are Django's groups with permissions. `migrate` makes these three; a team changes them or adds its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

ADMIN, ANNOTATOR, TESTER = "admin", "annotator", "tester"


class Level(TextChoices):
    """How far a role may go in an area."""

    NONE = "none", _("Nothing")
    VIEW = "view", _("See")
    CHANGE = "change", _("See and change")
    OWN = "own", _("A choice of its own")  # made at /admin; kept as it is


class Area(NamedTuple):
    key: str
    label: Promise
    sees: frozenset[str]
    changes: frozenset[str]

    @property
    def permissions(self) -> frozenset[str]:
        return self.sees | self.changes

    def level(self, held: Iterable[str]) -> Level:
        here = self.permissions & set(held)
        return next((level for level in (Level.NONE, Level.VIEW, Level.CHANGE) if here == self.of(level)), Level.OWN)

    def of(self, level: Level) -> frozenset[str]:
        return {Level.VIEW: self.sees, Level.CHANGE: self.permissions}.get(level, frozenset())


class Tick(NamedTuple):
    """A right of its own inside an area."""

    key: str
    label: Promise
    permission: str


def _ours(key: str, label: Promise) -> Area:
    return Area(key, label, frozenset({f"accounts.view_{key}"}), frozenset({f"accounts.change_{key}"}))


CONVERSATIONS = Area(
    "conversations",
    _("Conversations"),
    frozenset({"events.view_conversation", "conversations.view_tag"}),
    frozenset({"conversations.annotate_conversation", "conversations.add_tag", "conversations.change_tag"}),
)
PEOPLE = Area(
    "people",
    _("People and roles"),
    frozenset({"accounts.view_user", "auth.view_group"}),
    frozenset({f"accounts.{verb}_user" for verb in ("add", "change", "delete")})
    | {f"auth.{verb}_group" for verb in ("add", "change", "delete")},
)
SETTINGS = Area(
    "settings",
    _("Settings"),
    frozenset(
        {"accounts.view_settings", "accounts.view_auditentry", "events.view_heartbeat", "events.view_rejectedmessage"}
    ),
    frozenset({"accounts.change_settings", "conversations.delete_tag", "events.delete_rejectedmessage"}),
)
LEARNT_FROM = (
    _ours("nlu_data", _("NLU data")),
    _ours("stories", _("Stories and rules")),
    _ours("responses", _("Responses")),
)
MODELS, CHAT = _ours("models", _("Models")), _ours("chat", _("Chat"))
AREAS = (CONVERSATIONS, *LEARNT_FROM, MODELS, _ours("environments", _("Environments")), CHAT, PEOPLE, SETTINGS)
EXPORT = Tick("export", _("Export conversations"), "conversations.export_conversation")
TICKS = (EXPORT, Tick("forget", _("Delete conversations for good"), "events.delete_conversation"))
IN_AREAS = frozenset().union(*(area.permissions for area in AREAS)) | {tick.permission for tick in TICKS}

# None is every permission. A tester talks to the assistant and sees nobody else's conversations.
ROLES: dict[str, frozenset[str] | None] = {
    ADMIN: None,
    ANNOTATOR: frozenset().union(*(area.permissions for area in (CONVERSATIONS, *LEARNT_FROM, CHAT)))
    | MODELS.sees
    | {EXPORT.permission},
    TESTER: CHAT.sees,
}


def chosen(held: Iterable[str], levels: Mapping[str, Level], ticked: Iterable[str]) -> frozenset[str]:
    """What a role holds after these choices; what is in no area stays."""
    before, ticked = frozenset(held), set(ticked)
    after = before - IN_AREAS
    for area in AREAS:
        level = levels.get(area.key, Level.OWN)
        after |= before & area.permissions if level == Level.OWN else area.of(level)
    return after | {tick.permission for tick in TICKS if tick.key in ticked}


def ensure_roles(using: str, apps: Apps = installed, **kwargs: object) -> None:
    """Makes the roles that are missing. An admin's role gets every permission; the others' are a team's to change."""
    try:
        groups = apps.get_model("auth", "Group").objects.using(using)
        permissions = apps.get_model("auth", "Permission").objects.using(using).select_related("content_type")
        offers = apps.get_model("accounts", "RoleOffer").objects.using(using)
    except LookupError:
        return  # a migration test without these apps
    by_name = {f"{p.content_type.app_label}.{p.codename}": p for p in permissions}
    for name, wanted in ROLES.items():
        group, made = groups.get_or_create(name=name)
        if wanted is None:
            group.permissions.set(by_name.values())
        else:
            _offer(group, wanted & by_name.keys(), made, offers, by_name)


def _offer(group: Any, wanted: frozenset[str], made: bool, offers: Any, by_name: Mapping[str, Any]) -> None:
    """Gives a role what it was never given before, so what a team took away stays away."""
    before = set() if made else set(offers.filter(role=group.name).values_list("permission", flat=True))
    group.permissions.add(*(by_name[name] for name in wanted - before))
    rows = [offers.model(role=group.name, permission=name) for name in sorted(wanted - before)]
    offers.bulk_create(rows, ignore_conflicts=True)
