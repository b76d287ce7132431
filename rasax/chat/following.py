"""What new events mean for chats; one of the EVENT_FOLLOWERS, inside the transaction that keeps the events."""

from __future__ import annotations

from events import live
from events.models import key_of
from events.recording import Recorded
from rasax.chat.models import Chat


def follow(recorded: Recorded) -> None:
    """Tells their pages, and ties a chat to its conversation, with which it is deleted."""
    conversations = {key_of(event.sender_id): conversation for _, conversation, event in recorded.inserted}
    chats = list(Chat.objects.filter(key__in=conversations).order_by("pk"))
    for chat in chats:
        if chat.conversation_id is None:
            Chat.objects.filter(pk=chat.pk).update(conversation=conversations[chat.key])
    if chats:
        live.announce({chat.topic for chat in chats})
