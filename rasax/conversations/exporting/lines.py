"""One event a line, as Rasa's event broker published it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from events.models import Event
from rasax.conversations.exporting.events import pages
from trackers.wire import on_one_line


def jsonl(chunks: Iterable[list[int]]) -> Iterator[str]:
    rows = Event.objects.only("conversation_id", "timestamp", "data")
    for chunk in chunks:
        for page in pages(chunk, rows):
            yield "".join(f"{on_one_line(event.data)}\n" for event in page)
