"""All NLU data as one text, for who wants no project of files."""

from __future__ import annotations

from rasax.training.drafts import shifted
from rasax.training.files import Block

KINDS = (Block.Kind.INTENT, Block.Kind.SYNONYM, Block.Kind.REGEX, Block.Kind.LOOKUP)


def nlu_text() -> str:
    """File by file, each item as it is written there."""
    found = Block.objects.filter(kind__in=KINDS).order_by("file__path", "position")
    items = [shifted(text, 0) for text in found.values_list("text", flat=True)]
    return 'version: "3.1"\nnlu:\n' + "".join(item if item.endswith("\n") else f"{item}\n" for item in items)
