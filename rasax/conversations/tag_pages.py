"""The tags that there are: their names, their colours, how many conversations have each."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from rasax.accounts.models import User
from rasax.conversations import stylesheet
from rasax.conversations.marking import while_it_exists
from rasax.conversations.tagging import Tag, tag_name

SHOWN = 500
can_change_tags = permission_required("conversations.change_tag", raise_exception=True)


@can_change_tags
def tags(request: HttpRequest) -> HttpResponse:
    rows = list(Tag.objects.select_related("facet")[: SHOWN + 1])
    context = {
        "tags": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "shown": SHOWN,
        "palette": Tag.COLORS,
        "tags_version": stylesheet.version(Tag.objects.values_list("pk", "color")),
        "may_add": request.user.has_perm("conversations.add_tag"),
        "may_delete": request.user.has_perm("conversations.delete_tag"),
    }
    return render(request, "settings/tags.html", context)


@require_POST
@permission_required("conversations.add_tag", raise_exception=True)
def make_tag(request: HttpRequest) -> HttpResponse:
    name = tag_name(request.POST.get("name", ""))
    if not name:
        messages.error(request, _("Give the tag a name."))
    elif Tag.objects.filter(facet__value=name).exists():
        messages.error(request, _("There is a tag “%s” already.") % name)
    else:
        tag = Tag.objects.called(name, _color(request))
        messages.success(request, _("The tag “%s” is made.") % tag)
    return redirect("tags")


@require_POST
@can_change_tags
@while_it_exists
def change_tag(request: HttpRequest, tag_pk: int) -> HttpResponse:
    tag = get_object_or_404(Tag.objects.select_related("facet"), pk=tag_pk)
    by, name = cast("User", request.user), tag_name(request.POST.get("name", "")) or str(tag)
    if color := _color(request):
        tag.change(color, by)
    if name == str(tag):
        messages.success(request, _("The tag “%s” is saved.") % tag)
        return redirect("tags")
    other = Tag.objects.filter(facet__value=name).select_related("facet").first()
    if other:
        return _merge(request, tag, other, by)
    return _rename(request, tag, name, by)


def _rename(request: HttpRequest, tag: Tag, name: str, by: User) -> HttpResponse:
    try:
        with transaction.atomic():
            tag.rename(name, by)
        messages.success(request, _("The tag is called “%s” now.") % name)
    except IntegrityError:
        messages.error(request, _("Somebody has just made a tag of this name. Try again."))
    return redirect("tags")


def _merge(request: HttpRequest, tag: Tag, other: Tag, by: User) -> HttpResponse:
    if not request.user.has_perm("conversations.delete_tag"):
        messages.error(request, _("There is a tag “%s” already, and you may not merge tags.") % other)
        return redirect("tags")
    if request.POST.get("confirmed") != "1":
        return _ask_to_merge(request, tag, other)
    gained = tag.merge_into(other, by)
    text = ngettext("Merged: %(n)d conversation got “%(tag)s”.", "Merged: %(n)d conversations got “%(tag)s”.", gained)
    messages.success(request, text % {"n": gained, "tag": other})
    return redirect("tags")


def _ask_to_merge(request: HttpRequest, tag: Tag, other: Tag) -> HttpResponse:
    count = tag.facet.n_conversations
    context = {
        "question": _("Merge “%(tag)s” into “%(other)s”?") % {"tag": tag, "other": other},
        "explanation": ngettext(
            "There is a tag of this name already. %(n)d conversation gets it, and “%(tag)s” is gone.",
            "There is a tag of this name already. %(n)d conversations get it, and “%(tag)s” is gone.",
            count,
        )
        % {"n": count, "tag": tag},
        "verb": _("Merge the tags"),
        "fields": [("name", str(other))],
        "back": "tags",
    }
    return render(request, "settings/confirm.html", context)


@require_POST
@permission_required("conversations.delete_tag", raise_exception=True)
@while_it_exists
def delete_tag(request: HttpRequest, tag_pk: int) -> HttpResponse:
    tag = get_object_or_404(Tag.objects.select_related("facet"), pk=tag_pk)
    if request.POST.get("confirmed") != "1":
        return _ask_to_delete(request, tag)
    tag.remove(cast("User", request.user))
    messages.success(request, _("The tag “%s” is deleted.") % tag)
    return redirect("tags")


def _ask_to_delete(request: HttpRequest, tag: Tag) -> HttpResponse:
    count = tag.facet.n_conversations
    context = {
        "question": _("Delete the tag “%s”?") % tag,
        "explanation": ngettext(
            "%d conversation loses it. This cannot be undone.",
            "%d conversations lose it. This cannot be undone.",
            count,
        )
        % count,
        "verb": _("Delete the tag"),
        "fields": [],
        "back": "tags",
    }
    return render(request, "settings/confirm.html", context)


def _color(request: HttpRequest) -> str:
    """What the form chose, if it is a colour."""
    color = request.POST.get("color", "").lower()
    try:
        Tag._meta.get_field("color").run_validators(color)
    except ValidationError:
        return ""
    return color
