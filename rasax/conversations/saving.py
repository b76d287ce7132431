"""The forms by which a person saves, shares and changes views of the list, and how many conversations each shows."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.models import User
from rasax.conversations.filters import Filters
from rasax.conversations.marking import SeeOther
from rasax.conversations.models import SavedView
from rasax.conversations.reading import reader
from rasax.conversations.sidebar import MOST_VIEWS
from rasax.conversations.views import can_read, counted, number_shown

NAME_LENGTH = 100
QUERY_LENGTH = 4000


@require_POST
@can_read
def save(request: HttpRequest) -> HttpResponse:
    """Names the filters that are in the form's address."""
    query, name = Filters.read(request.GET).query, _name(request)
    if not name:
        messages.error(request, _("A view needs a name: write one and save again."))
    elif len(query) > QUERY_LENGTH:
        messages.error(request, _("These are too many filters for a view: take some away and save again."))
    else:
        SavedView.objects.save_as(name, query, reader(request), shared=request.POST.get("shared") == "1")
        messages.success(request, _("Saved as “%s”.") % name)
    return _back_to(query)


@require_POST
@can_read
def change(request: HttpRequest, view_pk: int) -> HttpResponse:
    person = reader(request)
    view = get_object_or_404(SavedView.objects.visible_to(person), pk=view_pk)
    action = request.POST.get("action", "")
    if action == "delete":
        if not view.is_deletable_by(person):
            raise PermissionDenied
        view.withdraw(person)
        messages.success(request, _("Deleted the view “%s”.") % view)
        return _back_to("")
    if view.owner_id != person.pk:
        raise PermissionDenied
    _change(request, view, action, person)
    return _back_to(view.query)


def _change(request: HttpRequest, view: SavedView, action: str, person: User) -> None:
    name, query = _name(request), Filters.read(request.GET).query
    if action == "rename" and not (name and view.rename(name, person)):
        messages.error(request, _("You have a view of that name, or it is empty: choose another."))
    elif action in {"share", "unshare"}:
        view.share(action == "share", person)
    elif action == "update" and len(query) <= QUERY_LENGTH:
        view.show(query, person)


@require_GET
@can_read
def counts(request: HttpRequest) -> JsonResponse:
    """By id, for all views of a person at once: the list is on the screen before they are counted."""
    person = reader(request)
    views = SavedView.objects.visible_to(person)[:MOST_VIEWS]
    return JsonResponse({str(view.pk): _count(view, person) for view in views})


def _count(view: SavedView, person: User) -> str:
    return number_shown(counted(Filters.read(QueryDict(view.query)), person))


def _name(request: HttpRequest) -> str:
    return " ".join(request.POST.get("name", "").replace("\x00", "").split())[:NAME_LENGTH]


def _back_to(query: str) -> HttpResponse:
    return SeeOther(f"{reverse('conversations')}?{query}".rstrip("?"))
