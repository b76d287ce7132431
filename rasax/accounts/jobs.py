"""What people ask for that takes longer than a page may: bulk changes, exports, training.

The row is the truth. A message to the worker carries only its id, and may be lost or come twice: who wants to run a
job claims its row. A claim is a lease, which every step renews; `sweep` queues again what was lost on the way.

A job whose work goes on in another server waits: no worker holds it, and no lease runs out. What runs it raises Waits;
later somebody wakes it, goes on with it, or ends it.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, models, transaction
from django.db.models import Count, F, Min, Value
from django.db.models.functions import Coalesce, Concat
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from events import live
from events.monitoring import metrics

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from rasax.accounts.models import User

LEASE = timedelta(seconds=30)  # without a step for so long, the worker is believed dead
SEND_AGAIN = timedelta(seconds=60)  # for so long a message may wait before it is believed lost
ATTEMPTS = 3
KEPT = timedelta(days=7)
SAVE_EVERY = 0.3  # seconds
LOOK_EVERY = 2.0  # seconds between two renewals of the lease beside something long
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Cancelled(Exception):
    """The job was cancelled, or another worker took it over: nothing more of it may be done here."""


class Waits(Exception):
    """Its work goes on elsewhere; until somebody takes the job up again, it is nobody's."""


class Failed(Exception):
    """Ends a job; says why, and what to do, to the person who asked for it."""


@dataclass(frozen=True)
class Kind:
    """`needs` is the permission without which nobody has such a job run; `says` is what it does or did, for people."""

    run: Callable[[Job], None]
    needs: str
    says: Callable[[Job], str]
    undone_by: str
    kept: timedelta


KINDS: dict[str, Kind] = {}
PAGES: dict[str, Callable[[Job], str]] = {}  # of a kind, on which its person goes on once there is something to see
NOBODYS: dict[str, _StrPromise] = {}  # kinds that rasax itself asks for, and what stands there instead of a person
UNENDED = ("queued", "running", "waiting")

NOT_ALLOWED = gettext_noop("You may no longer do this. Ask an administrator for the permission, then start it again.")
BROKEN = gettext_noop("It stopped because of an error in rasax. Try again; if it stops again, tell your administrator.")
LOST = gettext_noop("It was begun three times, and each time its worker died. Tell your administrator.")


def runs(
    kind: str,
    *,
    needs: str = "",
    says: Callable[[Job], str] | None = None,
    undone_by: str = "",
    kept: timedelta = KEPT,
) -> Callable[[Callable[[Job], None]], Callable[[Job], None]]:
    """Registers what runs jobs of this kind. It may be called again after a crash, and goes on where it was."""

    def register(run: Callable[[Job], None]) -> Callable[[Job], None]:
        KINDS[kind] = Kind(run, needs, says or (lambda job: ""), undone_by, kept)
        return run

    return register


