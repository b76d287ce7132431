"""What people say of conversations. Each write is one verb: it locks, changes, moves the facets, audits, announces."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from events.models import Conversation, Event, Facet
from events.querysets import ConversationQuerySet
from events.stamps import conversations_were_marked
from rasax.accounts.models import AuditEntry, User
from rasax.conversations.assigning import Assignment
from rasax.conversations.bulk import BulkChange
from rasax.conversations.correcting import Correction
from rasax.conversations.forgetting import Retention
from rasax.conversations.presence import Presence
from rasax.conversations.saved import SavedView
from rasax.conversations.tagging import Tag

__all__ = [
    "Assignment",
    "BulkChange",
    "Correction",
    "Flag",
    "Note",
    "Presence",
    "Retention",
    "Review",
    "SavedView",
    "Tag",
    "number_of",
]

FLAGGED = "flagged"


def number_of(marks: type[Correction | Flag | Note]) -> Coalesce:
    """Of marks of one kind, for the conversation of the query around it."""
    of_it = marks._default_manager.filter(conversation=models.OuterRef("pk")).order_by().values("conversation")
    number = models.Subquery(of_it.annotate(n=models.Count("pk")).values("n"))
    return Coalesce(number, 0, output_field=models.IntegerField())


class ReviewQuerySet(models.QuerySet["Review"]):
    def mark(self, conversations: ConversationQuerySet, status: str, by: User | None) -> int:
        """Gives conversations this review status; returns how many had another."""
        return len(self.change(conversations, status, by))

    @transaction.atomic
    def change(self, conversations: ConversationQuerySet, status: str, by: User | None) -> dict[int, str]:
        """As `mark`; returns the status before, by id, of those that had another."""
        # In the order in which record() and other reviewers lock, so that nobody waits for another in a ring.
        pks = list(conversations.order_by("key").select_for_update().values_list("pk", flat=True))
        list(Facet.objects.filter(kind=Facet.Kind.REVIEW).order_by("pk").select_for_update())
        current = dict(self.filter(conversation__in=pks).values_list("pk", "status"))
        changed = [pk for pk in pks if current.get(pk, Review.Status.UNREAD) != status]
        targets = Conversation.objects.filter(pk__in=changed)
        for old in {Review.Status.REVIEWED.value, Review.Status.SAVED_FOR_LATER.value} - {status}:
            targets.unlink(Facet.Kind.REVIEW, old)
        if status != Review.Status.UNREAD:
            targets.link(Facet.Kind.REVIEW, status)
        self.bulk_create(
            [Review(conversation_id=pk, status=status, by=by) for pk in changed],
            update_conflicts=True,
            unique_fields=["conversation"],
            update_fields=["status", "by", "at"],
        )
        AuditEntry.objects.note(by, "reviewed", targets, status=status)
        return {pk: current.get(pk, Review.Status.UNREAD.value) for pk in changed}

    def reviewer(self) -> models.Subquery:
        """The name of who reviewed the conversation of the query around it."""
        reviewed = self.filter(conversation=models.OuterRef("pk"), status=Review.Status.REVIEWED)
        return models.Subquery(reviewed.values("by__username"))


class Review(models.Model):
    """How far people are with a conversation; without a row it is unread."""

    class Status(models.TextChoices):
        UNREAD = "unread", _("Unread")
        REVIEWED = "reviewed", _("Reviewed")
        SAVED_FOR_LATER = "saved_for_later", _("Saved for later")

    conversation = models.OneToOneField(Conversation, on_delete=models.CASCADE, primary_key=True, related_name="review")
    status = models.CharField(max_length=16, choices=Status)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        permissions = [
            ("annotate_conversation", "Can tag, flag, note, review and correct conversations"),
            ("export_conversation", "Can export conversations"),
        ]

    def __str__(self) -> str:
        return f"{self.conversation}: {self.get_status_display()}"


class FlagQuerySet(models.QuerySet["Flag"]):
    @transaction.atomic
    def put_on(self, event: Event, by: User | None) -> bool:
        """Flags a message; False if it had a flag."""
        _, made = self.get_or_create(event=event, defaults={"by": by, "conversation_id": event.conversation_id})
        if made:
            Conversation.objects.filter(pk=event.conversation_id).link(Facet.Kind.FLAG, FLAGGED)
            AuditEntry.objects.note(by, "flagged", [event.conversation], timestamp=event.timestamp)
            conversations_were_marked([event.conversation_id])
        return made

    @transaction.atomic
    def take_off(self, event: Event, by: User | None) -> bool:
        """Takes the flag off a message; False if it had none."""
        # The conversation's row is the lock: two people may take off its last two flags at once.
        conversation = Conversation.objects.select_for_update().get(pk=event.conversation_id)
        deleted, _ = self.filter(event=event).delete()
        if deleted:
            if not self.filter(conversation=conversation).exists():
                Conversation.objects.filter(pk=conversation.pk).unlink(Facet.Kind.FLAG, FLAGGED)
            AuditEntry.objects.note(by, "unflagged", [conversation], timestamp=event.timestamp)
            conversations_were_marked([conversation.pk])
        return bool(deleted)


class Flag(models.Model):
    """A mark on one message: somebody should look at it."""

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, related_name="flag", db_constraint=False
    )
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="flags")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    objects = FlagQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.conversation} at {self.event.at:%Y-%m-%d %H:%M:%S}"


class NoteQuerySet(models.QuerySet["Note"]):
    @transaction.atomic
    def write(self, conversation: Conversation, text: str, by: User, event: Event | None = None) -> Note:
        note = self.create(conversation=conversation, event=event, author=by, text=text)
        AuditEntry.objects.note(by, "wrote a note", [conversation], note=note.pk)
        conversations_were_marked([conversation.pk])
        return note


class Note(models.Model):
    """What somebody remarked on a conversation, or on one of its messages."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    event = models.ForeignKey(
        Event, on_delete=models.CASCADE, null=True, blank=True, related_name="notes", db_constraint=False
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(max_length=5000)
    at = models.DateTimeField(auto_now_add=True)

    objects = NoteQuerySet.as_manager()

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text if len(self.text) <= 60 else f"{self.text[:57]}…"

    @transaction.atomic
    def withdraw(self, by: User) -> None:
        conversation = self.conversation
        AuditEntry.objects.note(by, "deleted a note", [conversation], note=self.pk)
        self.delete()
        conversations_were_marked([conversation.pk])
