"""The files of a Rasa project as rows: each file in its blocks, whose texts in order are the file, byte for byte.

A block is what people edit as one: an intent's examples, a story, a rule, a response, a slot, or what stands between
such things. What is found and counted is an index beside it, made anew from a block's text whenever that changes.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Length, Replace
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 255
GAP = 1024  # between the positions of two blocks, so that one can be put between them


class TrainingFile(models.Model):
    """`fault` is null, or what is wrong with a file that cannot be read: it is kept as it is, in one block of kind
    TEXT, and every other file goes on: {"line": from 1 or 0, "words": str}."""

    path = models.CharField(max_length=500, unique=True, help_text="Relative to the project, as data/nlu.yml")
    fault = models.JSONField(null=True)

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path

    @property
    def text(self) -> str:
        return "".join(self.blocks.values_list("text", flat=True))


class Block(models.Model):
    class Kind(models.TextChoices):
        INTENT = "intent", _("Intent")  # the examples of one intent, in nlu
        SYNONYM = "synonym", _("Synonym")
        REGEX = "regex", _("Regex")
        LOOKUP = "lookup", _("Lookup table")
        STORY = "story", _("Story")
        RULE = "rule", _("Rule")
        TEST = "test", _("Test story")
        RESPONSE = "response", _("Response")
        SLOT = "slot", _("Slot")
        FORM = "form", _("Form")
        DECLARED = "declared", _("Declared names")  # a whole section of a domain: intents, entities, actions, …
        TEXT = "text", _("Text")  # heads, comments, keys that nobody knows, config.yml, files with a fault

    file = models.ForeignKey(TrainingFile, on_delete=models.CASCADE, related_name="blocks")
    position = models.BigIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    section = models.CharField(max_length=40, blank=True, help_text="The key that it stands under: nlu, stories, slots")
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    text = models.TextField(help_text="Its lines as they are in the file")

    BREAKS = Length("text") - Length(Replace("text", models.Value("\n"), models.Value("")))

    class Meta:
        ordering = ["file_id", "position"]
        indexes = [models.Index(fields=["kind", "name"], name="blocks_by_name")]
        constraints = [models.UniqueConstraint(fields=["file", "position"], name="block_has_its_position")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def first_line(self) -> int:
        """The line of the file in which it begins, from 1."""
        before = Block.objects.filter(file=self.file_id, position__lt=self.position)
        return 1 + (before.aggregate(lines=models.Sum(self.BREAKS))["lines"] or 0)


class Example(models.Model):
    """One example of an intent. `entities` are [{start, end, entity, value, role, group}], code points of `text`;
    value, role and group only where they are given. `source` is how the example is written in its block."""

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="examples")
    intent = models.CharField(max_length=NAME_LENGTH, help_text="With its response key, as faq/opening_hours")
    text = models.TextField()
    source = models.TextField()
    entities = models.JSONField(default=list)
    digest = models.BigIntegerField(help_text="Of the text: texts.digest()")

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["intent", "id"], name="examples_by_intent"),
            models.Index(fields=["digest"], name="examples_by_text"),
        ]

    def __str__(self) -> str:
        return self.text[:80]


class Mention(models.Model):
    """That a block declares a name, gives examples of it, or uses it."""

    class Kind(models.TextChoices):
        INTENT = "intent", _("Intent")
        ENTITY = "entity", _("Entity")
        ROLE = "role", _("Role")
        GROUP = "group", _("Group")
        ACTION = "action", _("Action")
        RESPONSE = "response", _("Response")  # utter_…, or utter_<retrieval intent>
        SLOT = "slot", _("Slot")
        FORM = "form", _("Form")

    class How(models.TextChoices):
        DECLARED = "declared"  # in the domain
        TAUGHT = "taught"  # an intent or entity that has examples
        USED = "used"  # in a story, rule, test, form, slot mapping or response

    block = models.ForeignKey(Block, on_delete=models.CASCADE, related_name="mentions")
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=NAME_LENGTH)
    how = models.CharField(max_length=10, choices=How)

    class Meta:
        indexes = [models.Index(fields=["kind", "name"], name="mentions_by_name")]

    def __str__(self) -> str:
        return f"{self.how} {self.kind} {self.name}"