class JobQuerySet(models.QuerySet["Job"]):
    def ask(self, kind: str, by: User | None, /, at_once: bool = False, **arguments: Any) -> Job:
        """A job that a worker runs soon, or this thread `at_once`. Raises PermissionDenied."""
        if not may_ask(by, kind):
            raise PermissionDenied
        job = self.create(kind=kind, by=by, arguments=arguments, lease_until=timezone.now() + SEND_AGAIN)
        if at_once:
            self.run(job.pk)
            job.refresh_from_db()
            return job
        live.announce({job.topic})
        transaction.on_commit(partial(send, job.pk))
        return job

    def hold(self, kind: str, by: User | None, /, **arguments: Any) -> Job:
        """A job that waits until somebody wakes it. Raises PermissionDenied."""
        if not may_ask(by, kind):
            raise PermissionDenied
        job = self.create(kind=kind, by=by, arguments=arguments, state=Job.State.WAITING)
        live.announce({job.topic})
        return job

    def wake(self, pk: uuid.UUID | str) -> bool:
        """Has a worker run a job that waits; False if it does not wait."""
        waiting = self.filter(pk=pk, state=Job.State.WAITING)
        if not waiting.update(state=Job.State.QUEUED, lease_until=timezone.now() + SEND_AGAIN):
            return False
        live.announce({f"job:{pk}"})
        transaction.on_commit(partial(send, uuid.UUID(str(pk))))
        return True

    def run(self, pk: uuid.UUID | str) -> None:
        """Runs the job, unless it is done or somebody else is at it."""
        if self._claim(pk, Job.State.QUEUED):
            self.select_related("by").get(pk=pk).run()

    def go_on(self, pk: uuid.UUID | str, do: Callable[[Job], None]) -> bool:
        """Goes on, in this thread, with a job that waits, or whose worker is just about to let it wait."""
        claimed = self._claim(pk, Job.State.WAITING, Job.State.RUNNING)
        if claimed:
            self.select_related("by").get(pk=pk).run(do)
        return claimed

    def _claim(self, pk: uuid.UUID | str, *states: str) -> bool:
        now = timezone.now()
        return bool(
            self.filter(pk=pk, state__in=states).update(
                state=Job.State.RUNNING,
                lease_until=now + LEASE,
                started_at=Coalesce(F("started_at"), now),
                attempts=F("attempts") + 1,
            )
        )

    @transaction.atomic
    def stop(self, state: str, message: str = "") -> int:
        """Ends these jobs, wherever they run; returns how many."""
        pks = list(self.select_for_update().values_list("pk", flat=True))
        live.announce({f"job:{pk}" for pk in pks})
        ended = self.filter(pk__in=pks)
        return ended.update(state=state, message=message, ended_at=timezone.now(), lease_until=None)

    def visible_to(self, user: User) -> JobQuerySet:
        return self.all() if user.has_perm("accounts.view_auditentry") else self.filter(by=user)

    def sweep(self) -> None:
        """Queues again what lost its message or its worker, gives up what did so too often, deletes what is old."""
        now = timezone.now()
        lost = self.filter(state=Job.State.RUNNING, lease_until__lt=now)
        lost.filter(attempts__gte=ATTEMPTS).stop(Job.State.FAILED, LOST)
        lost.filter(attempts__lt=ATTEMPTS).update(state=Job.State.QUEUED, lease_until=now)
        waiting = self.filter(state=Job.State.QUEUED, lease_until__lte=now)
        for pk in list(waiting.values_list("pk", flat=True)):
            if waiting.filter(pk=pk).update(lease_until=now + SEND_AGAIN):
                send(pk)
        self.filter(ended_at__lt=now - KEPT).exclude(kind__in=KINDS).delete()
        for name, kind in KINDS.items():
            self.filter(kind=name, ended_at__lt=now - kind.kept).delete()

    def measure(self) -> None:
        """For the metrics, by state: how many there are, and how long the oldest that has not ended is there."""
        found = {row[0]: row[1:] for row in self._by_state()}
        for state in self.model.State.values:
            number, oldest = found.get(state, (0, None))
            metrics.JOBS.labels(state).set(number)
            if state in UNENDED:
                age = (timezone.now() - oldest).total_seconds() if oldest else 0
                metrics.OLDEST_JOB.labels(state).set(age)

    def _by_state(self) -> Iterable[tuple[str, int, datetime]]:
        counted = self.order_by().values("state").annotate(number=Count("pk"), oldest=Min("queued_at"))
        return counted.values_list("state", "number", "oldest")


