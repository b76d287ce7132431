"""Stories and test stories that somebody made of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from events.models import Conversation
from rasax.accounts.models import AuditEntry
from rasax.accounts.tokens import digest_of
from rasax.conversations.lines import plain
from trackers.stories import stories

if TYPE_CHECKING:
    from rasax.accounts.models import User

NAME_LENGTH = 255


class LearnedStoryQuerySet(models.QuerySet["LearnedStory"]):
    def visible_to(self, person: User) -> LearnedStoryQuerySet:
        """Others' hold what others said."""
        return self if person.has_perm("events.view_conversation") else self.filter(by=person)

    @transaction.atomic
    def learn(
        self, kind: str, name: str, events: Sequence[dict[str, Any]], of: Conversation, by: User
    ) -> tuple[LearnedStory, bool]:
        """The story, and whether it is new: one with the same steps is there once, whatever it is called.

        `events` are those that count. Raises ValueError where they make no step.
        """
        test = kind == LearnedStory.Kind.TEST
        steps = plain(stories({"": events}, test))
        if "steps: []" in steps:
            raise ValueError("There is nothing to save yet.")
        digest = digest_of(steps)
        if found := self.filter(kind=kind, digest=digest).first():
            return found, False
        said = {"name": name[:NAME_LENGTH], "yaml": plain(stories({name[:NAME_LENGTH]: events}, test)), "by": by}
        try:
            with transaction.atomic():
                story = self.create(kind=kind, digest=digest, conversation=of, **said)
        except IntegrityError:  # somebody else was faster
            return self.get(kind=kind, digest=digest), False
        AuditEntry.objects.note(by, "saved a story", [story], kind=kind)
        return story, True


class LearnedStory(models.Model):
    class Kind(models.TextChoices):
        STORY = "story", _("Story")
        TEST = "test", _("Test story")

    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=NAME_LENGTH)
    yaml = models.TextField(help_text="A file of its own, as Rasa 3 reads it")
    digest = models.CharField(max_length=64, editable=False, help_text="SHA-256 of its steps")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="learned_stories")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = LearnedStoryQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-id"]
        verbose_name_plural = "learned stories"
        constraints = [models.UniqueConstraint(fields=["kind", "digest"], name="story_is_learned_once")]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def discard(self, by: User) -> None:
        AuditEntry.objects.note(by, "deleted a story", [self], kind=self.kind)
        self.delete()
