"""Stories, rules and test stories: the verbs behind the pages, the chat and the API. Each raises Refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal

from rasax.training.changes import Change
from rasax.training.edits import Add, Put, Remove
from rasax.training.files import Block, Mention
from rasax.training.formats import blocks, editing, nodes, reading
from rasax.training.formats.blocks import Part
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_STEPS, NOT_A_STORY
from rasax.training.places import place_for
from rasax.training.projects import Project
from rasax.training.wording import CALLED

if TYPE_CHECKING:
    from rasax.accounts.models import User

StoryKind = Literal["story", "rule", "test"]
SECTIONS = {"story": "stories", "rule": "rules", "test": "stories"}


def add_story(kind: StoryKind, yaml: str, by: User | None) -> tuple[Block, bool]:
    """Of a whole file its first story, or one item of a list. False, with the block that is there, where one has the
    same steps. Of a name that is taken the new one gets a number."""
    project = Project.objects.default()
    with project.held():
        part = _first(kind, yaml)
        there = _same(kind, part)
        if there is not None:
            return there, False
        return _added(project, kind, part, by), True


def _first(kind: StoryKind, yaml: str) -> Part:
    section, path = SECTIONS[kind], "tests/test_stories.yml" if kind == "test" else "stories.yml"
    text = yaml.replace("\r\n", "\n").removeprefix("\ufeff")
    if nodes.read(text).root is None or isinstance(nodes.values(text), list):
        text = f"{section}:\n{text}"
    found = [part for part in blocks.split(path, text) if part.kind == kind]
    if not found:
        raise Refused(NOT_A_STORY)
    if not steps(found[0]):
        raise Refused(NO_STEPS, found[0].name)
    return found[0]


def steps(part: Part) -> list[Any]:
    """Plain Python; of a rule its conditions come first."""
    return [step for _, _, item in part.nodes for key in ("condition", "steps") for step in _listed(item.get(key))]


def _listed(node: nodes.Node | None) -> Iterator[Any]:
    return (item.data() for item in node.sequence) if node else iter(())


def digest(part: Part) -> bytes:
    """Of its steps: their spelling, their name and what else stands beside them make no other story."""
    said = [_spelled(step) for step in steps(part)]
    return blake2b(json.dumps(said, sort_keys=True, default=str).encode(), digest_size=16).digest()


def _spelled(step: Any) -> Any:
    if not isinstance(step, dict):
        return step
    result = {key: value.strip() if isinstance(value, str) else value for key, value in step.items()}
    if isinstance(step.get("slot_was_set"), dict):
        result["slot_was_set"] = [{name: value} for name, value in step["slot_was_set"].items()]
    return result


def _same(kind: StoryKind, part: Part) -> Block | None:
    wanted = digest(part)
    for block in _candidates(kind, part):
        try:
            other = blocks.one(block.file.path, block.section, block.kind, block.text)
        except Refused:
            continue
        if digest(other) == wanted:
            return block
    return None


def _candidates(kind: StoryKind, part: Part) -> Iterable[Block]:
    """Those that name all that it names."""
    found = Block.objects.filter(kind=kind).select_related("file").order_by("pk")
    for mentioned, name, how in reading.mentions(part):
        naming = Mention.objects.filter(kind=mentioned, name=name, how=how)
        found = found.filter(pk__in=naming.values("block"))
    return found.iterator()


def _added(project: Project, kind: StoryKind, part: Part, by: User | None) -> Block:
    name = _free_name(kind, part.name or kind)
    text = part.text.rstrip() + "\n" if name == part.name else editing.with_item_name(part, name).rstrip() + "\n"
    path, after = place_for(kind)
    change = project.write([Add(path, text, SECTIONS[kind], after)], by, f"added {CALLED[kind]}", name)
    pks = [record["block"] for record in (change.records if change else ())]
    return Block.objects.select_related("file").get(pk__in=pks, kind=kind, name=name)


def _free_name(kind: StoryKind, name: str) -> str:
    taken = set(Block.objects.filter(kind=kind, name__startswith=name).values_list("name", flat=True))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def change_block(block: Block, text: str, by: User | None, base: str | None = None) -> Change | None:
    """Any block. `base` is the text that its editor saw: what others did to other lines since then stays."""
    return Project.objects.default().write([Put(block, text, base)], by, f"changed {CALLED[block.kind]}", block.name)


def remove_block(block: Block, by: User | None) -> Change | None:
    return Project.objects.default().write([Remove(block)], by, f"removed {CALLED[block.kind]}", block.name)
