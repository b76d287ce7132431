"""Plain data as Rasa's YAML, and a domain that is given anew: only what differs is written."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from rasax.training.declaring import part_of
from rasax.training.edits import Add, Edit, Put, Remove
from rasax.training.files import Block
from rasax.training.formats.blocks import DECLARATIONS, MAPPINGS
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_LIST
from rasax.training.formats.respelling import with_value, written
from rasax.training.places import domain_for

SESSION = "session_config"
SECTIONS = (*DECLARATIONS, *MAPPINGS, SESSION)


def fitted(block: Block, text: str) -> str:
    """Indented as the block is."""
    first = next((line for line in block.text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    blanks = " " * (len(first) - len(first.lstrip(" ")))
    return textwrap.indent(textwrap.dedent(text).rstrip("\n") + "\n", blanks)


def said_anew(block: Block, value: Any) -> str:
    """The text of a response, slot or form that says this: what stays the same keeps its comments. Raises Refused."""
    return with_value(block.file.path, part_of(block), value) or fitted(block, written({block.name: value}))


def value_of(block: Block) -> Any:
    """Raises Refused."""
    return part_of(block).nodes[0][2].data()


def domain() -> dict[str, Any]:
    """What all files of the domain say together; of a name in several the last counts. Raises Refused."""
    found: dict[str, Any] = {}
    for block in _blocks():
        value = value_of(block)
        if block.section in MAPPINGS:
            found.setdefault(block.section, {})[block.name] = value
        elif isinstance(value, list):
            known = found.setdefault(block.section, [])
            known += [each for each in value if each not in known]
    if (session := _session()) is not None:
        found[SESSION] = session[1]
    return found


def _blocks() -> list[Block]:
    kinds = [*MAPPINGS.values(), "declared"]
    return list(Block.objects.filter(kind__in=kinds).select_related("file").order_by("file__path", "position"))


def _session() -> tuple[Block, Any] | None:
    for block in Block.objects.filter(kind="text", text__contains=f"{SESSION}:").select_related("file"):
        for section, _, node in part_of(block).nodes:
            if section == SESSION:
                return block, node.data()
    return None


def changed_domain(wanted: Mapping[str, Any]) -> list[Edit]:
    """What makes the domain say this. A section that is left out stays as it is. Raises Refused."""
    blocks, edits = _blocks(), list[Edit]()
    for section in wanted.keys() & MAPPINGS.keys():
        edits += _mapped(section, wanted[section] or {}, [each for each in blocks if each.section == section])
    for section in [each for each in DECLARATIONS if each in wanted]:
        edits += _listed(section, wanted[section] or [], [each for each in blocks if each.section == section])
    if SESSION in wanted:
        edits += _of_session(wanted[SESSION])
    return edits


def _mapped(section: str, wanted: Mapping[str, Any], blocks: list[Block]) -> list[Edit]:
    edits = list[Edit]()
    for block in blocks:
        if block.name not in wanted:
            edits.append(Remove(block))
        elif value_of(block) != wanted[block.name]:
            edits.append(Put(block, said_anew(block, wanted[block.name])))
    new = wanted.keys() - {block.name for block in blocks}
    return edits + [Add(domain_for(section), written({name: wanted[name]}), section) for name in wanted if name in new]


def _listed(section: str, wanted: list[Any], blocks: list[Block]) -> list[Edit]:
    there = [each for block in blocks for each in value_of(block) or []]
    if there == wanted or sorted(map(str, there)) == sorted(map(str, wanted)):
        return []
    if not blocks:
        return [Add(domain_for(section), written([each]), section) for each in wanted]
    return [Put(blocks[0], written({section: wanted})), *(Remove(block) for block in blocks[1:])]


def _of_session(wanted: Any) -> list[Edit]:
    found = _session()
    if found is not None and found[1] == wanted:
        return []
    if found is None or len(part_of(found[0]).nodes) != 1:
        raise Refused(NO_LIST, SESSION)
    return [Put(found[0], written({SESSION: wanted}))]
