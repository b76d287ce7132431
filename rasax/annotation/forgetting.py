"""What is deleted for good goes from the inbox, too; one of the FORGETTING_FOLLOWERS, inside the transaction that
deletes the conversations, while their events are still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import connection

from events.staging import STAGES, lock, stage
from rasax.annotation.inbox import InboxMessage, Occurrence
from rasax.conversations.models import Correction

AT_ONCE = 5_000  # conversations
STAGES["forgotten_conversation"] = "conversation_id bigint"
STAGES["forgotten_text"] = "message_id bigint, n bigint, lowest double precision"


def forget(conversations: Sequence[int]) -> None:
    for start in range(0, len(conversations), AT_ONCE):
        _forget(conversations[start : start + AT_ONCE])


def _forget(conversations: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        stage(cursor, "forgotten_conversation", ((pk,) for pk in sorted(conversations)))
        cursor.execute(_COUNT)
        gone = cursor.fetchall()
        if not gone:
            return
        stage(cursor, "forgotten_text", gone)
        cursor.execute(_LOCK.format(lock=lock("m")))
        for statement in (_DELETE_OCCURRENCES, _COUNT_DOWN, _LATEST):
            cursor.execute(statement)
    messages = [message for message, _, _ in gone]
    for some in _parts(messages):
        _drop_unsaid(some)
        _suggest_anew(some, set(conversations))


def _parts(pks: list[int]) -> Iterator[list[int]]:
    return (pks[start : start + 1000] for start in range(0, len(pks), 1000))


def _drop_unsaid(messages: list[int]) -> None:
    """What nobody said any more goes; the row of an example stays, and says nothing."""
    unsaid = InboxMessage.objects.filter(pk__in=messages, n=0)
    unsaid.filter(added=True).update(intent="", confidence=None, lowest=0.0)
    unsaid = unsaid.filter(added=False)
    unsaid.filter(taught=False).delete()
    for row in unsaid:
        row.opinions.all().delete()
    unsaid.update(text="", intent="", confidence=None, latest_event=None, suggested="", annotated_as="")


def _suggest_anew(messages: list[int], forgotten: set[int]) -> None:
    """A suggestion that came of these conversations goes with them, unless another correction says something."""
    for row in InboxMessage.objects.filter(pk__in=messages).exclude(suggested=""):
        said = Occurrence.objects.filter(message=row).values("event")
        left = Correction.objects.filter(event__in=said).exclude(conversation__in=forgotten).order_by("-at").first()
        row.suggested = left.intent if left else ""
        row.save(update_fields=["suggested"])


_COUNT = """
SELECT o.message_id, count(*), min(o.confidence) FROM forgotten_conversation f
JOIN events_event e ON e.conversation_id = f.conversation_id
JOIN annotation_occurrence o ON o.event_id = e.id
GROUP BY o.message_id
"""
_LOCK = """
SELECT m.id FROM annotation_inboxmessage m WHERE m.id IN (SELECT message_id FROM forgotten_text)
ORDER BY m.digest {lock}
"""
_DELETE_OCCURRENCES = """
DELETE FROM annotation_occurrence WHERE event_id IN (
    SELECT e.id FROM forgotten_conversation f JOIN events_event e ON e.conversation_id = f.conversation_id
    WHERE e.type = 'user')
"""
# A text that many said keeps most of its occurrences: only what may have changed is looked for among them.
_COUNT_DOWN = """
UPDATE annotation_inboxmessage AS m SET
    n = m.n - f.n,
    first_seen = coalesce((SELECT min(o.timestamp) FROM annotation_occurrence o WHERE o.message_id = m.id), 0),
    last_seen = coalesce((SELECT max(o.timestamp) FROM annotation_occurrence o WHERE o.message_id = m.id), 0),
    latest_event = (SELECT o.event_id FROM annotation_occurrence o WHERE o.message_id = m.id
        ORDER BY o.timestamp DESC, o.event_id DESC LIMIT 1),
    lowest = CASE WHEN f.lowest > m.lowest THEN m.lowest ELSE
        coalesce((SELECT min(o.confidence) FROM annotation_occurrence o WHERE o.message_id = m.id), 0) END
FROM forgotten_text f WHERE m.id = f.message_id
"""
_LATEST = """
UPDATE annotation_inboxmessage AS m SET
    text = coalesce(e.text, ''), intent = coalesce(e.name, ''), confidence = e.confidence
FROM events_event e WHERE e.id = m.latest_event AND m.id IN (SELECT message_id FROM forgotten_text)
"""
