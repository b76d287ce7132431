"""What a policy sees in stories, turn by turn: where the same is seen and different actions follow, none can be right.

Source: the documentation of stories, of slots ("Influencing the conversation") and of the domain's `use_entities`, and
what `rasa data validate` of 3.6 says. Rules are left out, as there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from rasax.training import entities
from rasax.training.formats.slots import Slot

LISTEN = "action_listen"
MOST_COURSES = 32  # of one story, by its `or` steps and checkpoints: those beyond are not looked at
START = ""  # the checkpoint at which every story begins that names none

Entity = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """What influences predictions: slots with their features, entities that are declared, and which of them an intent
    uses; None for all."""

    slots: Mapping[str, Slot] = field(default_factory=dict)
    entities: frozenset[str] = frozenset()
    used: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def of_user(self, intent: str, said: Iterable[Entity]) -> tuple[str, ...]:
        used = self.used.get(intent, self.entities)
        return tuple(sorted({name for each in said for name in _names(each) if name.partition("#")[0] in used}))


def _names(entity: Entity) -> list[str]:
    name = str(entity.get("entity"))
    return [name, *(f"{name}#{entity[key]}" for key in ("role", "group") if entity.get(key) is not None)]


@dataclass(frozen=True)
class Course:
    """A conversation so far, as it is seen. `turns` are the digests of the last turns."""

    slots: tuple[tuple[str, tuple[float, ...]], ...] = ()
    user: tuple[str, ...] = ()
    action: str = ""
    loop: str = ""
    turns: bytes = b""
    after: str = ""  # what happened last, for people
    listens: bool = False


@dataclass(frozen=True)
class Choice:
    """In `story`, seeing what `turns` stand for, this action follows. `after` is empty at the beginning."""

    turns: bytes
    action: str
    story: int
    after: str


SIZE = 8  # bytes of a turn's digest


class Walk:
    """Of all stories, in order; those that begin at a checkpoint after those that end there."""

    def __init__(self, seen: Seen, max_history: int | None) -> None:
        self.seen, self.max_history = seen, max_history
        self._first = self._begun()
        self._at: dict[str, list[Course]] = {START: [self._first]}

    def _begun(self) -> Course:
        slots = {name: slot.features(slot.initial) for name, slot in self.seen.slots.items()}
        return Course(slots=tuple(sorted((name, features) for name, features in slots.items() if any(features))))

    def choices(self, stories: Iterable[tuple[int, list[Any]]]) -> Iterator[Choice]:
        """Of each story (its number, its steps) what it chooses."""
        waiting = yield from self._those_that_can(stories)
        while waiting:
            left = yield from self._those_that_can(waiting)
            if len(left) == len(waiting):
                return
            waiting = left

    def _those_that_can(self, stories: Iterable[tuple[int, list[Any]]]) -> Any:
        """Returns those that begin at a checkpoint at which no story ended yet."""
        left = []
        for number, steps in stories:
            if _begins(steps) in self._at:
                yield from self._story(number, steps)
            else:
                left.append((number, steps))
        return left

    def _story(self, number: int, steps: list[Any]) -> Iterator[Choice]:
        begin = _begins(steps)
        if begin and "slot_was_set" in steps[0]:  # from there not every course goes on
            return
        courses = self._at[begin]
        for step in steps[1:] if begin else steps:
            courses = yield from self._all(number, courses, step)
        if not (isinstance(steps[-1], Mapping) and "checkpoint" in steps[-1]):
            for course in courses:
                yield from self._act(number, course, LISTEN)

    def _all(self, number: int, courses: list[Course], step: Any) -> Any:
        if isinstance(step, Mapping) and "checkpoint" in step:
            ended = self._at.setdefault(str(step["checkpoint"]), [])
            ended += courses[: MOST_COURSES - len(ended)]
            return courses
        gone_on = []
        for course in courses:
            gone_on += yield from self._step(number, course, step)
        return gone_on[:MOST_COURSES]

    def _step(self, number: int, course: Course, step: Any) -> Any:
        if isinstance(step, Mapping) and "or" in step:
            courses = dict[int, Course]()
            for at, each in enumerate(step["or"] if isinstance(step["or"], list) else []):
                courses[at] = yield from self._one(number, course, each)
            return list(courses.values()) or [course]
        return [(yield from self._one(number, course, step))]

    def _one(self, number: int, course: Course, step: Any) -> Any:
        if not isinstance(step, Mapping):
            return course
        if "intent" in step or "user" in step:
            if not course.listens:
                course = yield from self._act(number, course, LISTEN)
            return replace(self._told(course, step), listens=False)
        if step.get("action") or step.get("bot"):
            return (yield from self._act(number, course, str(step.get("action") or step["bot"]), "action" in step))
        if "slot_was_set" in step:
            return self._set(course, step["slot_was_set"])
        for key in ("active_loop", "form"):
            if key in step:
                return replace(course, loop=str(step[key] or ""))
        return course

    def _act(self, number: int, course: Course, action: str, named: bool = True) -> Any:
        turns = self._turns(course)
        yield Choice(turns, action, number, course.after)
        after = course.after if action == LISTEN else action
        return replace(
            course, action=action if named else f'"{action}"', turns=turns, after=after, listens=action == LISTEN
        )

    def _turns(self, course: Course) -> bytes:
        seen = repr((course.slots, course.user, course.action, course.loop)).encode(errors="surrogatepass")
        if self.max_history is None:
            return blake2b(course.turns + seen, digest_size=SIZE).digest()
        return (course.turns + blake2b(seen, digest_size=SIZE).digest())[-SIZE * self.max_history :]

    def _told(self, course: Course, step: Mapping[str, Any]) -> Course:
        intent = str(step.get("intent") or "").strip().removeprefix("/").partition("/")[0]
        text = str(step.get("user") or "").strip()
        said = _said(text) if "user" in step else _listed(step.get("entities"))
        user = (f"intent {intent}", *self.seen.of_user(intent, said)) if intent else (f"text {text}",)
        course = replace(course, user=user, after=intent or text)
        for name, slot in self.seen.slots.items():
            filled = slot.filled(said)
            if filled:
                course = self._with(course, name, filled if slot.kind == "list" else filled[-1])
        return course

    def _set(self, course: Course, given: Any) -> Course:
        for each in given if isinstance(given, list) else [given]:
            for name, value in each.items() if isinstance(each, Mapping) else [(each, _DEFAULT)]:
                course = self._with(course, str(name), value)
        return course

    def _with(self, course: Course, name: str, value: Any) -> Course:
        slot = self.seen.slots.get(name)
        if slot is None:
            return course
        features = slot.features(slot.default if value is _DEFAULT else value)
        others = {known: value for known, value in course.slots if known != name}
        now = {**others, name: features} if any(features) else others
        return replace(course, slots=tuple(sorted(now.items())))


_DEFAULT = object()


def _begins(steps: list[Any]) -> str:
    first = steps[0] if steps else None
    return str(first["checkpoint"]) if isinstance(first, Mapping) and "checkpoint" in first else START


def _said(text: str) -> list[Entity]:
    return list(entities.read(text)[1])


def _listed(given: Any) -> list[Entity]:
    said: list[Entity] = []
    for each in given if isinstance(given, list) else []:
        if isinstance(each, Mapping):
            named = {key: value for key, value in each.items() if key in ("role", "group")}
            said += [{"entity": key, "value": value, **named} for key, value in each.items() if key not in named]
        else:
            said.append({"entity": each, "value": ""})
    return said
