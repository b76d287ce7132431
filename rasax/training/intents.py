"""Intents and their examples: the verbs behind the pages, the inbox and the API. Each raises Refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Count

from rasax.training import entities as annotation
from rasax.training import texts
from rasax.training.changes import Change
from rasax.training.declaring import declaration, part_of, undeclared
from rasax.training.edits import Add, Edit, FileDiff, Put, Remove, Said
from rasax.training.files import Block, Example, Mention
from rasax.training.formats import editing, scalars
from rasax.training.formats.bodies import Body
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import BAD_NAME, GONE, INTENT_EXISTS, NO_SUCH_INTENT
from rasax.training.places import place_for
from rasax.training.projects import Project
from rasax.training.renaming import Renaming

if TYPE_CHECKING:
    from rasax.accounts.models import User

INTENT = Mention.Kind.INTENT


@dataclass(frozen=True)
class NewExample:
    """`entities` as Example has them: start, end, entity, and value, role, group where they are given."""

    text: str
    entities: Sequence[Mapping[str, Any]] = field(default=())


@dataclass(frozen=True)
class IntentRow:
    name: str
    examples: int
    declared: bool
    used: int  # blocks that name it


def project_intents() -> list[IntentRow]:
    """By name. A retrieval intent stands once for each of its keys, and once without where something names it so."""
    examples = dict(Example.objects.order_by().values_list("intent").annotate(Count("pk")))
    blocks: dict[tuple[str, str], int] = {}
    named = Mention.objects.filter(kind=INTENT).order_by().values_list("name", "how")
    for name, how, number in named.annotate(number=Count("block", distinct=True)):
        blocks[name, how] = number
    names = {*examples, *(name for name, _ in blocks)}
    return [
        IntentRow(
            name,
            examples.get(name, 0),
            (name.partition("/")[0], Mention.How.DECLARED) in blocks,
            blocks.get((name, Mention.How.USED), 0),
        )
        for name in sorted(names)
    ]


def add_examples(intent: str, examples: Sequence[NewExample], by: User | None) -> Change | None:
    """Makes the intent where it is new. Examples that it has are left out."""
    project = Project.objects.default()
    with project.held():
        edits = _adding(_name(intent), [annotation.written(each.text, each.entities) for each in examples])
        return project.write(edits, by, "added examples", intent)


def _name(name: str) -> str:
    """Raises Refused."""
    if not name or name != name.strip() or not name.isprintable():
        raise Refused(BAD_NAME, name)
    return name


def _adding(intent: str, sources: Sequence[str]) -> list[Edit]:
    """A declaration that is a new section comes last: it moves what stands at the end of its file."""
    new = _not_there(intent, sources)
    block = _block_of(intent)
    edits: list[Edit] = []
    if block is None:
        edits.append(_new_block(intent, new))
    elif new:
        edits.append(_with_more(block, new))
    declared = declaration(INTENT, intent.partition("/")[0])
    return [*declared, *edits] if all(isinstance(each, Put) for each in declared) else [*edits, *declared]


def _with_more(block: Block, sources: Sequence[str]) -> Put:
    part = part_of(block)
    body = Body.of(part)
    text = body.with_more(sources) if body else None
    if text is not None:
        return Put(block, text, said=Said(added=sources))
    return Put(block, editing.with_examples(part, sources))


def _not_there(intent: str, sources: Sequence[str]) -> list[str]:
    """In order, each text once."""
    by_digest: dict[int, str] = {}
    for source in sources:
        by_digest.setdefault(texts.digest(annotation.read(source)[0]), source)
    there = Example.objects.filter(intent=intent, digest__in=list(by_digest)).values_list("digest", flat=True)
    return [source for digest, source in by_digest.items() if digest not in set(there)]


def _block_of(intent: str) -> Block | None:
    """Of several the last: there are the newest."""
    found = Block.objects.filter(kind=Block.Kind.INTENT, name=intent, file__fault__isnull=True)
    return found.select_related("file").order_by("file__path", "position").last()


def _new_block(intent: str, sources: Sequence[str]) -> Add:
    path, after = place_for(Block.Kind.INTENT, intent)
    lines = "".join(f"    - {source}\n" for source in sources)
    return Add(path, f"- intent: {scalars.written(intent)}\n  examples: |\n{lines}", "nlu", after)


def change_example(
    example: Example, text: str, entities: Sequence[Mapping[str, Any]], by: User | None
) -> Change | None:
    project = Project.objects.default()
    with project.held():
        source = annotation.written(text, entities)
        return project.write([_changing(_current(example), source)], by, "changed an example", example.intent)


def _current(example: Example) -> Example:
    """Raises Refused where somebody changed or removed it meanwhile."""
    now = Example.objects.filter(pk=example.pk).select_related("block__file").first()
    if now is None or now.source != example.source:
        raise Refused(GONE, example.text)
    return now


def _changing(example: Example, source: str) -> Put:
    part = part_of(example.block)
    body = Body.of(part) if _is_single(example) else None
    text = body.changed(example.source, source) if body else None
    if text is not None:
        return Put(example.block, text, said=Said({example.pk: source}))
    return Put(example.block, editing.with_source(part, _number(example), source))


def _is_single(example: Example) -> bool:
    """Of two that are written alike only their order tells which line is whose."""
    alike = Example.objects.filter(block=example.block_id, digest=example.digest)
    return list(alike.values_list("source", flat=True)).count(example.source) == 1


def _number(example: Example) -> int:
    """Among those of its block."""
    return Example.objects.filter(block=example.block_id, pk__lt=example.pk).count()


def move_examples(examples: Iterable[Example], intent: str, by: User | None) -> Change | None:
    """To another intent, which is made where it is new."""
    project = Project.objects.default()
    with project.held():
        moving = [example for example in examples if example.intent != intent]
        edits = _removing(moving)
        adding = _adding(_name(intent), [example.source for example in moving])
        return project.write([*edits, *adding], by, "moved examples", intent)


def remove_examples(examples: Iterable[Example], by: User | None) -> Change | None:
    project = Project.objects.default()
    with project.held():
        removed = list(examples)
        subject = ", ".join(sorted({example.intent for example in removed}))[:255]
        return project.write(_removing(removed), by, "removed examples", subject)


def _removing(examples: Sequence[Example]) -> list[Edit]:
    by_block: dict[int, list[Example]] = {}
    for example in map(_current, examples):
        by_block.setdefault(example.block_id, []).append(example)
    return [_without(some[0].block, some) for some in by_block.values()]


def _without(block: Block, examples: Sequence[Example]) -> Put:
    part = part_of(block)
    body = Body.of(part) if all(map(_is_single, examples)) else None
    text = body.without([example.source for example in examples]) if body else None
    if text is not None:
        return Put(block, text, said=Said(dict.fromkeys(example.pk for example in examples)))
    return Put(block, editing.without_examples(part, [_number(example) for example in examples]))


def add_intent(name: str, by: User | None) -> Change | None:
    """Raises Refused where there is one."""
    project = Project.objects.default()
    with project.held():
        if _exists(_name(name)):
            raise Refused(INTENT_EXISTS, name)
        return project.write(_adding(name, []), by, "added an intent", name)


def _exists(name: str) -> bool:
    how = [Mention.How.DECLARED, Mention.How.TAUGHT]
    return Mention.objects.filter(kind=INTENT, name=name, how__in=how).exists()


def remove_intent(name: str, by: User | None) -> Change | None:
    """Its examples and its declaration. What uses it stays, and the warnings name it."""
    project = Project.objects.default()
    with project.held():
        found = Block.objects.filter(kind=Block.Kind.INTENT).select_related("file")
        blocks = [block for block in found if block.name == name or block.name.startswith(f"{name}/")]
        edits = [*(Remove(block) for block in blocks), *undeclared(INTENT, name)]
        if not edits:
            raise Refused(NO_SUCH_INTENT, name)
        return project.write(edits, by, "removed an intent", name)


def rename_intent(old: str, new: str, by: User | None, merge: bool = False) -> Change | None:
    """Everywhere at once. With `merge` into one that is there."""
    project = Project.objects.default()
    with project.held():
        verb = "merged an intent" if merge else "renamed an intent"
        return project.write(_renaming(old, new, merge), by, verb, f"{old} → {new}"[:255])


def preview_rename(old: str, new: str, merge: bool = False) -> list[FileDiff]:
    return Project.objects.default().preview(_renaming(old, new, merge))


def _renaming(old: str, new: str, merge: bool) -> list[Edit]:
    if not _exists(old):
        raise Refused(NO_SUCH_INTENT, old)
    if _exists(_name(new)) and not (merge and new != old):
        raise Refused(INTENT_EXISTS, new)
    return [*_moved_together(old, new, merge), *Renaming.of_intent(old, new, merge).edits()]


def _moved_together(old: str, new: str, merge: bool) -> list[Edit]:
    """Of two that become one the examples stand in one place, each once."""
    blocks = Block.objects.filter(kind=Block.Kind.INTENT, name=old).select_related("file")
    if not merge or _block_of(new) is None or not blocks:
        return []
    sources = Example.objects.filter(block__in=blocks).values_list("source", flat=True)
    return [*_adding(new, list(sources)), *(Remove(block) for block in blocks)]
