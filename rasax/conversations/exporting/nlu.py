"""What users wrote as NLU examples, with what people corrected, in the YAML that Rasa 3 reads."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from events.models import Event
from events.vocabulary import UserUttered
from rasax.conversations.exporting.events import pages, raw
from rasax.conversations.lines import plain
from trackers.stories import annotated

HEAD = 'version: "3.1"\nnlu:\n'
TOGETHER = 20_000  # examples that are sorted by intent; a file of more has an intent several times, as Rasa allows
REMEMBERED = 1_000_000  # examples: some 100 MB
NO_INTENT = {"", "nlu_fallback"}
PLAIN_NAME = re.compile(r"(?!(?:true|false|yes|no|on|off|null|y|n)$)[A-Za-z_][A-Za-z0-9_./+-]*", re.IGNORECASE)
PARTS = ("entity", "start", "end", "value", "role", "group")  # of an entity, as an example has it
# An example is one line of a block of text. Each becomes one space: an entity's place is counted in characters.
UNWRITABLE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write_nlu(chunks: Iterable[list[int]]) -> Iterator[str]:
    """Each text once for each intent, of the last million that differ."""
    head = HEAD
    seen: set[bytes] = set()
    waiting: dict[str, list[str]] = defaultdict(list)
    number = 0
    for intent, example in _examples(chunks):
        mark = blake2b(f"{intent}\0{example}".encode(), digest_size=8).digest()
        if mark in seen:
            continue
        if len(seen) == REMEMBERED:
            seen.clear()
        seen.add(mark)
        waiting[intent].append(example)
        number += 1
        if number % TOGETHER == 0:
            yield head + _written(waiting)
            head = ""
            waiting.clear()
    yield head + _written(waiting) if number else 'version: "3.1"\n'


def _written(examples: dict[str, list[str]]) -> str:
    return "".join(
        f"- intent: {_scalar(intent)}\n  examples: |\n" + "".join(f"    - {example}\n" for example in own)
        for intent, own in sorted(examples.items())
    )


def _scalar(name: str) -> str:
    return name if PLAIN_NAME.fullmatch(name) else json.dumps(UNWRITABLE.sub(" ", name), ensure_ascii=False)


def _examples(chunks: Iterable[list[int]]) -> Iterator[tuple[str, str]]:
    rows = Event.objects.filter(type=UserUttered.TYPE).select_related("correction")
    for chunk in chunks:
        for page in pages(chunk, rows):
            yield from (found for event in page if (found := _example(event)))


def _example(event: Event) -> tuple[str, str] | None:
    """Intent and annotated text; None where nobody wrote the text, as of buttons and external triggers."""
    said = raw(event)
    correction = getattr(event, "correction", None)
    intent = correction.intent if correction else _intent(said) or event.name or ""
    text = UNWRITABLE.sub(" ", plain(said.get("text")))
    if intent in NO_INTENT or not text.strip() or text.startswith(("/", "EXTERNAL: ")):
        return None
    entities = _mapping(said.get("parse_data")).get("entities")
    named = _named(entities) if isinstance(entities, list) else []
    return intent, UNWRITABLE.sub(" ", plain(annotated(text, named))).strip()


def _named(entities: list[Any]) -> list[dict[str, Any]]:
    """Each once, however many extractors found it."""
    named = (each for each in entities if isinstance(each, dict) and isinstance(each.get("entity"), str))
    return list({json.dumps([each.get(part) for part in PARTS]): each for each in named}.values())


def _intent(said: dict[str, Any]) -> str:
    """Of a retrieval intent all of it, as its examples are filed: `faq/opening_hours`."""
    return plain(_mapping(_mapping(said.get("parse_data")).get("intent")).get("full_retrieval_intent_name"))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