class Job(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Waiting")
        RUNNING = "running", gettext_lazy("Running")
        WAITING = "waiting", gettext_lazy("Under way")
        DONE = "done", gettext_lazy("Done")
        FAILED = "failed", gettext_lazy("Failed")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs")
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    message = models.TextField(blank=True, help_text="What happened, for the person who asked for it")
    result = models.JSONField(default=dict)
    log = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, help_text="Until then the worker that runs it is believed alive")
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()
    _saved_at = 0.0

    class Meta:
        ordering = ["-queued_at"]
        indexes = [models.Index(fields=["state", "lease_until"], name="jobs_to_run")]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"

    @property
    def topic(self) -> str:
        return f"job:{self.pk}"

    @property
    def ended(self) -> bool:
        return self.state not in UNENDED

    @property
    def line(self) -> str:
        """What it does or did, in the language of who reads it."""
        said = KINDS[self.kind].says(self) if self.kind in KINDS else ""
        return " ".join(part for part in (said, self.message and _(self.message)) if part) or self.get_state_display()

    @property
    def who(self) -> str:
        return str(NOBODYS.get(self.kind, "") if self.by is None else self.by)

    @property
    def can_be_undone(self) -> bool:
        undone_by = KINDS[self.kind].undone_by if self.kind in KINDS else ""
        return bool(undone_by and self.ended and not self.undone_at and self.result.get("changed"))

    @property
    def file_name(self) -> str:
        return str(self.result.get("file", "")) if self.state == self.State.DONE else ""

    @property
    def leads_to(self) -> str:
        """The page on which to go on; empty as long as there is nothing to see."""
        return PAGES[self.kind](self) if self.kind in PAGES else ""

    def may_be_done_for(self, user: User | None) -> bool:
        return may_ask(user, self.kind)

    def step(self, done: int, total: int | None = None, /, **result: Any) -> None:
        """Says how far it is, and renews the lease; a result is saved each time, progress a few times a second.

        In a transaction it goes last: it raises Cancelled when what the transaction did must not be committed.
        """
        self.done, self.total = done, self.total if total is None else total
        self.result = {**self.result, **result}
        if result or monotonic() - self._saved_at > SAVE_EVERY:
            self._save(done=self.done, total=self.total, result=self.result, lease_until=timezone.now() + LEASE)
            self._saved_at = monotonic()

    def note(self, text: str) -> None:
        """Adds a line to the log."""
        line = f"{timezone.now():%Y-%m-%d %H:%M:%S} {text}\n"
        Job.objects.filter(pk=self.pk).update(log=Concat("log", Value(line)))

    def beside(self, work: Callable[[], T]) -> T:
        """What `work` returns, done by a thread of its own while the lease is renewed. `work` leaves the database
        alone, and may still be at it when Cancelled is raised."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="beside-a-job")
        try:
            future = pool.submit(work)
            while not wait([future], LOOK_EVERY).done:
                self._saved_at = 0.0
                self.step(self.done)
            return future.result()
        finally:
            pool.shutdown(wait=False)

    def run(self, do: Callable[[Job], None] | None = None) -> None:
        """Never raises: a job's own error must not end its worker."""
        try:
            if not self.may_be_done_for(self.by):
                raise Failed(NOT_ALLOWED)
            (do or KINDS[self.kind].run)(self)
            self._end(self.State.DONE)
        except Cancelled:
            pass
        except Waits:
            self._wait()
        except Failed as failure:
            self._fail(str(failure))
        except (OperationalError, InterfaceError):
            metrics.DATABASE_ERRORS.labels("job").inc()
            log.warning("a job waits for the database", job=self.pk, kind=self.kind, exc_info=True)
        except Exception as error:
            log.error("a job failed", job=self.pk, kind=self.kind, exc_info=error)
            self._fail(BROKEN, traceback.format_exc())

    def cancel(self) -> bool:
        """Before its next step; what it did until then stays. False if it had ended."""
        return bool(Job.objects.filter(pk=self.pk, state__in=UNENDED).stop(self.State.CANCELLED))

    @transaction.atomic
    def undo(self, by: User, /, at_once: bool = False) -> Job | None:
        """The job that undoes this one; None if there is nothing to undo, or somebody did."""
        free = Job.objects.filter(pk=self.pk, undone_at=None) if self.can_be_undone else Job.objects.none()
        if not free.update(undone_at=timezone.now()):
            return None
        return Job.objects.ask(KINDS[self.kind].undone_by, by, at_once=at_once, job=str(self.pk), kind=self.kind)

    def content(self) -> Iterator[bytes]:
        """What it made, part by part."""
        parts = self.parts.values_list("content", flat=True)
        for number in count():
            part = parts.filter(number=number).first()
            if part is None:
                return
            yield bytes(part)

    def _end(self, state: State, **columns: Any) -> None:
        columns |= {"done": self.done, "total": self.total, "result": self.result}
        now = timezone.now()
        self._save(state=state, ended_at=now, lease_until=None, **columns)
        metrics.JOB.labels(self.kind, state).observe((now - (self.started_at or now)).total_seconds())

    def _fail(self, message: str, trace: str = "") -> None:
        with suppress(Cancelled):
            self._end(self.State.FAILED, message=message, log=Concat("log", Value(trace)))

    def _wait(self) -> None:
        with suppress(Cancelled):
            self._save(state=self.State.WAITING, lease_until=None, result=self.result)

    def _save(self, **columns: Any) -> None:
        mine = Job.objects.filter(pk=self.pk, state=self.State.RUNNING, attempts=self.attempts)
        with transaction.atomic():
            if not mine.update(**columns):
                raise Cancelled
            live.announce({self.topic})


class JobFile(models.Model):
    """A part of what a job made, in order. In the database, because web and worker share nothing else, and because
    what is deleted for somebody's privacy must be gone from here in the same transaction."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="job_has_part_once")]

    def __str__(self) -> str:
        return f"{self.job_id} part {self.number}"


def may_ask(user: User | None, kind: str) -> bool:
    needs = KINDS[kind].needs
    if user is None:
        return kind in NOBODYS
    return user.is_active and (not needs or user.has_perm(needs))


def send(pk: uuid.UUID) -> None:
    """Tells the workers of a job. If their broker does not answer, `sweep` tells them later."""
    from rasax.accounts.tasks import run_job

    try:
        run_job.apply_async([str(pk)], retry=False)
    except Exception as error:  # noqa: BLE001 - whatever the broker's driver raises: the row is there
        log.warning("a job waits: the broker of jobs does not answer", job=pk, error=error)
