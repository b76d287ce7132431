"""A conversation of 100,000 events opens as fast as one of 10."""

import time

import pytest
from django.db import connection

from events.models import Conversation
from rasax.conversations import transcript
from rasax.conversations.filters import Position
from tests.rasa import message

FILL = """
INSERT INTO events_event (conversation_id, timestamp, digest, type, text, data)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
SELECT CONVERSATION, 1000.0 + i, i * 7919, CASE i % 5 WHEN 0 THEN 'user' ELSE 'bot' END, 'hello',
  CASE i % 5 WHEN 0 THEN '{"event": "user", "text": "hello", "timestamp": ' ELSE '{"event": "bot", "timestamp": ' END
  || (1000 + i) || '}'
FROM n
"""


@pytest.fixture
def endless(db):
    Conversation.objects.record([message("ann", "restart", 999.0)])
    conversation = Conversation.objects.get()
    with connection.cursor() as cursor:
        # What the planner knows is that conversations have 20 events; it learns of this one's length much later.
        cursor.execute(FILL.replace("CONVERSATION", "-(i / 20)"))
        cursor.execute("ANALYZE")
        cursor.execute(FILL.replace("CONVERSATION", str(conversation.pk)))
    return conversation


def milliseconds(work):
    """The best of twenty: what the work takes when nothing else is in the way."""
    times = []
    for _ in range(20):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


@pytest.mark.django_db
def test_each_window_is_read_by_the_index_alone(endless):
    middle = Position(51_000.0, 0)
    assert milliseconds(lambda: transcript.latest(endless.pk)) < 60
    assert milliseconds(lambda: transcript.latest(endless.pk, middle)) < 60
    assert milliseconds(lambda: transcript.around(endless.pk, 51_000.0)) < 60
    assert milliseconds(lambda: transcript.following(endless.pk, middle)) < 60


@pytest.mark.django_db
def test_the_page_shows_the_end_of_it(signed_in, endless):
    page = signed_in.get(f"/conversations/{endless.pk}/").content.decode()
    assert page.count('class="said user"') == transcript.TURNS
    assert "Earlier" in page
