from __future__ import annotations

from rasax.chat.chats import Chat
from rasax.chat.guests import GuestLink
from rasax.chat.learned import LearnedStory

__all__ = ["Chat", "GuestLink", "LearnedStory"]
