"""People and invitations, as an administrator manages them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required, permission_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rasax.accounts import people, second_factor
from rasax.accounts.form_pages import form_page
from rasax.accounts.forms import AcceptForm, AddPersonForm, InviteForm, RolesForm
from rasax.accounts.models import Invitation, Session, User
from rasax.accounts.people import Refused
from rasax.accounts.signing import BACKEND

PAGE = 50
can_view_people = permission_required("accounts.view_user", raise_exception=True)
can_change_people = permission_required(["accounts.view_user", "accounts.change_user"], raise_exception=True)
can_add_people = permission_required(["accounts.view_user", "accounts.add_user"], raise_exception=True)


def _by(request: HttpRequest) -> User:
    return cast("User", request.user)


@can_view_people
def all_people(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").replace("\x00", "").strip()[:150]
    page = Paginator(_found(words), PAGE).get_page(request.GET.get("page"))
    return render(request, "settings/people.html", {"page": page, "words": words})


def _found(words: str) -> QuerySet[User]:
    fields = ("username", "first_name", "last_name", "email")
    wanted = Q()
    for word in words.split():
        wanted &= Q(*((f"{field}__icontains", word) for field in fields), _connector=Q.OR)
    return User.objects.filter(wanted).prefetch_related("groups").order_by("-is_active", "username")


@can_view_people
def one_person(request: HttpRequest, person_pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_pk)
    context = {
        "person": person,
        "form": RolesForm(initial={"roles": person.groups.all()}),
        "roles": person.groups.order_by("name"),
        "sessions": Session.objects.filter(user=person).alive(),
        "tokens": person.api_tokens.count(),
        "second_factor": second_factor.second_factor_needed(person),
    }
    return render(request, "settings/person.html", context)


@can_add_people
@never_cache
def add_person(request: HttpRequest) -> HttpResponse:
    def add(given: dict[str, Any]) -> HttpResponse:
        return _password(request, *people.add(by=_by(request), **given))

    form = AddPersonForm(request.POST or None)
    return form_page(request, form, "settings/add_person.html", add, refused_at="roles")


def _password(request: HttpRequest, person: User, password: str) -> HttpResponse:
    return render(request, "settings/password.html", {"person": person, "password": password})


def _does(request: HttpRequest, person_pk: int, verb: Callable[[User], Any], done: str) -> HttpResponse:
    person = get_object_or_404(User, pk=person_pk)
    try:
        verb(person)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, done % {"name": person})
    return redirect("person", person_pk)


@require_POST
@can_change_people
def change_roles(request: HttpRequest, person_pk: int) -> HttpResponse:
    form = RolesForm(request.POST)
    roles = list(form.cleaned_data["roles"]) if form.is_valid() else []
    if form.errors:
        messages.error(request, _("One of these roles is gone; look again."))
        return redirect("person", person_pk)
    done = _("The roles of %(name)s are changed.")
    return _does(request, person_pk, lambda person: people.change_roles(person, roles, _by(request)), done)


@require_POST
@can_change_people
def deactivate(request: HttpRequest, person_pk: int) -> HttpResponse:
    done = _("%(name)s is signed out everywhere and can no longer sign in.")
    return _does(request, person_pk, lambda person: people.deactivate(person, _by(request)), done)


@require_POST
@can_change_people
def reactivate(request: HttpRequest, person_pk: int) -> HttpResponse:
    done = _("%(name)s can sign in again.")
    return _does(request, person_pk, lambda person: people.reactivate(person, _by(request)), done)


@require_POST
@can_change_people
@never_cache
def reset_password(request: HttpRequest, person_pk: int) -> HttpResponse:
    person = get_object_or_404(User, pk=person_pk)
    try:
        return _password(request, person, people.reset_password(person, _by(request)))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("person", person_pk)


@require_POST
@can_change_people
def end_sessions(request: HttpRequest, person_pk: int) -> HttpResponse:
    done = _("%(name)s is signed out everywhere.")
    return _does(request, person_pk, lambda person: people.end_sessions(person, _by(request)), done)


@require_POST
@can_change_people
def revoke_tokens(request: HttpRequest, person_pk: int) -> HttpResponse:
    done = _("The API tokens of %(name)s are revoked.")
    return _does(request, person_pk, lambda person: people.revoke_tokens(person, _by(request)), done)


@require_POST
@can_change_people
def turn_off_second_factor(request: HttpRequest, person_pk: int) -> HttpResponse:
    """For who has lost their phone and their recovery codes."""
    done = _("%(name)s signs in with the password alone, until they set up a second factor again.")
    return _does(request, person_pk, lambda person: _turn_off(person, _by(request)), done)


def _turn_off(person: User, by: User) -> None:
    people.refuse_stronger(by, person)
    second_factor.turn_off(person, by)


@can_add_people
@never_cache
def invitations(request: HttpRequest) -> HttpResponse:
    template, there_are = "settings/invitations.html", Invitation.objects.open().prefetch_related("roles", "by")

    def invite(given: dict[str, Any]) -> HttpResponse:
        _made, secret = Invitation.objects.invite(by=_by(request), **given)
        link = request.build_absolute_uri(reverse("accept_invitation", args=[secret]))
        return render(request, template, {"form": InviteForm(), "link": link, "invitations": there_are})

    form = InviteForm(request.POST or None)
    return form_page(request, form, template, invite, refused_at="roles", invitations=there_are)


@require_POST
@can_add_people
def revoke_invitation(request: HttpRequest, invitation_pk: int) -> HttpResponse:
    get_object_or_404(Invitation.objects.open(), pk=invitation_pk).revoke(_by(request))
    messages.success(request, _("The invitation is revoked; its link opens nothing any more."))
    return redirect("invitations")


@login_not_required
@never_cache
def accept_invitation(request: HttpRequest, secret: str) -> HttpResponse:
    invitation = Invitation.objects.of(secret)
    if invitation is None:
        return _no_invitation(request)
    accept = partial(_accept, request, invitation)
    return form_page(request, AcceptForm(request.POST or None), "registration/accept_invitation.html", accept)


def _accept(request: HttpRequest, invitation: Invitation, given: dict[str, Any]) -> HttpResponse:
    person = invitation.accept(given["username"], given["password1"])
    if person is None:
        return _no_invitation(request)
    login(request, person, backend=BACKEND)
    return redirect("home")


def _no_invitation(request: HttpRequest) -> HttpResponse:
    return render(request, "registration/no_invitation.html", status=404)
