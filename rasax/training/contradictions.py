"""Stories that contradict each other: no policy can learn both. Found by walking all stories as policies see them.

What is kept of each turn is a digest of eight bytes for the whole course, or of each of the last `max_history` turns
where every policy of the configuration forgets what is older.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rasax.accounts.jobs import Job, runs
from rasax.training.access import VIEW_STORIES
from rasax.training.declaring import part_of
from rasax.training.files import Block, Mention
from rasax.training.findings import MOST, Found
from rasax.training.formats.courses import Choice, Seen, Walk
from rasax.training.formats.errors import Refused
from rasax.training.formats.slots import Slot
from rasax.training.projects import Project
from rasax.training.rules_of_domain import entries
from rasax.training.rules_of_files import config
from rasax.training.stories import steps
from rasax.training.validation import DataWarning, told

CHECK = "training.check_stories"
AT_ONCE = 200  # stories that a page may wait for
MOST_NAMES = 6
BY_RULES = ("RulePolicy",)  # which stories do not teach
BY_INTENTS = ("UnexpecTEDIntentPolicy",)  # which predicts no action
KNOWN = {
    "intent",
    "user",
    "action",
    "bot",
    "or",
    "slot_was_set",
    "active_loop",
    "form",
    "checkpoint",
    "metadata",
    "entities",
}

Story = tuple[int, list[Any]]


def found_in_stories(step: Callable[[int], None] = lambda done: None) -> list[Found]:
    """`step` is told how many stories were read."""
    found: list[Found] = []
    walk = Walk(_seen(), max_history())
    conflicts = Conflicts()
    for choice in walk.choices(_stories(found, step)):
        conflicts.take(choice)
    return [*found, *conflicts.found()]


def _stories(found: list[Found], step: Callable[[int], None]) -> Iterator[Story]:
    told = Block.objects.filter(kind__in=[Block.Kind.STORY, Block.Kind.RULE], file__fault__isnull=True)
    for done, block in enumerate(told.order_by("file__path", "position").select_related("file").iterator(500)):
        step(done)
        try:
            said = steps(part_of(block))
        except Refused:
            continue
        found += _unreadable(block, said)
        if block.kind == Block.Kind.STORY and said:
            yield block.pk, said


def _unreadable(block: Block, said: list[Any]) -> Iterator[Found]:
    if not said:
        yield Found("story_without_steps", block.name, block.pk)
    for each in said:
        if not isinstance(each, Mapping) or not KNOWN & {str(key) for key in each}:
            yield Found("story_step_unknown", f"{block.name}: {str(each)[:200]}", block.pk)


class Conflicts:
    def __init__(self) -> None:
        self._first: dict[bytes, tuple[str, int]] = {}
        self._several: dict[bytes, dict[str, list[int]]] = {}
        self._after: dict[bytes, str] = {}

    def take(self, choice: Choice) -> None:
        if not choice.after:  # at the beginning nothing is predicted
            return
        action, story = self._first.setdefault(choice.turns, (choice.action, choice.story))
        if choice.turns not in self._several:
            if action == choice.action:
                return
            self._several[choice.turns] = defaultdict(list, {action: [story]})
            self._after[choice.turns] = choice.after
        stories = self._several[choice.turns][choice.action]
        if choice.story not in stories and len(stories) < MOST_NAMES:
            stories.append(choice.story)

    def found(self) -> list[Found]:
        several = list(self._several.items())[:MOST]
        pks = {pk for _, actions in several for stories in actions.values() for pk in stories}
        names = dict(Block.objects.filter(pk__in=pks).values_list("pk", "name"))
        return [self._told(turns, actions, names) for turns, actions in several]

    def _told(self, turns: bytes, actions: dict[str, list[int]], names: dict[int, str]) -> Found:
        choices = "; ".join(
            f"{action}: {', '.join(names[pk] for pk in stories)}" for action, stories in actions.items()
        )
        last = list(actions.values())[-1][-1]
        return Found("stories_conflict", f"{self._after[turns]} → {choices}", last, self._after[turns])


def max_history() -> int | None:
    """Of the policy that remembers most; None is all."""
    found = config()
    policies = found[1].get("policies") if found else None
    most = 0
    for policy in policies if isinstance(policies, list) else ():
        given = policy if isinstance(policy, Mapping) else {}
        if str(given.get("name", "")).rpartition(".")[2] in (*BY_RULES, *BY_INTENTS):
            continue
        turns = given.get("max_history")
        if not isinstance(turns, int) or turns < 1:
            return None
        most = max(most, turns)
    return most or None


def _seen() -> Seen:
    slots = {name: Slot.of(entry) for _, name, entry in entries(Block.Kind.SLOT)}
    declared = Mention.objects.filter(kind=Mention.Kind.ENTITY, how=Mention.How.DECLARED)
    entities = frozenset(declared.values_list("name", flat=True))
    return Seen(slots, entities, dict(_used(entities)))


def _used(entities: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for _, section, items in entries(Block.Kind.DECLARED):
        for item in items if section == "intents" and isinstance(items, list) else ():
            for intent, given in item.items() if isinstance(item, Mapping) else ():
                if isinstance(given, Mapping):
                    yield str(intent), _of_intent(given, entities)


def _of_intent(given: Mapping[str, Any], entities: frozenset[str]) -> frozenset[str]:
    uses, ignores = given.get("use_entities", True), given.get("ignore_entities")
    used = frozenset(map(str, uses)) if isinstance(uses, list) else entities if uses else frozenset()
    return used - frozenset(map(str, ignores)) if isinstance(ignores, list) else used


def contradictions(project: Project) -> list[DataWarning] | None:
    """What the latest check of the stories found; None where it was not done since they changed, and takes a job."""
    job = latest(project)
    if job is not None:
        return [DataWarning(**each) for each in job.result["warnings"]]
    if Block.objects.filter(kind__in=[Block.Kind.STORY, Block.Kind.RULE]).count() > AT_ONCE:
        return None
    return told(found_in_stories())


def latest(project: Project) -> Job | None:
    done = Job.objects.filter(kind=CHECK, state=Job.State.DONE, result__version=project.version)
    return done.order_by("-ended_at").first()


@runs(CHECK, needs=VIEW_STORIES)
def check(job: Job) -> None:
    version = Project.objects.default().version
    total = Block.objects.filter(kind__in=[Block.Kind.STORY, Block.Kind.RULE]).count()
    found = found_in_stories(lambda done: job.step(done, total))
    warnings = [
        {"kind": w.kind, "words": w.words, "path": w.path, "line": w.line, "block_id": w.block_id} for w in told(found)
    ]
    job.step(total, total, version=version, warnings=warnings)
