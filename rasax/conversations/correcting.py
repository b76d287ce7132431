"""What a message really meant, where the prediction was wrong."""

from __future__ import annotations

from django.conf import settings
from django.db import models, transaction
from django.utils.module_loading import import_string

from events.models import NAME_LENGTH, Conversation, Event, Facet
from events.stamps import conversations_were_marked
from events.summary import clean
from rasax.accounts.models import AuditEntry, User

CORRECTED = "corrected"


class CorrectionQuerySet(models.QuerySet["Correction"]):
    @transaction.atomic
    def correct(self, event: Event, intent: str, by: User | None) -> Correction:
        """Says what a user's message meant; another person's word is replaced, and the audit log has both."""
        wanted = clean(intent.strip(), NAME_LENGTH)
        if not wanted:
            raise ValueError("An intent has a name; give it one.")
        # The conversation's row is the lock: two people may correct one message at once.
        conversation = Conversation.objects.select_for_update().get(pk=event.conversation_id)
        before = self.filter(event=event).first()
        if before and before.intent == wanted:
            return before
        said = {"conversation": conversation, "predicted": event.name or "", "intent": wanted, "by": by}
        correction, _ = self.update_or_create(event=event, defaults=said)
        _follow(event, wanted, by)
        Conversation.objects.filter(pk=conversation.pk).link(Facet.Kind.ANNOTATION, CORRECTED)
        _note(by, "corrected an intent", event, before=before.intent if before else "", after=wanted)
        return correction

    @transaction.atomic
    def withdraw(self, event: Event, by: User | None) -> bool:
        """Lets the prediction stand again; False if nobody had corrected it."""
        conversation = Conversation.objects.select_for_update().get(pk=event.conversation_id)
        before = self.filter(event=event).first()
        if before is None:
            return False
        before.delete()
        _follow(event, "", by)
        if not self.filter(conversation=conversation).exists():
            Conversation.objects.filter(pk=conversation.pk).unlink(Facet.Kind.ANNOTATION, CORRECTED)
        _note(by, "withdrew a correction", event, before=before.intent, after="")
        return True


def _follow(event: Event, intent: str, by: User | None) -> None:
    """Tells those who must know in the same transaction (CORRECTION_FOLLOWERS), before the facet is locked."""
    for path in settings.CORRECTION_FOLLOWERS:
        import_string(path)(event, intent, by)


def _note(by: User | None, action: str, event: Event, **words: str) -> None:
    said = {"timestamp": event.timestamp, "predicted": event.name or "", **words}
    AuditEntry.objects.note(by, action, [event.conversation], **said)
    conversations_were_marked([event.conversation_id])


class Correction(models.Model):
    """A person's word on a user message's intent: another one, or the same, which confirms it. The event itself is
    never changed."""

    event = models.OneToOneField(
        Event, on_delete=models.CASCADE, primary_key=True, related_name="correction", db_constraint=False
    )
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="corrections")
    predicted = models.CharField(max_length=NAME_LENGTH, blank=True)
    intent = models.CharField(max_length=NAME_LENGTH)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    objects = CorrectionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.predicted} → {self.intent}"

    @property
    def confirms(self) -> bool:
        return self.intent == self.predicted
