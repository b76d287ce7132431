"""Roles: what may be done by the people who have them."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Count, Prefetch, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts import people
from rasax.accounts.api.fields import Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.people import allowed

SEE_ROLES, CHANGE_ROLES = ("auth.view_group",), ("auth.view_group", "auth.change_group")


class Role(serializers.Serializer[Any]):
    name = serializers.CharField()
    permissions = serializers.ListField(child=serializers.CharField())
    people = serializers.IntegerField(help_text="How many have it")


class RolePermissions(Strict):
    permissions = serializers.ListField(child=Text(max_length=200), max_length=1_000)


class RoleToAdd(RolePermissions):
    name = Text(max_length=150)


def _roles() -> QuerySet[Group]:
    permissions = Permission.objects.select_related("content_type").order_by("content_type__app_label", "codename")
    prefetched = Group.objects.prefetch_related(Prefetch("permissions", permissions))
    return prefetched.annotate(people=Count("user")).order_by("name")


def _role(group: Group) -> dict[str, Any]:
    names = [f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.all()]
    return {"name": group.name, "permissions": names, "people": getattr(group, "people", 0)}


class Roles(Endpoint):
    @operation(Role(many=True), needs=SEE_ROLES)
    def get(self, request: Request) -> Response:
        """All roles."""
        return Response([_role(group) for group in _roles()])

    @operation(Role, needs=(*CHANGE_ROLES, "auth.add_group"), body=RoleToAdd, status=201, errors=(404, 409))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Add a role. It may do at most what you may."""
        with allowed():
            role = people.make_role(body["name"], _known(body["permissions"]), person(request))
        return Response(_role(_roles().get(pk=role.pk)), status=201)


class OneRole(Endpoint):
    @operation(Role, needs=SEE_ROLES)
    def get(self, request: Request, role: str) -> Response:
        """A role."""
        return Response(_role(get_object_or_404(_roles(), name=role)))

    @operation(Role, needs=CHANGE_ROLES, body=RolePermissions, errors=(409,))
    def put(self, request: Request, role: str, body: dict[str, Any]) -> Response:
        """Say anew what a role may do, at most what you may."""
        found = get_object_or_404(Group, name=role)
        with allowed():
            people.change_role(found, _known(body["permissions"]), person(request))
        return Response(_role(_roles().get(pk=found.pk)))

    @operation(None, needs=(*CHANGE_ROLES, "auth.delete_group"), status=204, errors=(409,))
    def delete(self, request: Request, role: str) -> Response:
        """Delete a role. Its people stay, without it."""
        with allowed():
            people.delete_role(get_object_or_404(Group, name=role), person(request))
        return Response(status=204)


def _known(names: list[str]) -> set[str]:
    known = Permission.objects.values_list("content_type__app_label", "codename")
    if missing := sorted(set(names) - {f"{app}.{code}" for app, code in known}):
        raise Http404(f"There is no permission {missing[0]!r}.")
    return set(names)
