"""The kinds of warnings, in words for people, and where each stands."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F
from django.utils.translation import gettext_noop as _

from rasax.training.files import Block, TrainingFile

MOST = 1000  # of each kind

DOMAIN, STORIES, NLU, FILES = "domain", "stories", "nlu", "files"


@dataclass(frozen=True)
class Kind:
    """`serious`: training fails, or part of the data is left out."""

    area: str
    message: str
    advice: str
    serious: bool = False


KINDS = {
    "file_unreadable": Kind(
        FILES,
        _("This file cannot be read."),
        _("Correct the line that is named. Until then nothing is learned from the file."),
        True,
    ),
    "version_unknown": Kind(
        FILES,
        _("The format version of this file is none that Rasa 3 reads."),
        _('Write version: "3.1" at the top of the file, or Rasa leaves the whole file out.'),
        True,
    ),
    "version_older": Kind(
        FILES,
        _("Files of one project have different format versions."),
        _("Write the newest of them everywhere: Rasa reads all files as the newest version."),
    ),
    "config_missing": Kind(
        FILES,
        _("The project has no configuration."),
        _("Add a config.yml with recipe, language, pipeline and policies."),
        True,
    ),
    "config_without": Kind(
        FILES,
        _("The configuration does not say this."),
        _("Add the key to config.yml. Without pipeline or policies Rasa chooses some by itself."),
    ),
    "example_broken": Kind(
        NLU,
        _("An entity in this example is written wrongly, so Rasa refuses the whole file."),
        _('Write [words](entity), or [words]{"entity": "name"} with a role, a group and a value that are texts.'),
        True,
    ),
    "intent_undeclared": Kind(
        DOMAIN,
        _("This intent has examples, but the domain does not declare it."),
        _("Add it to the intents of the domain, or move its examples to another intent."),
        True,
    ),
    "story_intent_undeclared": Kind(
        DOMAIN,
        _("This intent is used in stories or rules, but the domain does not declare it."),
        _("Add it to the intents of the domain and give it examples, or correct its name."),
        True,
    ),
    "action_undeclared": Kind(
        DOMAIN,
        _("This action is used in stories or rules, but the domain does not declare it."),
        _("Add it to the actions of the domain, or correct its name."),
        True,
    ),
    "response_missing": Kind(
        DOMAIN,
        _("This response is used in stories or rules, but it has no text."),
        _("Write the response, or correct its name."),
        True,
    ),
    "form_undeclared": Kind(
        DOMAIN,
        _("This form is used, but the domain does not declare it."),
        _("Add it to the forms of the domain, or correct its name."),
        True,
    ),
    "form_slot_undeclared": Kind(
        DOMAIN,
        _("A form asks for this slot, but the domain does not declare it."),
        _("Add it to the slots of the domain, or correct its name."),
        True,
    ),
    "slot_undeclared": Kind(
        DOMAIN,
        _("This slot is used, but the domain does not declare it."),
        _("Add it to the slots of the domain, or correct its name."),
    ),
    "condition_not_of_form": Kind(
        DOMAIN,
        _("A mapping of this slot is for a form that does not ask for it."),
        _("Add the slot to the form's required_slots, or take the form out of the mapping's conditions."),
        True,
    ),
    "entity_undeclared": Kind(
        DOMAIN,
        _("Examples have this entity, but the domain does not declare it."),
        _("Add it to the entities of the domain, so that policies and slots can use it."),
    ),
    "role_undeclared": Kind(
        DOMAIN,
        _("Examples have this role or group, but the domain does not declare it."),
        _("Add it to its entity in the domain: policies do not see it else."),
    ),
    "declared_twice": Kind(
        DOMAIN,
        _("This is declared twice, in different places."),
        _("Keep one of them. Which one Rasa takes depends on the order of the files."),
    ),
    "retrieval_without_response": Kind(
        DOMAIN,
        _("This retrieval intent has examples, but no response."),
        _("Write the response utter_…/… with the same key: the response selector cannot be trained else."),
        True,
    ),
    "story_without_steps": Kind(
        STORIES, _("This story or rule has no steps."), _("Write its steps, or remove it: Rasa leaves it out.")
    ),
    "story_step_unknown": Kind(
        STORIES,
        _("This step of a story is none that Rasa knows."),
        _("Correct the step. Rasa refuses the whole file, or leaves the step out."),
        True,
    ),
    "stories_conflict": Kind(
        STORIES,
        _("Stories contradict each other: after the same course, different actions follow."),
        _("Make the same action follow in all of them, or let something before tell them apart, such as a slot."),
        True,
    ),
    "example_in_two_intents": Kind(
        NLU,
        _("The same example stands in several intents."),
        _("Decide which intent it is of, and remove it from the others."),
        True,
    ),
    "example_twice": Kind(
        NLU, _("The same example stands twice in one intent."), _("Remove one: it only takes time to train.")
    ),
    "synonym_of_two": Kind(
        NLU,
        _("The same words are a synonym of two values."),
        _("Keep one of the values: Rasa takes whichever it reads last."),
    ),
    "intent_without_examples": Kind(
        NLU,
        _("The domain declares this intent, but it has no examples."),
        _("Give it examples, or remove it from the domain."),
    ),
    "few_examples": Kind(
        NLU, _("This intent has only one example."), _("Give it at least two, better ten: training may fail else.")
    ),
    "few_entity_examples": Kind(
        NLU,
        _("This entity, role or group has only one example."),
        _("Mark it in at least two, better ten: training may fail else."),
    ),
    "intent_unused": Kind(
        STORIES,
        _("This intent is used in no story or rule."),
        _("Write a story or a rule for it. Ignore this where a form or a component of your own uses it."),
    ),
    "response_unused": Kind(
        STORIES,
        _("This response is used in no story, rule or form."),
        _("Use it, or remove it. Ignore this where an action of your own sends it."),
    ),
    "action_unused": Kind(
        STORIES,
        _("This action is used nowhere."),
        _("Use it in a story or a rule, or remove it. Ignore this where another action starts it."),
    ),
}


@dataclass(frozen=True)
class Found:
    """`words` name it; `needle` is what its block says there, where that is not `words`."""

    kind: str
    words: str
    block: int | None = None
    needle: str = ""
    path: str = ""
    line: int = 0


@dataclass(frozen=True)
class Place:
    path: str = ""
    line: int = 0


def placed(found: list[Found]) -> list[Place]:
    blocks = Block.objects.in_bulk({each.block for each in found if each.block})
    files = {block.file_id for block in blocks.values()}
    paths = dict(TrainingFile.objects.filter(pk__in=files).values_list("pk", "path"))
    starts, lines = first_lines(files), {pk: _Lines(block.text) for pk, block in blocks.items()}
    places = []
    for each in found:
        block = blocks.get(each.block or 0)
        if block is None:
            places.append(Place(each.path, each.line))
        else:
            inside = lines[block.pk].of(each.needle or each.words)
            places.append(Place(paths[block.file_id], starts[block.pk] + inside))
    return places


def first_lines(files: Iterable[int]) -> dict[int, int]:
    """Of all blocks of these files, the line in which each begins."""
    starts, file, line = dict[int, int](), 0, 1
    rows = Block.objects.filter(file__in=files).order_by("file_id", "position").annotate(breaks=Block.BREAKS)
    for pk, in_file, breaks in rows.values_list("pk", F("file_id"), "breaks"):
        file, line = in_file, line if in_file == file else 1
        starts[pk] = line
        line += breaks
    return starts


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks: list[int] | None = None

    def of(self, needle: str) -> int:
        """Lines before the first place where the text says this; 0 where it says it otherwise."""
        found = re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", self._text)
        if not found:
            return 0
        if self._breaks is None:
            self._breaks = [place for place, letter in enumerate(self._text) if letter == "\n"]
        return bisect_left(self._breaks, found.start())
