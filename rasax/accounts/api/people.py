"""People, and what they do to their own account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts import people, single_sign_on
from rasax.accounts.api.errors import Conflict
from rasax.accounts.api.fields import Flag, Matching, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import TOTAL, Paged, paged
from rasax.accounts.models import AuditEntry, User

SEE_PEOPLE, CHANGE_PEOPLE = ("accounts.view_user",), ("accounts.view_user", "accounts.change_user")
USERNAME = r"^[\w.@+-]+$"


class Person(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    email = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    must_change_password = serializers.BooleanField()
    last_login = serializers.DateTimeField(allow_null=True)
    date_joined = serializers.DateTimeField()


class NewPerson(Person):
    password = serializers.CharField(help_text="For their first visit; shown only now")


class Me(Person):
    permissions = serializers.ListField(child=serializers.CharField())


class OwnDetails(Strict):
    email = Text(max_length=254, allow_blank=True)
    first_name = Text(max_length=150, allow_blank=True)
    last_name = Text(max_length=150, allow_blank=True)


class SomeOwnDetails(Strict):
    email = Text(max_length=254, allow_blank=True, required=False)
    first_name = Text(max_length=150, allow_blank=True, required=False)
    last_name = Text(max_length=150, allow_blank=True, required=False)


class PersonToKeep(OwnDetails):
    roles = serializers.ListField(child=Text(max_length=150), max_length=50)
    is_active = Flag()


class PersonToChange(SomeOwnDetails):
    roles = serializers.ListField(child=Text(max_length=150), max_length=50, required=False)
    is_active = Flag(required=False)


class PersonToAdd(SomeOwnDetails):
    username = Matching(USERNAME, max_length=150)
    roles = serializers.ListField(child=Text(max_length=150), max_length=50)


def _shape(user: User) -> dict[str, Any]:
    columns = {name: getattr(user, name) for name in Person._declared_fields if name != "roles"}
    return {**columns, "roles": [group.name for group in user.groups.all()]}


def _people() -> QuerySet[User]:
    return User.objects.prefetch_related(Prefetch("groups", Group.objects.order_by("name")))


class Users(Endpoint):
    @operation(Person(many=True), needs=SEE_PEOPLE, query=Paged, headers=(TOTAL,))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """All people, by name."""
        rows = _people().order_by("username")[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, [_shape(user) for user in rows], total=User.objects.count())

    @operation(NewPerson, needs=CHANGE_PEOPLE, body=PersonToAdd, status=201, errors=(404, 409))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Add a person.

        They get a random password, which is in the answer and nowhere else, and choose their own on their first visit.
        """
        name, roles = User.normalize_username(body.pop("username")), _groups(body.pop("roles"))
        if User.objects.filter(username__iexact=name).exists():
            raise Conflict("Somebody has this name already.")
        with allowed():
            user, password = people.add(name, roles, person(request), **body)
        return Response({**_shape(_people().get(pk=user.pk)), "password": password}, status=201)


class OnePerson(Endpoint):
    @operation(Person, needs=SEE_PEOPLE)
    def get(self, request: Request, username: str) -> Response:
        """A person."""
        return Response(_shape(get_object_or_404(_people(), username=username)))

    @operation(Person, needs=CHANGE_PEOPLE, body=PersonToKeep, errors=(409,))
    def put(self, request: Request, username: str, body: dict[str, Any]) -> Response:
        """Say everything about a person anew."""
        return Response(_change(username, body, person(request)))

    @operation(Person, needs=CHANGE_PEOPLE, body=PersonToChange, errors=(409,))
    def patch(self, request: Request, username: str, body: dict[str, Any]) -> Response:
        """Change something about a person."""
        return Response(_change(username, body, person(request)))

    @operation(None, needs=(*CHANGE_PEOPLE, "accounts.delete_user"), status=204, errors=(409,))
    def delete(self, request: Request, username: str) -> Response:
        """Delete a person. What they wrote stays, without a name."""
        user = get_object_or_404(User, username=username)
        with allowed():
            people.delete(user, person(request))
        return Response(status=204)


@contextmanager
def allowed() -> Iterator[None]:
    """What a verb refuses is told as a conflict, in its words."""
    try:
        yield
    except people.Refused as refused:
        raise Conflict(str(refused)) from refused


@transaction.atomic
def _change(username: str, body: dict[str, Any], by: User) -> dict[str, Any]:
    user = get_object_or_404(User, username=username)
    roles, is_active = body.pop("roles", None), body.pop("is_active", None)
    with allowed():
        if roles is not None:
            people.change_roles(user, _groups(roles), by)
        if is_active is not None and is_active != user.is_active:
            (people.reactivate if is_active else people.deactivate)(user, by)
        if body:
            _change_details(people.locked(user, by), body, by)
    return _shape(_people().get(pk=user.pk))


def _change_details(user: User, details: dict[str, str], by: User) -> None:
    User.objects.filter(pk=user.pk).update(**details)
    AuditEntry.objects.note(by, "changed", [user], fields=sorted(details))


def _groups(names: list[str]) -> list[Group]:
    found = list(Group.objects.filter(name__in=names))
    if missing := sorted(set(names) - {group.name for group in found}):
        raise Http404(f"There is no role {missing[0]!r}.")
    return found


class OwnAccount(Endpoint):
    @operation(Me)
    def get(self, request: Request) -> Response:
        """You."""
        return Response(_me(person(request)))

    @operation(Me, body=OwnDetails, errors=(409,))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Say your details anew."""
        return Response(_change_me(person(request), body))

    @operation(Me, body=SomeOwnDetails, errors=(409,))
    def patch(self, request: Request, body: dict[str, Any]) -> Response:
        """Change some of your details."""
        return Response(_change_me(person(request), body))


def _me(user: User) -> dict[str, Any]:
    return {**_shape(_people().get(pk=user.pk)), "permissions": sorted(user.get_all_permissions())}


@transaction.atomic
def _change_me(user: User, body: dict[str, Any]) -> dict[str, Any]:
    if body.get("email", user.email) != user.email and single_sign_on.offered():
        raise Conflict("Single sign-on knows you by your e-mail address; ask an administrator to change it.")
    if body:
        _change_details(user, body, user)
    return _me(user)
