"""Tags: words with a colour that people put on conversations."""

from __future__ import annotations

from typing import Any

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from events.models import NAME_LENGTH, Conversation, ConversationFacet, Facet
from events.querysets import ConversationQuerySet
from events.stamps import conversations_were_marked
from rasax.accounts.models import AuditEntry, User
from rasax.conversations.saved import SavedView


class TagQuerySet(models.QuerySet["Tag"]):
    def called(self, name: str, color: str = "") -> Tag:
        """The tag of this name, made if there is none."""
        while True:  # as often as somebody else deletes it just now
            facet, _ = Facet.objects.get_or_create(kind=Facet.Kind.TAG, value=name.strip())
            with transaction.atomic():
                if _locked(facet.pk):
                    chosen = color or Tag.COLORS[facet.pk % len(Tag.COLORS)]
                    tag, made = self.get_or_create(facet=facet, defaults={"color": chosen})
                    if made:
                        conversations_were_marked()
                    return tag


class Tag(models.Model):
    """A word with a colour that people put on conversations. Which have it is its facet's to know."""

    COLORS = ("#2563eb", "#0f766e", "#b45309", "#be123c", "#7e22ce", "#15803d", "#0369a1", "#a16207")

    facet = models.OneToOneField(Facet, on_delete=models.CASCADE, primary_key=True, related_name="tag")
    color = models.CharField(max_length=7, validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write it as #2563eb."))])

    objects = TagQuerySet.as_manager()

    class Meta:
        ordering = ["facet__value"]

    def __str__(self) -> str:
        return self.facet.value

    def put_on(self, conversations: ConversationQuerySet, by: User | None) -> int:
        return len(self.move(conversations, True, by))

    def take_off(self, conversations: ConversationQuerySet, by: User | None) -> int:
        return len(self.move(conversations, False, by))

    @transaction.atomic
    def move(self, conversations: ConversationQuerySet, on: bool, by: User | None) -> set[int]:
        """Puts it on or takes it off; returns the ids of those that were otherwise before. Raises Tag.DoesNotExist."""
        pks = list(conversations.order_by("key").select_for_update().values_list("pk", flat=True))
        self._lock()
        targets = Conversation.objects.filter(pk__in=pks)
        changed = (targets.link if on else targets.unlink)(Facet.Kind.TAG, str(self))
        done = "tagged" if on else "untagged"
        AuditEntry.objects.note(by, done, Conversation.objects.filter(pk__in=changed), tag=str(self))
        return changed

    def _lock(self, *others: Tag) -> None:
        """After the conversations that the transaction locks. Somebody may have deleted or renamed it meanwhile."""
        found = _locked(self.pk, *(other.pk for other in others))
        for tag in (self, *others):
            if tag.pk not in found:
                raise Tag.DoesNotExist
            tag.facet = found[tag.pk]

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Takes it off every conversation, too: a tag is its facet."""
        gone = _locked(self.pk)
        conversations_were_marked()
        return gone[self.pk].delete() if gone else (0, {})

    def change(self, color: str, by: User | None) -> bool:
        """Gives it another colour; False if it has this one."""
        if color == self.color:
            return False
        with transaction.atomic():
            self._lock()
            AuditEntry.objects.note(by, "recoloured", [self], before=self.color, after=color)
            self.color = color
            self.save(update_fields=["color"])
            conversations_were_marked()
        return True

    @transaction.atomic
    def rename(self, name: str, by: User | None) -> None:
        """Its conversations and the views that ask for it follow; django.db.IntegrityError if there is such a tag."""
        self._lock()
        before, self.facet.value = self.facet.value, name
        self.facet.save(update_fields=["value"])
        _rename_in_views(before, name)
        AuditEntry.objects.note(by, "renamed", [self], before=before, after=name)
        conversations_were_marked()

    def merge_into(self, other: Tag, by: User | None) -> int:
        """Puts the other tag on all that have this one, which is then gone; returns how many did not have both."""
        while True:  # as often as somebody else commits that they put it on one more
            try:
                return self._merge_into(other, by)
            except PutOnMeanwhile:
                continue

    @transaction.atomic
    def _merge_into(self, other: Tag, by: User | None) -> int:
        having = Conversation.objects.filter(facets=self.pk).order_by("key")
        pks = list(having.select_for_update(of=("self",)).values_list("pk", flat=True))
        self._lock(other)
        if ConversationFacet.objects.filter(facet=self.pk).count() != len(pks):
            raise PutOnMeanwhile
        gained = other.put_on(Conversation.objects.filter(pk__in=pks), by)
        _rename_in_views(str(self), str(other))
        AuditEntry.objects.note(by, "merged", [self], into=str(other))
        self.delete()
        return gained

    @transaction.atomic
    def remove(self, by: User | None) -> None:
        self._lock()
        AuditEntry.objects.note(by, "deleted", [self], conversations=self.facet.n_conversations)
        self.delete()


class PutOnMeanwhile(Exception):
    """Somebody put the tag on one more conversation while we locked those that had it."""


def _locked(*pks: int) -> dict[int, Facet]:
    return {facet.pk: facet for facet in Facet.objects.filter(pk__in=pks).order_by("pk").select_for_update()}


def tag_name(written: str) -> str:
    """A tag's name as it is kept."""
    return " ".join(written.replace("\x00", "").split())[:NAME_LENGTH]


def _rename_in_views(before: str, after: str) -> None:
    for view in SavedView.objects.filter(query__contains="tag=").select_for_update().order_by("pk"):
        query = QueryDict(view.query, mutable=True)
        tags = query.getlist("tag")
        if before in tags:
            query.setlist("tag", list(dict.fromkeys(after if tag == before else tag for tag in tags)))
            view.query = query.urlencode()
            view.save(update_fields=["query"])
