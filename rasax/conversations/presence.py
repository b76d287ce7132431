"""Who is reading a conversation right now."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from events import live
from events.models import Conversation
from rasax.accounts.models import User

GONE_AFTER = timedelta(seconds=40)  # a page says every 15 s that it is still open


class PresenceQuerySet(models.QuerySet["Presence"]):
    def here(self) -> PresenceQuerySet:
        return self.filter(seen_at__gt=timezone.now() - GONE_AFTER)

    def arrive(self, conversation: Conversation, user: User) -> None:
        """Somebody opened the conversation, or still has it open."""
        if not self.here().filter(conversation=conversation, user=user).update(seen_at=timezone.now()):
            self._enter(conversation, user)

    @transaction.atomic
    def _enter(self, conversation: Conversation, user: User) -> None:
        Conversation.objects.select_for_update().get(pk=conversation.pk)  # it may be deleted at this moment
        left = self.filter(seen_at__lte=timezone.now() - GONE_AFTER).exclude(conversation=conversation, user=user)
        # What another is cleaning away is not waited for.
        self.filter(pk__in=list(left.select_for_update(skip_locked=True).values_list("pk", flat=True))).delete()
        self.update_or_create(conversation=conversation, user=user, defaults={"seen_at": timezone.now()})
        live.announce({live.conversation_topic(conversation.pk)})

    @transaction.atomic
    def leave(self, conversation: Conversation, user: User) -> None:
        deleted, _ = self.filter(conversation=conversation, user=user).delete()
        if deleted:
            live.announce({live.conversation_topic(conversation.pk)})

    def others(self, conversation: Conversation, user: User) -> list[User]:
        """Who else has it open, by name."""
        readers = self.here().filter(conversation=conversation).exclude(user=user)
        return [reader.user for reader in readers.select_related("user").order_by("user__username")]


class Presence(models.Model):
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField()

    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["conversation", "user"], name="reader_is_there_once")]

    def __str__(self) -> str:
        return f"{self.user} reads {self.conversation}"
