"""A name changed wherever it stands: training data, stories, rules, tests, domain, forms, responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from django.db.models import Q

from rasax.training import progress
from rasax.training.declaring import part_of
from rasax.training.edits import Edit, NewFile, Put
from rasax.training.files import Block, Mention, TrainingFile
from rasax.training.formats import blocks, editing
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import SLASH_STAYS
from rasax.training.formats.uses import TAUGHT, UTTER, Use
from rasax.training.sheets import LINKED

Named = tuple[str, str]  # kind and name


@dataclass
class Renaming:
    """Each old kind and name, and the new name. `merged` are kinds and names whose declaration goes, for the new name
    has one; `into` is the intent that gets the examples."""

    names: dict[Named, str]
    merged: set[Named] = field(default_factory=set)

    @classmethod
    def of_intent(cls, old: str, new: str, merge: bool) -> Self:
        """Raises Refused. A retrieval intent's responses are named for it."""
        if ("/" in old) != ("/" in new) or new.count("/") > 1:
            raise Refused(SLASH_STAYS, new)
        names = {("intent", old): new}
        if Mention.objects.filter(kind="intent", name__startswith=f"{old.partition('/')[0]}/", how=TAUGHT).exists():
            names["response", UTTER + old] = UTTER + new
        return cls(names, {("intent", old)} if merge else set())

    def new_name(self, use: Use) -> str | None:
        return self.names.get((use.kind, use.name))

    def edits(self) -> list[Edit]:
        """Raises Refused."""
        found = list(self._blocks())
        linked = {block.file.path for block in found if LINKED.search(block.text)}
        alone = [block for block in found if block.file.path not in linked]
        progress.begin(len(alone))
        return [*(self._file(path) for path in sorted(linked)), *(self._block(block) for block in alone)]

    def _blocks(self) -> Iterator[Block]:
        wanted = Q()
        for kind, name in self.names:
            wanted |= Q(kind=kind, name=name)
        mentions = Mention.objects.filter(wanted)
        found = Block.objects.filter(pk__in=mentions.values("block")).select_related("file")
        if self.merged:  # their examples went elsewhere
            found = found.exclude(kind=Block.Kind.INTENT, name__in=[name for _, name in self.merged])
        return found.order_by("file__path", "position").iterator()

    def _block(self, block: Block) -> Put:
        progress.step()
        part = part_of(block)
        for kind, name in self.merged:
            if part.section == f"{kind}s":
                part = blocks.one(block.file.path, part.section, part.kind, editing.without_name(part, name))
        return Put(block, editing.renamed(part, self.new_name))

    def _file(self, path: str) -> NewFile:
        """Where anchors and aliases tie blocks together, the file is read as a whole."""
        text = TrainingFile.objects.get(path=path).text
        return NewFile(path, editing.renamed_file(path, text, self.new_name))
