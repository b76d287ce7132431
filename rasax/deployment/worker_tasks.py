"""What a worker server trains or tests for us: one thing at a time, answered to a secret address of ours, once."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_noop

from rasax.accounts.jobs import UNENDED, Failed, Job, Waits
from rasax.accounts.models import AuditEntry
from rasax.accounts.sweeping import chore
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.rasa import Rasa
from rasax.deployment.servers import RasaServer

if TYPE_CHECKING:
    from rasax.accounts.models import User

JUDGE = "deployment.judge"
COUNTED = ("deployment.train", JUDGE)  # Rasa's status counts trainings, and no evaluations
IDLE_FOR = timedelta(seconds=60)  # Rasa counts no training while it sends a model; so long may that take to begin
DOWN_FOR = timedelta(minutes=2)

NO_WORKER = gettext_noop("There is no worker server. Add a Rasa server and say that it is a worker.")
NO_ADDRESS = gettext_noop("RASAX_URL is not set, so Rasa could not send its answer. An operator sets it.")
GONE = gettext_noop("The server was removed meanwhile. Start it again.")
TOO_LONG = gettext_noop("Rasa did not answer within the time that an operator set (TRAINING_TIMEOUT). See its log.")
FORGOTTEN = gettext_noop(
    "Rasa does not train any more, and sent nothing. It was restarted, or could not reach rasax at RASAX_URL; its log "
    "says more."
)
DOWN = gettext_noop("Rasa has not answered for two minutes, so its work is lost. See that it runs, then start again.")
BROKE_OFF = gettext_noop("What Rasa sent broke off. Start it again.")


class NoWorker(Exception):
    """There is no server that could train."""


class WorkerTaskQuerySet(models.QuerySet["WorkerTask"]):
    @transaction.atomic
    def ask(self, kind: str, by: User | None, /, **arguments: Any) -> WorkerTask:
        """Begins it, or puts it in line behind what the server does now. Raises NoWorker, PermissionDenied."""
        server = RasaServer.objects.worker()
        if server is None:
            raise NoWorker
        job = Job.objects.hold(kind, by, **arguments)
        task = self.create(job=job, server=server)
        AuditEntry.objects.note(by, "started", [job], kind=kind, server=server.name, **arguments)
        self.advance(server)
        return task

    @transaction.atomic
    def advance(self, server: RasaServer) -> None:
        """Has the first in line begin, if the server is free; who holds the server's row decides."""
        server = RasaServer.objects.select_for_update().get(pk=server.pk)
        tasks = self.filter(server=server)
        if server.n_training_jobs or tasks.filter(job__state__in=UNENDED, has_turn=True).exists():
            return
        in_line = tasks.filter(has_turn=False, job__state=Job.State.WAITING).order_by("job__queued_at", "pk")
        if first := in_line.first():
            self.filter(pk=first.pk).update(has_turn=True)
            Job.objects.wake(first.job_id)

    def claim(self, pk: uuid.UUID, secret: str) -> WorkerTask | None:
        """The task, whose answer the caller alone takes in; None if the secret is used or old. Raises DoesNotExist."""
        known = self.filter(pk=pk, secret_hash=_hash(secret)).exclude(secret_hash="")
        known.get()
        open_jobs = Job.objects.filter(state__in=(Job.State.RUNNING, Job.State.WAITING))
        valid = known.filter(heard_at=None, expires_at__gt=timezone.now(), job__in=open_jobs)
        return known.get() if valid.update(heard_at=timezone.now()) else None

    def elsewhere(self) -> WorkerTaskQuerySet:
        """What Rasa is at, or would be, were its server still there."""
        waiting = self.filter(job__state=Job.State.WAITING, heard_at=None)
        return waiting.filter(Q(server=None) | Q(posted_at__isnull=False))


class WorkerTask(models.Model):
    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="task")
    server = models.ForeignKey(RasaServer, on_delete=models.SET_NULL, null=True, related_name="tasks")
    has_turn = models.BooleanField(default=False, help_text="It is no longer in line")
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, help_text="The secret counts until then")
    posted_at = models.DateTimeField(null=True, help_text="When Rasa took it")
    heard_at = models.DateTimeField(null=True, help_text="When Rasa began to answer; the secret is used up then")
    idle_since = models.DateTimeField(null=True, help_text="Since then the server has said that it trains nothing")

    objects = WorkerTaskQuerySet.as_manager()

    class Meta:
        verbose_name = "task of a worker"

    def __str__(self) -> str:
        return f"{self.job_id} at {self.server}"

    def rasa(self) -> Rasa:
        if self.server is None:
            raise Failed(GONE)
        return self.server.rasa()

    def hand_over(self, post: Callable[[Rasa, str], object], *, counted: bool) -> None:
        """Posts to Rasa with a callback, and lets the job wait; always raises. Where an earlier worker died on the
        way, Rasa is asked whether it is at it, if it counts such work."""
        with self.rasa() as rasa:
            is_at_it = (
                bool(self.secret_hash) and counted and bool(self.job.beside(rasa.status).num_active_training_jobs)
            )
            if not is_at_it:
                address = self._new_address()
                self.job.beside(lambda: post(rasa, address))
                self.job.note(f"Handed to {self.server}.")
        WorkerTask.objects.filter(pk=self.pk).update(posted_at=timezone.now())
        raise Waits

    def _new_address(self) -> str:
        """Where Rasa posts its answer; only its hash is kept."""
        if not settings.RASAX_URL:
            raise Failed(NO_ADDRESS)
        secret = secrets.token_urlsafe(32)
        self.secret_hash, self.expires_at = _hash(secret), timezone.now() + timedelta(seconds=settings.TRAINING_TIMEOUT)
        self.save(update_fields=["secret_hash", "expires_at"])
        return settings.RASAX_URL.rstrip("/") + reverse("rasa_callback", args=[self.pk, secret])

    def problem(self, now: datetime) -> str:
        """Why there is nothing to wait for any more, by what the server said when it was last asked."""
        server = self.server
        if server is None:
            return GONE
        if self.expires_at and self.expires_at < now:
            return TOO_LONG
        if server.reason == Reason.UNREACHABLE and server.failing_since and server.failing_since < now - DOWN_FOR:
            return DOWN
        return FORGOTTEN if self.idle_since and self.idle_since < now - IDLE_FOR else ""

    def note_idleness(self) -> None:
        server, before = self.server, self.idle_since
        if server and server.answered_at and self.posted_at and server.answered_at > self.posted_at:
            self.idle_since = None if server.n_training_jobs else before or timezone.now()
        if self.idle_since != before:
            WorkerTask.objects.filter(pk=self.pk).update(idle_since=self.idle_since)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def fail_as_rasa_says(job: Job, error: RasaError) -> Failed:
    """Why is kept apart from Rasa's own words, so that each reader gets the first in their language."""
    job.step(job.done, reason=error.reason, words=error.words)
    job.note(f"Rasa: {error.reason} {error.words}")
    return Failed("")


@chore
def look_after_worker_tasks() -> None:
    """Ends what waits in vain, and has the next begin where a server is free."""
    now = timezone.now()
    for task in WorkerTask.objects.elsewhere().select_related("server", "job"):
        if task.job.kind in COUNTED:
            task.note_idleness()
        if problem := task.problem(now):
            Job.objects.filter(pk=task.job_id, state=Job.State.WAITING).stop(Job.State.FAILED, problem)
    in_line = Q(tasks__has_turn=False, tasks__job__state=Job.State.WAITING)
    for server in RasaServer.objects.filter(in_line).distinct():
        WorkerTask.objects.advance(server)
