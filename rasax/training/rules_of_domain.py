"""What only the text of a slot or a form tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rasax.training.declaring import part_of
from rasax.training.files import Block
from rasax.training.findings import Found
from rasax.training.formats.errors import Refused


def entries(kind: str) -> Iterator[tuple[Block, str, Any]]:
    """Each slot, form or intents' section: its block, its name and its value. What cannot be read is left out."""
    for block in Block.objects.filter(kind=kind, file__fault__isnull=True).select_related("file"):
        try:
            for _, key, node in part_of(block).nodes:
                yield block, (key.string if key else None) or block.name, node.data()
        except Refused:
            continue


def found_in_domain() -> Iterator[Found]:
    forms = {name: _slots(entry) for _, name, entry in entries(Block.Kind.FORM)}
    for block, name, entry in entries(Block.Kind.SLOT):
        for mapping in _mappings(entry):
            for form in _forms_of(mapping):
                asked = forms.get(form)
                if asked and name not in asked and mapping.get("type") != "from_trigger_intent":
                    yield Found("condition_not_of_form", f"{name} ({form})", block.pk, form)


def _slots(entry: Any) -> set[str]:
    slots = entry.get("required_slots") if isinstance(entry, Mapping) else None
    return {str(each) for each in slots} if isinstance(slots, list | Mapping) else set()


def _mappings(entry: Any) -> list[Mapping[str, Any]]:
    found = entry.get("mappings") if isinstance(entry, Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _forms_of(mapping: Mapping[str, Any]) -> Iterator[str]:
    conditions = mapping.get("conditions")
    for each in conditions if isinstance(conditions, list) else ():
        if isinstance(each, Mapping) and each.get("active_loop"):
            yield str(each["active_loop"])
