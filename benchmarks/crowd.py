"""A million conversations, straight into the tables: a seeded generator of what years of events would have left.

Intents, words and lengths are skewed as they are in life: some intents in every second conversation, some in ten of a
million; most conversations short, one of 100,000 events. Counters and facets are what `record()` would have written.
"""

from __future__ import annotations

import io
import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg2

EVENTS_EACH = 10  # on average
LONG = 100_000  # events of the one long conversation
LONG_ONE, PAGE_ONE = 42, 43
PAGE = 50  # turns of the other one to compare it with: as many as a page shows at first
RARE_WORD, RARE_EVERY = "xylophone", 50_000
COMMON_WORDS = ("parcel", "thank", "week")
BEGAN = 1_600_000_000.0
CHUNK = 20_000  # conversations

INTENTS = [f"intent_{number:03}" for number in range(120)]
ACTIONS = [f"utter_{name}" for name in INTENTS]
CHANNELS = ["rest", "telegram", "webchat", "slack", "voice", "email"]
WORDS = [*COMMON_WORDS, *(f"word{number}" for number in range(4_000))]
MARKS = {("review", "reviewed"): 0.1, ("review", "saved_for_later"): 0.01, ("flag", "flagged"): 0.01}
MARKS |= {("tag", name): share for name, share in (("billing", 0.1), ("complaint", 0.01), ("legal", 0.0001))}

EVENT = "id conversation_id timestamp digest type name confidence text data"
CONVERSATION = (
    "id key sender_id first_event_time latest_event_time n_events n_user_messages minimum_intent_confidence"
    " first_user_text first_user_text_time latest_text latest_text_time latest_input_channel latest_input_channel_time"
    " model_id assistant_id model_time"
)
COLUMNS = {
    "events_event": EVENT,
    "events_conversation": CONVERSATION,
    "events_conversationfacet": "facet_id conversation_id",
    "events_facet": "id kind value n_conversations",
    "conversations_review": "conversation_id status at",
    "conversations_tag": "facet_id color",
}


Rows = dict[str, list[tuple[Any, ...]]]  # by table


def skewed(values: list[str]) -> tuple[list[str], list[float]]:
    """Each half as likely as one of half its rank, for random.choices."""
    return values, list(accumulate(1 / (rank + 1) ** 1.3 for rank in range(len(values))))


class Said(NamedTuple):
    time: float
    intent: str
    text: str
    confidence: float
    channel: str


