"""Conversations as stories and as end-to-end tests, one for each session, in the YAML that Rasa 3 reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from events.models import Conversation, Event
from rasax.conversations.exporting.events import batches, by_conversation, raw
from rasax.conversations.lines import plain
from trackers.stories import story
from trackers.tracker import DialogueStateTracker, EventVerbosity

AT_ONCE = 20  # conversations
DOCUMENT_END = "\n...\n"  # texts are indented
HEAD = 'version: "3.1"\nstories:\n'


def write_stories(chunks: Iterable[list[int]]) -> Iterator[str]:
    return _written(chunks, test=False)


def write_test_stories(chunks: Iterable[list[int]]) -> Iterator[str]:
    return _written(chunks, test=True)


def _written(chunks: Iterable[list[int]], test: bool) -> Iterator[str]:
    head = HEAD
    for pks in batches(chunks, AT_ONCE):
        senders = dict(Conversation.objects.filter(pk__in=pks).values_list("pk", "sender_id"))
        for pk, events in by_conversation(pks, Event.objects.defer("text")):
            for block in _blocks(senders.get(pk, ""), events, test):
                yield head + block
                head = ""
    if head:
        yield 'version: "3.1"\n'


def _blocks(sender_id: str, events: list[Event], test: bool) -> Iterator[str]:
    """The list entries, each with what counts of one session; those without a step are left out."""
    tracker = DialogueStateTracker.from_events(sender_id, [found for event in events if (found := raw(event))])
    for number, session in enumerate(tracker.sessions(), 1):
        name = plain(sender_id) if number == 1 else f"{plain(sender_id)} ({number})"
        written = _story(name, session, test)
        if "\n  steps:\n" in written:
            # A text with line breaks at its end makes ruamel end the document, too.
            yield written.partition("\nstories:\n")[2].replace(DOCUMENT_END, "\n")


def _story(name: str, session: DialogueStateTracker, test: bool) -> str:
    """Empty where a value is nested too deeply to be written."""
    try:
        return plain(story(name, session.events_for(EventVerbosity.APPLIED), test))
    except RecursionError:
        return ""
