"""Conversations as files. Each format takes ids in chunks and gives text piece by piece, so that no number of
conversations fills the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.utils import timezone

from rasax.conversations.exporting.lines import jsonl
from rasax.conversations.exporting.nlu import write_nlu
from rasax.conversations.exporting.stories import write_stories, write_test_stories
from rasax.conversations.exporting.tables import conversation_table, message_table

Chunks = Iterable[list[int]]


@dataclass(frozen=True)
class Format:
    write: Callable[[Chunks], Iterator[str]]
    name: str
    ending: str
    content_type: str

    @property
    def file_name(self) -> str:
        return f"{self.name}-{timezone.localtime():%Y-%m-%d}.{self.ending}"


CSV, YAML = ("csv", "text/csv; charset=utf-8"), ("yml", "application/yaml; charset=utf-8")
FORMATS = {
    "jsonl": Format(jsonl, "conversations", "jsonl", "application/x-ndjson; charset=utf-8"),
    "csv": Format(conversation_table, "conversations", *CSV),
    "csv_messages": Format(message_table, "messages", *CSV),
    "stories": Format(write_stories, "stories", *YAML),
    "test_stories": Format(write_test_stories, "test_stories", *YAML),
    "nlu": Format(write_nlu, "nlu", *YAML),
}