class Crowd:
    def __init__(self, conversations: int, seed: int = 7) -> None:
        self.chance = random.Random(seed)
        self.conversations = conversations
        self.facets: dict[tuple[str, str], int] = {}
        self.counts: Counter[int] = Counter()
        self.events = 0
        words, weights = skewed(WORDS)
        choose = self.chance.choices
        self.sentences = [
            " ".join(choose(words, cum_weights=weights, k=choose(range(2, 13))[0])) for _ in range(50_000)
        ]
        self.intents, self.intent_weights = skewed(INTENTS)

    def chunks(self) -> Iterator[Rows]:
        """Rows by table, for some thousand conversations at a time; the facets come with the last."""
        for first in range(1, self.conversations + 1, CHUNK):
            rows: Rows = {table: [] for table in COLUMNS}
            for number in range(first, min(first + CHUNK, self.conversations + 1)):
                self._add(number, rows)
            yield rows
        yield {
            "events_facet": [(pk, kind, value, self.counts[pk]) for (kind, value), pk in self.facets.items()],
            "conversations_tag": [(pk, "#2563eb") for (kind, _), pk in self.facets.items() if kind == "tag"],
        }

    def _add(self, number: int, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        start = BEGAN + number * 100 + self.chance.random() * 50
        turns = self._turns(number)
        channel = self.chance.choices(CHANNELS, cum_weights=[50, 75, 90, 97, 99.9, 100])[0]
        model = f"model{number * 5 // self.conversations}"
        facets = {("channel", channel), ("environment", "production"), ("model", model), ("assistant", "shop")}
        facets |= {("policy", "RulePolicy"), ("slot", "order_number"), ("slot_value", f'order_number="{number}"')}
        said: list[tuple[float, str]] = []
        lowest = 1.0
        for turn in range(turns):
            time = start + turn * 20
            intent = self.chance.choices(self.intents, cum_weights=self.intent_weights)[0]
            text = self.sentences[self.chance.randrange(len(self.sentences))]
            if number % RARE_EVERY == 0 and not turn:
                text += f" {RARE_WORD}"
            confidence = round(1 - self.chance.random() ** 3 * 0.95, 4)
            lowest = min(lowest, confidence)
            facets |= {("intent", intent), ("action", f"utter_{intent}"), ("hour", f"{int(time // 3600) % 24:02}")}
            said.append((time, text))
            self._turn(number, Said(time, intent, text, confidence, channel), rows["events_event"])
        last = start + (turns - 1) * 20 + 0.3
        rows["events_event"].append(
            (self.events, number, last + 0.1, self.events, "slot", "order_number", None, None,
             f'{{"event":"slot","timestamp":{last + 0.1!r},"name":"order_number","value":"{number}"}}')
        )  # fmt: skip
        self.events += 1
        sender = f"user-{number}"
        rows["events_conversation"].append(
            (number, _key(sender), sender, start, last + 0.1, turns * 3 + 1, turns, lowest, said[0][1], said[0][0],
             f"About {said[-1][1]}", last, channel, said[-1][0], model, "shop", start)
        )  # fmt: skip
        for mark, share in MARKS.items():
            if self.chance.random() < share:
                facets.add(mark)
                if mark[0] == "review":
                    rows["conversations_review"].append((number, mark[1], "2026-01-01 00:00:00+00:00"))
                    break
        for facet in facets:
            pk = self.facets.setdefault(facet, len(self.facets) + 1)
            self.counts[pk] += 1
            rows["events_conversationfacet"].append((pk, number))

    def _turns(self, number: int) -> int:
        given = {LONG_ONE: LONG // 3, PAGE_ONE: PAGE}
        return given.get(number) or min(1 + int(self.chance.expovariate(1 / 2.75)), 60)

    def _turn(self, number: int, said: Said, rows: list[Any]) -> None:
        time, intent, text, confidence, channel = said
        data = (
            f'{{"event":"user","timestamp":{time!r},"metadata":{{"model_id":"m","assistant_id":"shop"}},"text":"{text}",'
            f'"parse_data":{{"intent":{{"name":"{intent}","confidence":{confidence}}},"entities":[],"text":"{text}",'
            f'"intent_ranking":[{{"name":"{intent}","confidence":{confidence}}}]}},"input_channel":"{channel}"}}'
        )
        action = (
            f'{{"event":"action","timestamp":{time + 0.2!r},"name":"utter_{intent}","policy":"RulePolicy",'
            '"confidence":1.0}'
        )
        answer = f"About {text}"
        bot = f'{{"event":"bot","timestamp":{time + 0.3!r},"text":"{answer}","data":{{}}}}'
        at = self.events
        rows += [
            (at, number, time, at, "user", intent, confidence, text, data),
            (at + 1, number, time + 0.2, at + 1, "action", f"utter_{intent}", 1.0, None, action),
            (at + 2, number, time + 0.3, at + 2, "bot", None, None, answer, bot),
        ]
        self.events += 3


def _key(sender: str) -> uuid.UUID:
    """As events.models.key_of, which cannot be imported without Django's settings."""
    return uuid.UUID(bytes=blake2b(sender.encode(), digest_size=16).digest())


def fill(database_url: str, events: int) -> int:
    """Returns how many events there are now. The text index is made afterwards: in one go it takes a third."""
    crowd = Crowd(events // EVENTS_EACH)
    (_fill_sqlite if database_url.startswith("sqlite") else _fill_postgresql)(database_url, crowd)
    return crowd.events


def _fill_postgresql(url: str, crowd: Crowd) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'")
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'event_text_search'")
        (index,) = cursor.fetchone() or ("",)
        cursor.execute("DROP INDEX event_text_search")
        with ThreadPoolExecutor(1) as copier:  # one chunk is copied while the next is made up
            copied: Future[Any] = copier.submit(dict)
            for rows in crowd.chunks():
                copied.result()
                copied = copier.submit(_copy, cursor, rows)
            copied.result()
        cursor.execute(index)
        for table in ("events_event", "events_conversation", "events_facet", "events_conversationfacet"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    connection.cursor().execute("VACUUM ANALYZE")


def _copy(cursor: Any, rows: Rows) -> None:
    for table, part in rows.items():
        lines = "".join("\t".join(map(_copied, row)) + "\n" for row in part)
        cursor.copy_expert(f"COPY {table} ({', '.join(COLUMNS[table].split())}) FROM STDIN", io.StringIO(lines))


def _copied(value: Any) -> str:
    return "\\N" if value is None else value if isinstance(value, str) else str(value)


def _fill_sqlite(url: str, crowd: Crowd) -> None:
    with sqlite3.connect(urlsplit(url).path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for rows in crowd.chunks():
            for table, part in rows.items():
                columns = COLUMNS[table].split()
                marks = ", ".join("?" * len(columns))
                plain = ([each.hex if isinstance(each, uuid.UUID) else each for each in row] for row in part)
                connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", plain)
        connection.execute("ANALYZE")
