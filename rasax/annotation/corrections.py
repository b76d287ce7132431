"""What people correct on a conversation's page is a suggestion in the inbox; one of the CORRECTION_FOLLOWERS, inside
the transaction that corrects."""

from __future__ import annotations

from events import live
from events.models import Event
from rasax.accounts.models import User
from rasax.annotation.inbox import TOPIC, InboxMessage, Occurrence
from rasax.conversations.models import Correction


def follow(event: Event, intent: str, by: User | None) -> None:
    """`intent` is empty where a correction was withdrawn. What somebody skipped or deleted comes back."""
    message = InboxMessage.objects.select_for_update().filter(occurrences__event=event).first()
    if message is None:
        return
    message.suggested = intent or _other_word(message, event)
    if intent and message.state in {InboxMessage.State.SKIPPED, InboxMessage.State.DELETED}:
        message.state = InboxMessage.State.NEW
    message.save(update_fields=["suggested", "state"])
    live.announce({TOPIC})


def _other_word(message: InboxMessage, event: Event) -> str:
    """What somebody said of the same text elsewhere."""
    said = Occurrence.objects.filter(message=message).exclude(event=event).values("event")
    other = Correction.objects.filter(event__in=said).order_by("-at").first()
    return other.intent if other else ""
