"""What people do with the texts of the inbox. Each verb holds its locks, its audit entry and its notice.

Two who decide on one text at once: the second hears of the first, and nothing is overwritten unless they say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events import live
from events.models import NAME_LENGTH
from rasax.accounts.models import AuditEntry, User
from rasax.annotation.decisions import Decision, Opinion
from rasax.annotation.inbox import TOPIC, InboxMessage, by_digest
from rasax.annotation.reading import Marked, writable
from rasax.training import texts
from rasax.training.changes import Change
from rasax.training.entities import written
from rasax.training.files import Example
from rasax.training.intents import NewExample, add_examples, remove_examples
from rasax.training.projects import Project

TAKEN_BACK = timedelta(days=1)  # so long somebody may mean it
State, Verb = InboxMessage.State, Decision.Verb
DECISIONS = {State.SKIPPED: Verb.SKIPPED, State.DELETED: Verb.DELETED}


class Choice(NamedTuple):
    """What somebody says that a text means. `entities` as Example has them, in code points of the text."""

    message: int
    intent: str
    entities: Sequence[Marked] = ()


@dataclass
class Outcome:
    """Ids: of what went into the data, of what waits for a second opinion, and rows that somebody else has decided on
    in another way."""

    done: list[int] = field(default_factory=list)
    proposed: list[int] = field(default_factory=list)
    taken: list[InboxMessage] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)


def annotate(choices: Iterable[Choice], by: User, replace: bool = False) -> Outcome:
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
            _decide(some, State.ANNOTATED, by, intent)
        _note(Verb.ANNOTATED, outcome.done, by, outcome.changes)
        _note(Verb.PROPOSED, outcome.proposed, by)
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


def _decide(rows: Iterable[InboxMessage], state: str, by: User | None, annotated_as: str = "") -> None:
    words = {"state": state, "by": by, "at": timezone.now(), "annotated_as": annotated_as[:NAME_LENGTH]}
    InboxMessage.objects.filter(pk__in=[row.pk for row in rows]).update(**words)


def _note(verb: str, pks: Sequence[int], by: User, changes: Sequence[int] = ()) -> None:
    """So that it can be taken back, and so that others hear of it."""
    if not pks:
        return
    Decision.objects.create(by=by, verb=verb, messages=list(pks), changes=list(changes))
    AuditEntry.objects.note(by, f"{verb} in the inbox", InboxMessage.objects.filter(pk__in=pks))
    live.announce({TOPIC})


@transaction.atomic
def put_aside(pks: Iterable[int], state: InboxMessage.State, by: User) -> list[int]:
    """Skips or deletes those that wait; returns their ids."""
    rows = list(by_digest().select_for_update().filter(pk__in=list(pks), waiting=True))
    _decide(rows, state, by)
    done = [row.pk for row in rows]
    _note(DECISIONS[state], done, by)
    return done


@transaction.atomic
def put_back(pks: Iterable[int], by: User) -> list[int]:
    """Those that were skipped or deleted wait again; returns their ids."""
    aside = by_digest().select_for_update().filter(pk__in=list(pks), state__in=list(DECISIONS))
    rows = list(aside)
    _decide(rows, State.NEW, None)
    AuditEntry.objects.note(by, "put back into the inbox", rows)
    live.announce({TOPIC})
    return [row.pk for row in rows]


@transaction.atomic
def undo(by: User) -> Decision | None:
    """Takes back what this person did last, and returns it. Raises Refused where its lines changed since."""
    project = Project.objects.default()
    with project.held():
        last = Decision.objects.filter(by=by, at__gt=timezone.now() - TAKEN_BACK).first()
        if last is None:
            return None
        rows = list(by_digest().select_for_update().filter(pk__in=last.messages))
        for pk in reversed(last.changes):
            if change := Change.objects.filter(pk=pk, undone_by=None).first():
                project.undo(change, by)
        Opinion.objects.filter(message__in=rows, by=by).delete()
        _decide([row for row in rows if row.by_id == by.pk], State.NEW, None)
        AuditEntry.objects.note(by, "undid in the inbox", rows, verb=last.verb)
        last.delete()
        live.announce({TOPIC})
        return last


def add_text(text: str, by: User) -> InboxMessage:
    """A text that nobody may have said yet, to be annotated; the one that is there where it is known."""
    digest = texts.digest(text)
    with Project.objects.default().held():
        row, made = InboxMessage.objects.get_or_create(digest=digest, defaults={"text": text, "added": True})
        if not made:
            InboxMessage.objects.filter(pk=row.pk, text="").update(text=text)
            InboxMessage.objects.filter(pk=row.pk).update(added=True)
        AuditEntry.objects.note(by, "added to the inbox", [row])
        live.announce({TOPIC})
    row.refresh_from_db()
    return row
