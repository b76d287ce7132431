"""What is done to people and to their roles. Each verb has its lock and its audit entry inside."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.utils.translation import gettext as _

from rasax.accounts.models import ApiToken, AuditEntry, Invitation, Session, User
from rasax.accounts.roles import ADMIN, ROLES


class Refused(Exception):
    """What was asked for cannot be; says why, to the person who asked."""


def names_of(permissions: Iterable[Permission]) -> set[str]:
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def rights_of(roles: Iterable[Group]) -> set[str]:
    keys = [role.pk for role in roles]
    return names_of(Permission.objects.filter(group__in=keys).select_related("content_type").distinct())


def refuse_more_than_own(by: User, roles: Iterable[Group]) -> None:
    if not rights_of(roles) <= by.get_all_permissions():
        raise Refused(_("You can give only rights that you have yourself."))


def refuse_stronger(by: User, person: User) -> None:
    """Whoever resets the password of a person can sign in as them, so their rights must be one's own."""
    if not User.objects.get(pk=person.pk).get_all_permissions() <= by.get_all_permissions():
        raise Refused(_("This person has rights that you do not have; ask an administrator."))


def locked(person: User, by: User) -> User:
    """The role's row is the lock: two administrators may put each other out at once."""
    list(Group.objects.filter(name=ADMIN).select_for_update())
    refuse_stronger(by, person)
    # Not the key: what somebody writes refers to them, and need not wait.
    return User.objects.select_for_update(no_key=True).get(pk=person.pk)


def refuse_without_administrator() -> None:
    if not User.objects.filter(groups__name=ADMIN, is_active=True).exists():
        raise Refused(_("That would leave nobody with the role admin; give it to somebody else first."))


def give(person: User, roles: Iterable[Group]) -> None:
    """An administrator's role opens the operators' pages; who loses it is no superuser any more either."""
    roles = list(roles)
    had = person.groups.filter(name=ADMIN).exists()
    person.groups.set(roles)
    has = any(role.name == ADMIN for role in roles)
    if had != has or (has and not person.is_staff):
        person.is_staff, person.is_superuser = has, has and person.is_superuser
        person.save(update_fields=["is_staff", "is_superuser"])


@transaction.atomic
def add(username: str, roles: Collection[Group], by: User, **details: str) -> tuple[User, str]:
    """The person, and the password for their first visit, which is never told again."""
    refuse_more_than_own(by, roles)
    password = secrets.token_urlsafe(15)
    person = User.objects.create_user(username, password=password, must_change_password=True, **details)
    give(person, roles)
    AuditEntry.objects.note(by, "added", [person], roles=[role.name for role in roles])
    return person, password


@transaction.atomic
def change_roles(person: User, roles: Collection[Group], by: User) -> None:
    person = locked(person, by)
    before = list(person.groups.order_by("name"))
    refuse_more_than_own(by, set(roles) - set(before))
    if set(roles) == set(before):
        return
    give(person, roles)
    refuse_without_administrator()
    names = {"before": [role.name for role in before], "after": [role.name for role in roles]}
    AuditEntry.objects.note(by, "changed the roles", [person], **names)


@transaction.atomic
def deactivate(person: User, by: User) -> None:
    """They are signed out everywhere, their API tokens count no longer, and their open invitations are gone."""
    if person == by:
        raise Refused(_("Somebody else has to deactivate you."))
    person = locked(person, by)
    _set(person, is_active=False)
    refuse_without_administrator()
    AuditEntry.objects.note(by, "deactivated", [person])
    Session.objects.filter(user=person).end(by)
    Invitation.objects.open().filter(by=person).delete()


@transaction.atomic
def reactivate(person: User, by: User) -> None:
    person = locked(person, by)
    _set(person, is_active=True)
    AuditEntry.objects.note(by, "reactivated", [person])


PARTINGS: list[Callable[[User, User], object]] = []


def parting(do: Callable[[User, User], object]) -> Callable[[User, User], object]:
    """Registers what else is to be done, with a locked person by another, before the account is deleted."""
    PARTINGS.append(do)
    return do


@transaction.atomic
def delete(person: User, by: User) -> None:
    """What they wrote stays, without a name."""
    if person == by:
        raise Refused(_("Somebody else has to delete you."))
    person = locked(person, by)
    Session.objects.filter(user=person).end(by)
    Invitation.objects.open().filter(by=person).delete()
    for do in PARTINGS:
        do(person, by)
    AuditEntry.objects.note(by, "deleted", [person])
    person.delete()
    refuse_without_administrator()


@transaction.atomic
def reset_password(person: User, by: User) -> str:
    """A new one for their next visit, on which they choose their own; never told again."""
    if person == by:
        raise Refused(_("Change your own password on your account's page."))
    person, password = locked(person, by), secrets.token_urlsafe(15)
    person.set_password(password)
    _set(person, password=person.password, must_change_password=True)
    AuditEntry.objects.note(by, "reset the password", [person])
    Session.objects.filter(user=person).end(by)
    return password


@transaction.atomic
def end_sessions(person: User, by: User) -> int:
    return Session.objects.filter(user=locked(person, by)).end(by)


@transaction.atomic
def revoke_tokens(person: User, by: User) -> int:
    tokens = list(ApiToken.objects.filter(user=locked(person, by)))
    for token in tokens:
        token.revoke(by)
    return len(tokens)


def _set(person: User, **values: Any) -> None:
    User.objects.filter(pk=person.pk).update(**values)


@transaction.atomic
def make_role(name: str, permissions: Collection[str], by: User) -> Group:
    role, made = Group.objects.get_or_create(name=name)
    if not made:
        raise Refused(_("There is a role of this name already."))
    _permit(role, permissions, by)
    AuditEntry.objects.note(by, "added", [role], permissions=sorted(permissions))
    return role


@transaction.atomic
def change_role(role: Group, permissions: Collection[str], by: User) -> None:
    if role.name == ADMIN:
        raise Refused(_("The role admin always has every right; it is not changed."))
    role = Group.objects.select_for_update().get(pk=role.pk)
    before = rights_of([role])
    if before == set(permissions):
        return
    refuse_more_than_own(by, [role])
    _permit(role, permissions, by)
    given, taken = set(permissions) - before, before - set(permissions)
    AuditEntry.objects.note(by, "changed", [role], given=sorted(given), taken=sorted(taken))


def _permit(role: Group, permissions: Collection[str], by: User) -> None:
    if not set(permissions) <= by.get_all_permissions():
        raise Refused(_("You can give only rights that you have yourself."))
    codes = {name.partition(".")[2] for name in permissions}
    found = Permission.objects.filter(codename__in=codes).select_related("content_type")
    role.permissions.set(each for each in found if names_of([each]) <= set(permissions))


@transaction.atomic
def rename_role(role: Group, name: str, by: User) -> None:
    _refuse_given(role)
    if Group.objects.filter(name=name).exclude(pk=role.pk).exists():
        raise Refused(_("There is a role of this name already."))
    AuditEntry.objects.note(by, "renamed", [role], name=name)
    Group.objects.filter(pk=role.pk).update(name=name)


@transaction.atomic
def delete_role(role: Group, by: User) -> None:
    """Its people stay, without it."""
    _refuse_given(role)
    refuse_more_than_own(by, [role])
    AuditEntry.objects.note(by, "deleted", [role], people=role.user_set.count())
    role.delete()


def _refuse_given(role: Group) -> None:
    if role.name in ROLES:
        raise Refused(_("This role comes with rasax; it keeps its name and is not deleted."))
