"""What a domain declares by lists of names: intents, entities, actions."""

from __future__ import annotations

from rasax.training.edits import Add, Edit, Put
from rasax.training.files import Block, Mention
from rasax.training.formats import blocks, editing, scalars
from rasax.training.formats.blocks import Part
from rasax.training.places import domain_for

SECTIONS = {Mention.Kind.INTENT: "intents", Mention.Kind.ENTITY: "entities", Mention.Kind.ACTION: "actions"}


def part_of(block: Block) -> Part:
    """What a block says. Raises Refused."""
    return blocks.one(block.file.path, block.section, block.kind, block.text, known=True)


def declaration(kind: str, name: str) -> list[Edit]:
    """Nothing where it is declared."""
    section = SECTIONS[Mention.Kind(kind)]
    if Mention.objects.filter(kind=kind, name=name, how=Mention.How.DECLARED).exists():
        return []
    path = domain_for(section)
    block = (
        Block.objects.filter(kind=Block.Kind.DECLARED, section=section, file__path=path).select_related("file").first()
    )
    if block is None:
        return [Add(path, f"- {scalars.written(name)}\n", section)]
    return [Put(block, editing.with_name(part_of(block), name))]


def undeclared(kind: str, name: str) -> list[Edit]:
    mentions = Mention.objects.filter(kind=kind, name=name, how=Mention.How.DECLARED)
    found = Block.objects.filter(kind=Block.Kind.DECLARED, pk__in=mentions.values("block")).select_related("file")
    return [Put(block, editing.without_name(part_of(block), name)) for block in found]
