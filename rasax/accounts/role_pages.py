"""Roles: what each may see and change, by area."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import Group
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rasax.accounts import people
from rasax.accounts.form_pages import form_page
from rasax.accounts.forms import RoleForm
from rasax.accounts.models import User
from rasax.accounts.people import Refused
from rasax.accounts.roles import ADMIN, AREAS, CONVERSATIONS, ROLES, TICKS, Level, chosen

SHOWN = 50  # people of a role
can_view_roles = permission_required("auth.view_group", raise_exception=True)
can_change_roles = permission_required(["auth.view_group", "auth.change_group"], raise_exception=True)
can_add_roles = permission_required(["auth.view_group", "auth.add_group"], raise_exception=True)
can_delete_roles = permission_required(["auth.view_group", "auth.delete_group"], raise_exception=True)


def _by(request: HttpRequest) -> User:
    return cast("User", request.user)


@can_view_roles
def all_roles(request: HttpRequest) -> HttpResponse:
    roles = Group.objects.annotate(people=Count("user")).prefetch_related("permissions__content_type").order_by("name")
    held = [(role, people.names_of(role.permissions.all())) for role in roles]
    rows = [(role, [area.level(names) for area in AREAS]) for role, names in held]
    return render(request, "settings/roles.html", {"columns": AREAS, "rows": rows})


@can_view_roles
def one_role(request: HttpRequest, role_pk: int) -> HttpResponse:
    role = get_object_or_404(Group, pk=role_pk)
    holders = role.user_set.order_by("-is_active", "username")[: SHOWN + 1]
    context = {
        "role": role,
        "given": role.name in ROLES,
        "fixed": role.name == ADMIN or not request.user.has_perm("auth.change_group"),
        "people": holders[:SHOWN],
        "more": len(holders) > SHOWN,
        **_matrix(people.rights_of([role])),
    }
    return render(request, "settings/role.html", context)


@can_add_roles
def add_role(request: HttpRequest) -> HttpResponse:
    def make(given: dict[str, Any]) -> HttpResponse:
        role = people.make_role(given["name"], wanted, _by(request))
        messages.success(request, _("The role %(name)s is made.") % {"name": role})
        return redirect("role", role.pk)

    form, wanted = RoleForm(request.POST or None), _wanted(request.POST, before=())
    return form_page(request, form, "settings/add_role.html", make, refused_at="name", **_matrix(wanted))


def _matrix(held: Collection[str]) -> dict[str, Any]:
    """Each area with its level and the levels to choose from; one's own choice only where there is one."""
    rows = []
    for area in AREAS:
        level = area.level(held)
        levels = [each for each in Level if each != Level.OWN or level == Level.OWN]
        ticks = [(tick, tick.permission in held) for tick in TICKS] if area is CONVERSATIONS else []
        rows.append((area, level, levels, ticks))
    return {"matrix": rows}


def _wanted(posted: QueryDict, before: Collection[str]) -> frozenset[str]:
    levels = {area.key: Level(str(posted[area.key])) for area in AREAS if posted.get(area.key) in Level}
    return chosen(before, levels, posted.getlist("also"))


@require_POST
@can_change_roles
def change_role(request: HttpRequest, role_pk: int) -> HttpResponse:
    role = get_object_or_404(Group, pk=role_pk)
    wanted = _wanted(request.POST, people.rights_of([role]))
    done = _("The rights of %(name)s are changed; they count at once.")
    return _does(request, role, lambda: people.change_role(role, wanted, _by(request)), done)


def _does(request: HttpRequest, role: Group, verb: Callable[[], Any], done: str) -> HttpResponse:
    try:
        verb()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done % {"name": role})
    return redirect("role", role.pk) if Group.objects.filter(pk=role.pk).exists() else redirect("roles")


@require_POST
@can_change_roles
def rename_role(request: HttpRequest, role_pk: int) -> HttpResponse:
    role, form = get_object_or_404(Group, pk=role_pk), RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A role needs a name of up to 150 characters."))
        return redirect("role", role_pk)
    name = form.cleaned_data["name"]
    return _does(
        request, role, lambda: people.rename_role(role, name, _by(request)), _("The role %(name)s is renamed.")
    )


@require_POST
@can_delete_roles
def delete_role(request: HttpRequest, role_pk: int) -> HttpResponse:
    role = get_object_or_404(Group, pk=role_pk)
    done = _("The role %(name)s is deleted.")
    return _does(request, role, lambda: people.delete_role(role, _by(request)), done)
