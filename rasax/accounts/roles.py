"""Roles are Django's groups with permissions. `migrate` makes these three; a team changes them or adds its own."""

from __future__ import annotations

from django.apps import apps as installed
from django.apps.registry import Apps

ADMIN, ANNOTATOR, TESTER = "admin", "annotator", "tester"

ANNOTATOR_PERMISSIONS = {
    "events.view_conversation",
    "conversations.annotate_conversation",
    "conversations.view_tag",
    "conversations.add_tag",
    "conversations.change_tag",
}
# A tester talks to the assistant and sees nobody else's conversations.
ROLES: dict[str, set[str] | None] = {ADMIN: None, ANNOTATOR: ANNOTATOR_PERMISSIONS, TESTER: set()}


def ensure_roles(using: str, apps: Apps = installed, **kwargs: object) -> None:
    """Makes the roles that are missing. An admin's role gets every permission; the others' are a team's to change."""
    try:
        groups = apps.get_model("auth", "Group").objects.using(using)
        permissions = apps.get_model("auth", "Permission").objects.using(using).select_related("content_type")
    except LookupError:
        return  # a migration test without these apps
    by_name = {f"{p.content_type.app_label}.{p.codename}": p for p in permissions}
    for name, wanted in ROLES.items():
        group, made = groups.get_or_create(name=name)
        if wanted is None:
            group.permissions.set(by_name.values())
        elif made or not group.permissions.exists():
            group.permissions.set(by_name[permission] for permission in wanted & by_name.keys())
