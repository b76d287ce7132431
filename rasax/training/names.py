"""Names of entities, roles, slots, responses and the like, changed everywhere at once. Each raises Refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasax.training.changes import Change
from rasax.training.declaring import part_of
from rasax.training.edits import Edit, FileDiff, Put
from rasax.training.files import Block, Mention
from rasax.training.formats import editing
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import BAD_NAME, NAME_EXISTS, NO_SUCH_NAME
from rasax.training.projects import Project
from rasax.training.renaming import Named, Renaming

if TYPE_CHECKING:
    from rasax.accounts.models import User

RENAMED = {
    "entity": "renamed an entity",
    "role": "renamed a role",
    "group": "renamed a group",
    "slot": "renamed a slot",
    "response": "renamed a response",
    "action": "renamed an action",
    "form": "renamed a form",
}
HERE = [Mention.How.DECLARED, Mention.How.TAUGHT]


def rename(kind: str, old: str, new: str, by: User | None) -> Change | None:
    """`kind` is one of RENAMED. A role or a group is renamed with every entity that has it."""
    project = Project.objects.default()
    with project.held():
        return project.write(_edits(kind, old, new), by, RENAMED[kind], f"{old} → {new}"[:255])


def preview_rename(kind: str, old: str, new: str) -> list[FileDiff]:
    return Project.objects.default().preview(_edits(kind, old, new))


def _edits(kind: str, old: str, new: str) -> list[Edit]:
    named = Mention.objects.filter(kind=kind)
    if not new or new != new.strip() or not new.isprintable():
        raise Refused(BAD_NAME, new)
    if not named.filter(name=old).exists():
        raise Refused(NO_SUCH_NAME, old)
    if named.filter(name=new, how__in=HERE).exists():
        raise Refused(NAME_EXISTS, new)
    edits = Renaming(_names(kind, old, new)).edits()
    return [*edits, *_of_features(old, new)] if kind == "entity" else edits


def _names(kind: str, old: str, new: str) -> dict[Named, str]:
    """A form is also run as an action; the response that asks for a slot is named for it."""
    names: dict[Named, str] = {(kind, old): new}
    if kind == "form":
        names["action", old] = new
    if kind == "slot":
        asking = ["utter_ask_", *(f"utter_ask_{form}_" for form in _declared("form"))]
        names |= {("response", head + old): head + new for head in asking}
    return names


def _declared(kind: str) -> list[str]:
    return list(Mention.objects.filter(kind=kind, how=Mention.How.DECLARED).values_list("name", flat=True).distinct())


def _of_features(old: str, new: str) -> list[Edit]:
    """Regexes and lookup tables find an entity by having its name."""
    kinds = [Block.Kind.REGEX, Block.Kind.LOOKUP]
    found = Block.objects.filter(kind__in=kinds, name=old).select_related("file")
    return [Put(block, editing.with_item_name(part_of(block), new)) for block in found]
