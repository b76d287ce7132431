"""What new events mean for chats; one of the EVENT_FOLLOWERS, inside the transaction that keeps the events."""

from __future__ import annotations

from collections.abc import Sequence

from events import live
from events.models import key_of
from events.vocabulary import Envelope
from rasax.chat.models import Chat


def follow(inserted: Sequence[tuple[int, int, Envelope]]) -> None:
    """Tells their pages, and ties a chat to its conversation, with which it is deleted."""
    conversations = {key_of(event.sender_id): conversation for _, conversation, event in inserted}
    chats = list(Chat.objects.filter(key__in=conversations).order_by("pk"))
    for chat in chats:
        if chat.conversation_id is None:
            Chat.objects.filter(pk=chat.pk).update(conversation=conversations[chat.key])
    if chats:
        live.announce({chat.topic for chat in chats})
