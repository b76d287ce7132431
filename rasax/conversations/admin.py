from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from events.admin import ConversationAdmin
from events.admin_lists import SHOWN_AT_MOST, FacetFilter, ReadOnly, filter_of
from events.models import Conversation, ConversationFacet, Event, Facet
from events.querysets import ConversationQuerySet
from events.vocabulary import UserUttered
from rasax.accounts.admin import Audited
from rasax.accounts.models import User
from rasax.conversations.models import (
    Assignment,
    BulkChange,
    Correction,
    Flag,
    Note,
    Presence,
    Retention,
    Review,
    SavedView,
    Tag,
)

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Tag]
else:
    ModelForm = forms.ModelForm

FLAGGED_AT_ONCE = 500  # each is a few statements of its own
UNREAD = Review.Status.UNREAD.value


class ReviewFilter(FacetFilter):
    """Unread is no facet: it is what neither of the other two have."""

    kind = Facet.Kind.REVIEW
    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(UNREAD, Review.Status.UNREAD.label), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != UNREAD:
            return super().queryset(request, queryset)
        seen = ConversationFacet.objects.filter(facet__in=list(Facet.objects.filter(kind=Facet.Kind.REVIEW)))
        return queryset.exclude(Exists(seen.filter(conversation=OuterRef("pk"))))


class TagActionForm(ActionForm):
    tag = forms.ModelChoiceField(
        Tag.objects.select_related("facet"), required=False, label=_("Tag:"), empty_label=_("(choose one)")
    )


