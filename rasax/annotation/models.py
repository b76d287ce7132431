from __future__ import annotations

from rasax.annotation.decisions import Decision, Opinion
from rasax.annotation.gathering import Gathering
from rasax.annotation.inbox import InboxMessage, Occurrence

__all__ = ["Decision", "Gathering", "InboxMessage", "Occurrence", "Opinion"]
