"""What people did in the inbox, so that it can be taken back, and what each of two thinks."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from events.models import NAME_LENGTH
from rasax.accounts.models import Job
from rasax.annotation.inbox import InboxMessage


class Decision(models.Model):
    """One key or click, or a part of what a job did. `messages` are ids; `changes` those of the training data's changes
    that came of it; `before` is the state in which the texts were."""

    class Verb(models.TextChoices):
        ANNOTATED = "annotated", _("annotated")
        PROPOSED = "proposed", _("proposed")
        SKIPPED = "skipped", _("skipped")
        DELETED = "deleted", _("deleted")
        PUT_BACK = "put back", _("put back")

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    verb = models.CharField(max_length=10, choices=Verb)
    messages = models.JSONField(default=list)
    changes = models.JSONField(default=list)
    before = models.CharField(max_length=10, choices=InboxMessage.State, db_default=InboxMessage.State.NEW)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, related_name="decisions")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["by", "id"], name="decisions_of_a_person")]

    def __str__(self) -> str:
        return f"{self.by_id} {self.verb} {len(self.messages)}"

    @property
    def left_in(self) -> str:
        """The state that it gave to its texts."""
        return self.verb if self.verb in InboxMessage.State else InboxMessage.State.NEW


class Opinion(models.Model):
    """What one person thinks that a text means, where two have to agree. `entities` as an example has them."""

    message = models.ForeignKey(InboxMessage, on_delete=models.CASCADE, related_name="opinions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    intent = models.CharField(max_length=NAME_LENGTH)
    entities = models.JSONField(default=list)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["message", "by"], name="a_person_has_one_opinion")]

    def __str__(self) -> str:
        return f"{self.message_id}: {self.intent}"