class AnnotatedConversationAdmin(ConversationAdmin):
    list_filter = [*ConversationAdmin.list_filter, *map(filter_of, (Facet.Kind.TAG, Facet.Kind.FLAG)), ReviewFilter]
    action_form = TagActionForm
    actions = ["tag", "untag", "mark_reviewed", "mark_unread", "save_for_later", "flag", "unflag"]

    def view_on_site(self, conversation: Conversation) -> str:
        return reverse("conversation", args=[conversation.pk])

    def has_annotate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("conversations.annotate_conversation")

    @admin.action(description=_("Put the tag on them"), permissions=["annotate"])
    def tag(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._move_tag(request, queryset, on=True)

    @admin.action(description=_("Take the tag off them"), permissions=["annotate"])
    def untag(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._move_tag(request, queryset, on=False)

    def _move_tag(self, request: HttpRequest, queryset: QuerySet[Any], on: bool) -> None:
        if tag := self._chosen_tag(request):
            with suppress(Tag.DoesNotExist):  # somebody has just deleted it, and so it is on none of them
                self._report(request, len(tag.move(_chosen(queryset), on, _who(request))))

    def _chosen_tag(self, request: HttpRequest) -> Tag | None:
        form = TagActionForm(request.POST)
        form.is_valid()  # the tag alone is asked for: the admin has validated the action
        if tag := form.cleaned_data.get("tag"):
            return cast("Tag", tag)
        self.message_user(request, gettext("Choose the tag beside the action."), messages.ERROR)
        return None

    @admin.action(description=_("Mark as reviewed"), permissions=["annotate"])
    def mark_reviewed(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mark(request, queryset, Review.Status.REVIEWED)

    @admin.action(description=_("Mark as unread"), permissions=["annotate"])
    def mark_unread(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mark(request, queryset, Review.Status.UNREAD)

    @admin.action(description=_("Save for later"), permissions=["annotate"])
    def save_for_later(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._mark(request, queryset, Review.Status.SAVED_FOR_LATER)

    def _mark(self, request: HttpRequest, queryset: QuerySet[Any], status: Review.Status) -> None:
        self._report(request, Review.objects.mark(_chosen(queryset), status, _who(request)))

    @admin.action(description=_("Flag their latest user message"), permissions=["annotate"])
    def flag(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._report(
            request, sum(Flag.objects.put_on(event, _who(request)) for event in self._latest(request, queryset))
        )

    @admin.action(description=_("Take the flag off their latest user message"), permissions=["annotate"])
    def unflag(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._report(
            request, sum(Flag.objects.take_off(event, _who(request)) for event in self._latest(request, queryset))
        )

    def _latest(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Event]:
        """The latest message of each conversation's user."""
        conversations = list(_chosen(queryset)[: FLAGGED_AT_ONCE + 1])
        if len(conversations) > FLAGGED_AT_ONCE:
            text = gettext("Only the first %(n)s were looked at; choose the others next.") % {"n": FLAGGED_AT_ONCE}
            self.message_user(request, text, messages.WARNING)
        said = (c.events.filter(type=UserUttered.TYPE).in_order().last() for c in conversations[:FLAGGED_AT_ONCE])
        return [event for event in said if event]

    def _report(self, request: HttpRequest, changed: int) -> None:
        text = ngettext("%(n)s conversation changed.", "%(n)s conversations changed.", changed) % {"n": changed}
        self.message_user(request, text, messages.SUCCESS)


def _who(request: HttpRequest) -> User:
    return cast("User", request.user)


def _chosen(queryset: QuerySet[Any]) -> ConversationQuerySet:
    """No more than the list says that it has, even for "select all"."""
    return Conversation.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)[:SHOWN_AT_MOST]))


admin.site.unregister(Conversation)
admin.site.register(Conversation, AnnotatedConversationAdmin)


class TagForm(ModelForm):
    name = forms.CharField(max_length=255, label=_("Name"))
    color = forms.CharField(
        required=False, label=_("Colour"), validators=Tag._meta.get_field("color").validators,
        help_text=_("Such as #2563eb; without one, the next of the palette"),
    )  # fmt: skip

    class Meta:
        model = Tag
        fields = ["name", "color"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Tag.objects.filter(facet__value=name).exists():
            raise forms.ValidationError(_("There is such a tag."))
        return name

    def save(self, commit: bool = True) -> Tag:
        self.instance = Tag.objects.called(self.cleaned_data["name"], self.cleaned_data["color"])
        return self.instance

    def save_m2m(self) -> None:
        """The admin asks for it; a tag is on conversations by its facet."""


@admin.register(Tag)
class TagAdmin(Audited):
    list_display = ["name", "color", "on"]
    list_select_related = ["facet"]
    search_fields = ["facet__value"]
    fields = ["name", "color"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else TagForm

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["name"] if obj else []

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        with transaction.atomic():
            for tag in queryset.order_by("pk"):
                tag.delete()

    @admin.display(description=_("name"), ordering="facet__value")
    def name(self, tag: Tag) -> str:
        return tag.facet.value

    @admin.display(description=_("conversations"), ordering="facet__n_conversations")
    def on(self, tag: Tag) -> int:
        return tag.facet.n_conversations


@admin.register(Review)
class ReviewAdmin(ReadOnly):
    list_display = ["conversation", "status", "by", "at"]
    list_filter = ["status"]
    list_select_related = ["conversation", "by"]
    ordering = ["-pk"]


@admin.register(Flag)
class FlagAdmin(ReadOnly):
    """A flag goes by the action on its conversation, which keeps the counts right."""

    list_display = ["conversation", "event", "by", "at"]
    list_select_related = ["conversation", "event", "by"]
    ordering = ["-pk"]


@admin.register(Note)
class NoteAdmin(ReadOnly):
    deletable = True
    list_display = ["at", "author", "conversation", "short"]
    list_filter = ["at"]
    list_select_related = ["conversation", "author"]
    search_fields = ["text"]
    ordering = ["-id"]

    @admin.display(description=_("text"))
    def short(self, note: Note) -> str:
        return str(note)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Note]) -> list[LogEntry]:
        """The verb writes into the audit log; Django's would keep what the note said."""
        return []

    def delete_model(self, request: HttpRequest, obj: Note) -> None:
        obj.withdraw(_who(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Note]) -> None:
        with transaction.atomic():
            for note in queryset:
                note.withdraw(_who(request))


@admin.register(Assignment)
class AssignmentAdmin(ReadOnly):
    list_display = ["conversation", "assignee", "by", "at"]
    list_select_related = ["conversation", "assignee", "by"]
    ordering = ["-pk"]


@admin.register(Correction)
class CorrectionAdmin(ReadOnly):
    list_display = ["at", "conversation", "predicted", "intent", "by"]
    list_select_related = ["conversation", "by"]
    search_fields = ["predicted", "intent"]
    ordering = ["-pk"]


@admin.register(SavedView)
class SavedViewAdmin(Audited):
    """Deletable: a shared view of somebody who is gone is nobody's to take away."""

    list_display = ["name", "owner", "shared", "made_at"]
    list_filter = ["shared"]
    list_select_related = ["owner"]
    search_fields = ["name"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(BulkChange)
class BulkChangeAdmin(ReadOnly):
    list_display = ["job", "conversation", "before"]
    list_select_related = ["job", "conversation"]
    ordering = ["-pk"]


@admin.register(Presence)
class PresenceAdmin(ReadOnly):
    list_display = ["user", "conversation", "seen_at"]
    list_select_related = ["user", "conversation"]
    ordering = ["-pk"]


@admin.register(Retention)
class RetentionAdmin(ReadOnly):
    """Its page in the settings says how many conversations a change would delete."""

    list_display = ["__str__", "by", "at", "last_run_at"]
