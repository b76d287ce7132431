"""Rasa servers. A team calls them its environments; in code an Environment is what events name as RASA_ENVIRONMENT."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events import live
from rasax.accounts.models import AuditEntry
from rasax.accounts.sealing import SealedField, Unreadable, seal, unseal
from rasax.deployment import addresses
from rasax.deployment.answers import Status, Version
from rasax.deployment.errors import RasaError, Reason, in_words
from rasax.deployment.rasa import QUICK, Rasa
from rasax.deployment.registry import TAG, Model, ModelTag

if TYPE_CHECKING:
    from rasax.accounts.models import User

TOPIC = "environments"
STALE_AFTER = timedelta(minutes=2)  # without a look for so long no worker looks
NO_SLASH = RegexValidator(r"^[^/\x00-\x1f\x7f]+\Z", _("Write a name without a slash."))
TOKEN = RegexValidator(r"^[\x21-\x7e]*\Z", _("Write the token as Rasa was given it, without spaces."))


class Use(models.TextChoices):
    PRODUCTION = "production", _("Production")
    WORKER = "worker", _("Worker")
    DEVELOPMENT = "development", _("Development")


class RasaServerQuerySet(models.QuerySet["RasaServer"]):
    def used_for(self, use: Use | str) -> RasaServerQuerySet:
        return self.filter(use=use)

    def serving(self) -> RasaServerQuerySet:
        """Which hold conversations, and so have a model of ours; a worker loads what it needs for a job."""
        return self.exclude(use=Use.WORKER)

    def worker(self) -> RasaServer | None:
        """Which trains and evaluates: of several workers the first by name that answered last time it was asked."""
        workers = self.used_for(Use.WORKER)
        return workers.filter(reason="").first() or workers.first()

    def with_wanted_models(self) -> list[RasaServer]:
        """Each with the model that has its tag."""
        servers = list(self)
        tags = ModelTag.objects.filter(name__in={server.tag for server in servers}).select_related("model")
        wanted = {tag.name: tag.model for tag in tags}
        for server in servers:
            server.wanted = wanted.get(server.tag)
        return servers

    @transaction.atomic
    def add(self, by: User | None, /, *, token: str = "", **fields: Any) -> RasaServer:
        server = RasaServer(**fields)
        server.give_token(token)
        server.save(force_insert=True)
        AuditEntry.objects.note(by, "added", [server], url=server.url)
        live.announce({TOPIC})
        return server


class RasaServer(models.Model):
    """A Rasa server that rasax speaks with, and what it said when a worker last asked it."""

    name = models.CharField(_("Name"), max_length=100, unique=True, validators=[NO_SLASH])
    url = models.CharField(
        _("Address"), max_length=500, validators=[addresses.validate], help_text=_("Such as http://rasa:5005")
    )
    use = models.CharField(_("What it is for"), max_length=16, choices=Use, default=Use.DEVELOPMENT)
    tag = models.CharField(
        _("Tag"),
        max_length=100,
        default="production",
        validators=[TAG],
        help_text=_("It should have the model with this tag, and asks for it here."),
    )
    sealed_token = SealedField(blank=True, editable=False, help_text="Encrypted with the first of ENCRYPTION_KEYS")
    added_at = models.DateTimeField(auto_now_add=True)

    version = models.CharField(max_length=32, blank=True, editable=False)
    minimum_compatible_version = models.CharField(max_length=32, blank=True, editable=False)
    model_file = models.CharField(max_length=255, blank=True, editable=False, help_text="Of the model it has loaded")
    model_id = models.CharField(max_length=64, blank=True, editable=False, help_text="Of that model; 2.8 tells none")
    n_training_jobs = models.PositiveIntegerField(default=0, editable=False)
    look_after = models.DateTimeField(default=timezone.now, editable=False, help_text="No worker asks it before")
    asked_at = models.DateTimeField(null=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False, help_text="When it last said what it was asked")
    reason = models.CharField(max_length=16, blank=True, editable=False, help_text="Why it did not")
    words = models.TextField(blank=True, editable=False, help_text="Its own, about that")
    failing_since = models.DateTimeField(null=True, editable=False)

    objects = RasaServerQuerySet.as_manager()
    wanted: Model | None = None

    class Meta:
        ordering = ["name"]
        verbose_name = "Rasa server"

    def __str__(self) -> str:
        return self.name

    @property
    def has_token(self) -> bool:
        return bool(self.sealed_token)

    def give_token(self, token: str) -> None:
        """The one way in; there is none out but to Rasa."""
        self.sealed_token = seal(token)

    def rasa(self, *, timeout: float = QUICK) -> Rasa:
        """A client of this server, for one thread; use it in `with`."""
        try:
            return Rasa(self.url, unseal(self.sealed_token), timeout=timeout)
        except Unreadable as error:
            raise RasaError(Reason.SEALED) from error

    @property
    def is_up(self) -> bool:
        """Whether it said what it was asked, and lately. It may have no model."""
        return bool(self.answered_at) and not self.reason and not self.is_stale

    @property
    def is_stale(self) -> bool:
        """Whether no worker has looked lately, so that nothing is known."""
        return self.asked_at is None or self.asked_at < timezone.now() - STALE_AFTER

    @property
    def problem(self) -> str:
        return in_words(self.reason, self.words) if self.reason else ""

    @property
    def has_wanted(self) -> bool:
        return bool(self.wanted and self.is_up and self.wanted.is_loaded_by(self))

    @property
    def cannot_load(self) -> bool:
        """The model that has its tag."""
        return bool(self.wanted and self.wanted.suits(self) is False)

    def told(self, seen: tuple[Version, Status] | RasaError) -> str:
        """In words."""
        if isinstance(seen, RasaError):
            return str(seen)
        version, status = seen
        if status.has_model:
            return _("It answers: Rasa %(version)s with the model %(model)s.") % {
                "version": version.version,
                "model": status.model_file,
            }
        return _("It answers: Rasa %s, without a model.") % version.version

    @transaction.atomic
    def change(self, by: User | None, /, *, token: str | None = None, **fields: Any) -> None:
        """`token` is None where it stays. What is known of another address is forgotten, its token too, if it stays:
        whoever may change an address must not have the old server's token sent to a server of their own."""
        kept = RasaServer.objects.select_for_update().get(pk=self.pk)
        changed = [name for name, value in fields.items() if getattr(kept, name) != value]
        for name, value in fields.items():
            setattr(self, name, value)
        if "url" in changed:
            self._forget()
            token = token or ""
        if token is not None:
            self.give_token(token)
        self.save()
        changed += ["token"] if token is not None else []
        AuditEntry.objects.note(by, "changed", [self], fields=sorted(changed), url=self.url)
        live.announce({TOPIC})

    @transaction.atomic
    def remove(self, by: User | None) -> None:
        AuditEntry.objects.note(by, "deleted", [self], url=self.url)
        self.delete()
        live.announce({TOPIC})

    def saw(self, seen: tuple[Version, Status] | RasaError) -> None:
        """Keeps what it answered, or why it did not; tells the pages where that is news."""
        before, now = self._news(), timezone.now()
        self._note_failure(seen, now) if isinstance(seen, RasaError) else self._note_answer(*seen, now)
        mine = RasaServer.objects.filter(pk=self.pk, url=self.url, sealed_token=self.sealed_token)
        with transaction.atomic():
            told = mine.update(**{name: getattr(self, name) for name in SEEN})
            if told and self._news() != before:
                live.announce({TOPIC})

    def _note_answer(self, version: Version, status: Status, now: datetime) -> None:
        self.version, self.minimum_compatible_version = version.version[:32], version.minimum_compatible_version[:32]
        self.model_file, self.model_id = status.model_file[:255], status.model_id[:64]
        self.n_training_jobs = max(0, status.num_active_training_jobs)
        self.reason = ""
        self.words, self.failing_since, self.asked_at, self.answered_at = "", None, now, now

    def _note_failure(self, error: RasaError, now: datetime) -> None:
        self.reason, self.words, self.asked_at = error.reason, error.words, now
        self.failing_since = self.failing_since or now

    def _forget(self) -> None:
        fresh = RasaServer()
        for name in SEEN:
            setattr(self, name, getattr(fresh, name))

    def _news(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in SEEN if name not in {"asked_at", "answered_at"})


SEEN = (
    "version", "minimum_compatible_version", "model_file", "model_id", "n_training_jobs", "asked_at", "answered_at",
    "reason", "words", "failing_since",
)  # fmt: skip
