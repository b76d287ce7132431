"""What people do with the texts of the inbox. Each verb holds its locks, its audit entry and its notice.

Two who decide on one text at once: the second hears of the first, and nothing is overwritten unless they say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events import live
from events.models import NAME_LENGTH
from rasax.accounts.models import AuditEntry, Job, User
from rasax.annotation.decisions import Decision, Opinion
from rasax.annotation.inbox import TOPIC, InboxMessage, by_digest
from rasax.annotation.parsing import Understood
from rasax.annotation.reading import Marked, readings, writable
from rasax.training import texts
from rasax.training.changes import Change
from rasax.training.entities import written
from rasax.training.files import Example
from rasax.training.intents import NewExample, add_examples, remove_examples
from rasax.training.projects import Project

State, Verb = InboxMessage.State, Decision.Verb
DECISIONS = {State.SKIPPED: Verb.SKIPPED, State.DELETED: Verb.DELETED}
PUT_BACK = "put back into the inbox"


class Choice(NamedTuple):
    """What somebody says that a text means. `entities` as Example has them, in code points of the text."""

    message: int
    intent: str
    entities: Sequence[Marked] = ()


@dataclass
class Outcome:
    """Ids: of what went into the data, of what waits for a second opinion, and rows that somebody else has decided on
    in another way; and of how many nothing was predicted."""

    done: list[int] = field(default_factory=list)
    proposed: list[int] = field(default_factory=list)
    taken: list[InboxMessage] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    without: int = 0


def accept(pks: Sequence[int], by: User, job: Job | None = None) -> Outcome:
    """Those that wait, in this order, as they were understood. Raises Refused, and then nothing is changed."""
    rows = InboxMessage.objects.in_bulk(pks)
    waiting = [rows[pk] for pk in pks if pk in rows and rows[pk].waiting]
    choices = understood(waiting)
    outcome = annotate(choices, by, job=job)
    outcome.without = len(waiting) - len(choices)
    return outcome


def understood(rows: Sequence[InboxMessage]) -> list[Choice]:
    """What the assistant made of them; without those of which it made nothing."""
    found = readings(rows)
    suggested = [(row, found[row.pk].suggestion(row)) for row in rows if row.pk in found]
    return [Choice(row.pk, intent, found[row.pk].entities) for row, intent in suggested if intent]


def annotate(choices: Iterable[Choice], by: User, replace: bool = False, job: Job | None = None) -> Outcome:
    """Puts the texts into the training data, or notes what this person thinks where two must agree.

    With `replace` also those that somebody else put elsewhere. Raises Refused, and then nothing is changed.
    """
    wanted, outcome = {choice.message: choice for choice in choices}, Outcome()
    # The project first: whoever changes the data holds it when they come for our rows.
    with Project.objects.default().held():
        rows = {row.pk: row for row in by_digest().select_for_update().filter(pk__in=list(wanted))}
        chosen = [rows[pk] for pk in wanted if pk in rows]
        ready = [row for row in chosen if _is_ready(row, wanted[row.pk], by, replace, outcome)]
        if replace:
            _take_away(ready, by, outcome)
        by_intent: dict[str, list[InboxMessage]] = defaultdict(list)
        for row in ready:
            by_intent[wanted[row.pk].intent].append(row)
        for intent, some in by_intent.items():
            _teach(intent, [NewExample(writable(row.text), wanted[row.pk].entities) for row in some], by, outcome)
            decide(some, State.ANNOTATED, by, intent)
        _note(Decision(verb=Verb.ANNOTATED, messages=outcome.done, changes=outcome.changes, by=by, job=job))
        _note(Decision(verb=Verb.PROPOSED, messages=outcome.proposed, by=by, job=job))
    return outcome


def _is_ready(row: InboxMessage, choice: Choice, by: User, replace: bool, outcome: Outcome) -> bool:
    if not row.waiting and row.state in {State.NEW, State.ANNOTATED} and not replace:
        if row.annotated_as != choice.intent and not _is_taught_so(row, choice):
            outcome.taken.append(row)
        return False
    if settings.SECOND_OPINION and not _is_agreed(row, choice, by):
        outcome.proposed.append(row.pk)
        return False
    outcome.done.append(row.pk)
    return True


def _is_taught_so(row: InboxMessage, choice: Choice) -> bool:
    return Example.objects.filter(digest=row.digest, intent=choice.intent).exists()


def _is_agreed(row: InboxMessage, choice: Choice, by: User) -> bool:
    """Keeps the opinion; whether somebody else has the same."""
    entities = list(choice.entities)
    Opinion.objects.update_or_create(message=row, by=by, defaults={"intent": choice.intent, "entities": entities})
    said = _source(row, entities)
    others = Opinion.objects.filter(message=row, intent=choice.intent).exclude(by=by)
    return any(_source(row, other.entities) == said for other in others)


def _source(row: InboxMessage, entities: Sequence[Marked]) -> str:
    return written(writable(row.text), entities)


def _take_away(rows: Sequence[InboxMessage], by: User, outcome: Outcome) -> None:
    """From where somebody else put them."""
    digests = [texts.digest(writable(row.text)) for row in rows]
    if elsewhere := list(Example.objects.filter(digest__in=digests)):
        outcome.changes += _kept(remove_examples(elsewhere, by))


def _teach(intent: str, examples: list[NewExample], by: User, outcome: Outcome) -> None:
    outcome.changes += _kept(add_examples(intent, examples, by))


def _kept(change: Change | None) -> list[int]:
    return [change.pk] if change else []


def decide(rows: Iterable[InboxMessage], state: str, by: User | None, annotated_as: str = "") -> None:
    words = {"state": state, "by": by, "at": timezone.now(), "annotated_as": annotated_as[:NAME_LENGTH]}
    InboxMessage.objects.filter(pk__in=[row.pk for row in rows]).update(**words)


def _note(decision: Decision) -> None:
    """So that it can be taken back, and so that others hear of it."""
    if not decision.messages:
        return
    decision.save()
    decided = InboxMessage.objects.filter(pk__in=decision.messages)
    said = PUT_BACK if decision.verb == Verb.PUT_BACK else f"{decision.verb} in the inbox"
    AuditEntry.objects.note(decision.by, said, decided)
    live.announce({TOPIC})


@transaction.atomic
def put_aside(pks: Iterable[int], state: InboxMessage.State, by: User, job: Job | None = None) -> list[int]:
    """Skips or deletes those that wait; returns their ids."""
    rows = list(by_digest().select_for_update().filter(pk__in=list(pks), waiting=True))
    decide(rows, state, by)
    done = [row.pk for row in rows]
    _note(Decision(verb=DECISIONS[state], messages=done, by=by, job=job))
    return done


@transaction.atomic
def put_back(pks: Iterable[int], by: User, job: Job | None = None) -> list[int]:
    """Those that were skipped or deleted wait again; returns their ids."""
    rows = list(by_digest().select_for_update().filter(pk__in=list(pks), state__in=list(DECISIONS)))
    decide(rows, State.NEW, None)
    for state in DECISIONS:
        done = [row.pk for row in rows if row.state == state]
        _note(Decision(verb=Verb.PUT_BACK, messages=done, before=state, by=by, job=job))
    return [row.pk for row in rows]


def add_text(text: str, understood: Understood, by: User) -> InboxMessage:
    """A text that nobody may have said yet, to be annotated; the one that is there where it is known, with what was
    predicted when it was said."""
    digest = texts.digest(text)
    with Project.objects.default().held():
        row, made = InboxMessage.objects.get_or_create(digest=digest, defaults={"text": text, "added": True})
        if not made:
            InboxMessage.objects.filter(pk=row.pk, text="").update(text=text)
            InboxMessage.objects.filter(pk=row.pk).update(added=True)
        if understood.parsed:
            InboxMessage.objects.filter(pk=row.pk, n=0).update(
                parsed=understood.event(text),
                intent=understood.intent,
                confidence=understood.confidence,
                lowest=understood.confidence or 0.0,
            )
        AuditEntry.objects.note(by, "added to the inbox", [row])
        live.announce({TOPIC})
    row.refresh_from_db()
    return row
