"""A conversation that somebody holds with a Rasa server from here: a person of the team, or a guest."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from events import live
from events.models import Conversation, Event, key_of
from rasax.accounts.tokens import digest_of
from rasax.deployment.models import RasaServer

if TYPE_CHECKING:
    from rasax.accounts.models import User
    from rasax.chat.guests import GuestLink

PATIENCE = 10.0  # seconds without an event, after which the page says what to check
TEAM, GUEST = "rasa", "guest"  # input channels, which the list of conversations can be filtered by


class ChatQuerySet(models.QuerySet["Chat"]):
    def of(self, person: User) -> ChatQuerySet:
        return self.filter(person=person).select_related("server", "conversation")

    def begin(self, server: RasaServer, person: User, *, continues: Conversation | None = None) -> Chat:
        return self.create(server=server, person=person, continues=continues, sender_id=_name("chat"))

    def begin_as_guest(self, link: GuestLink, server: RasaServer, sender_id: str = "") -> tuple[Chat, str]:
        """The chat, and the secret by which its guest is known again; the link counts its uses itself."""
        secret = secrets.token_urlsafe(32)
        given = {"sender_id": sender_id or _name(GUEST), "digest": digest_of(secret)}
        return self.create(server=server, guest_link=link, **given), secret


def _name(kind: str) -> str:
    """Nobody guesses it."""
    return f"{kind}-{secrets.token_hex(16)}"


class Chat(models.Model):
    class Mode(models.TextChoices):
        TALK = "talk", _("Talk")
        LEARN = "learn", _("Interactive learning")

    key = models.UUIDField(unique=True, editable=False, help_text="Stands for the sender_id")
    sender_id = models.TextField(help_text="The conversation's name at the Rasa server")
    server = models.ForeignKey(RasaServer, on_delete=models.CASCADE, related_name="chats")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="chats")
    guest_link = models.ForeignKey("chat.GuestLink", on_delete=models.CASCADE, null=True, related_name="chats")
    digest = models.CharField(max_length=64, blank=True, editable=False, help_text="SHA-256 of the guest's secret")
    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, null=True, related_name="chat", help_text="Once an event of it came"
    )
    continues = models.ForeignKey(Conversation, on_delete=models.SET_NULL, null=True, related_name="continuations")
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.TALK)
    began_at = models.DateTimeField(auto_now_add=True)
    asked_at = models.FloatField(null=True, help_text="When something was last sent, in seconds since 1970")
    seen = models.BigIntegerField(default=0, help_text="The id of the last event that had come by then")
    channel = models.CharField(max_length=16, blank=True, help_text="Which of Rasa's channels answered that")

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-began_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person=None) ^ models.Q(guest_link=None), name="chat_is_somebodys"
            )
        ]

    def __str__(self) -> str:
        return self.sender_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.key = key_of(self.sender_id)
        super().save(*args, **kwargs)

    @property
    def topic(self) -> str:
        return f"chat:{self.pk}"

    @property
    def ticket(self) -> str:
        """With it a socket hears of this chat and of nothing else, whoever opens it."""
        return live.ticket(self.topic)

    @property
    def input_channel(self) -> str:
        return TEAM if self.guest_link_id is None else GUEST

    @property
    def last_event(self) -> int:
        rows = Event.objects.filter(conversation=self.conversation_id)
        return rows.aggregate(last=models.Max("pk"))["last"] or 0 if self.conversation_id else 0

    @property
    def is_unheard(self) -> bool:
        """Something was sent a while ago, and no event of it came."""
        if self.asked_at is None or time.time() < self.asked_at + PATIENCE:
            return False
        return self.last_event <= self.seen

    def ask(self) -> None:
        """Something is being sent."""
        self.asked_at, self.seen, self.channel = time.time(), self.last_event, ""
        self.save(update_fields=["asked_at", "seen", "channel"])

    def was_heard_by(self, channel: str) -> None:
        self.channel = channel
        self.save(update_fields=["channel"])

    @transaction.atomic
    def switch(self, mode: str) -> None:
        self.mode = self.Mode(mode)
        self.save(update_fields=["mode"])
        live.announce({self.topic})

    @property
    def learns(self) -> bool:
        return self.mode == self.Mode.LEARN
