"""What is in the training data is not in the inbox; one of the TRAINING_FOLLOWERS, inside the transaction that changes
the data.

A row of its own for every example makes two who come at once wait for each other: one that keeps a new text, and one
that teaches it. So neither can miss the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django.db import connection

from events import live
from events.staging import STAGES, stage
from rasax.annotation.inbox import TOPIC
from rasax.training.files import Example

STAGES["taught_text"] = "digest bigint, taught boolean"


class Followed(Protocol):
    """Digests of examples that came, and of those of which none is left."""

    added: set[int]
    removed: set[int]


def follow(followed: Followed) -> None:
    """What is no longer taught comes back, unless somebody skipped or deleted it."""
    told = dict.fromkeys(followed.added, True) | dict.fromkeys(followed.removed, False)
    if told:
        _write(told.items())
        live.announce({TOPIC})


def teach_kept() -> None:
    """For examples that were there before the inbox was."""
    kept = Example.objects.order_by().values_list("digest", flat=True)
    _write((digest, True) for digest in set(kept.iterator()))


def _write(told: Iterable[tuple[int, bool]]) -> None:
    with connection.cursor() as cursor:
        stage(cursor, "taught_text", sorted(told))
        cursor.execute(_UPSERT)
        cursor.execute(_DELETE)


# Both in one statement, so that all rows are locked in the order of their digests.
_UPSERT = """
INSERT INTO annotation_inboxmessage AS m (digest, text, n, first_seen, last_seen, intent, lowest, state, taught, added,
    suggested, annotated_as)
SELECT t.digest, '', 0, 0, 0, '', 0, 'new', t.taught, FALSE, '', '' FROM taught_text t WHERE TRUE ORDER BY t.digest
ON CONFLICT (digest) DO UPDATE SET
    taught = excluded.taught,
    state = CASE WHEN m.state = 'annotated' AND NOT excluded.taught THEN 'new' ELSE m.state END
"""
# What nobody said has no text to show.
_DELETE = """
DELETE FROM annotation_inboxmessage WHERE n = 0 AND NOT added AND NOT taught
    AND digest IN (SELECT digest FROM taught_text)
"""
