"""Deletion for good: by person, and by age."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext_noop

from events.models import Conversation, RejectedMessage
from events.partitions.clearing import clear, mark
from events.partitions.months import Month
from events.querysets import ConversationQuerySet
from rasax.accounts.jobs import UNENDED
from rasax.accounts.models import AuditEntry, Job, JobFile, User
from rasax.accounts.sweeping import chore
from rasax.conversations.mentions import LONG_ENOUGH, Mentions

AT_ONCE = 500  # conversations in one transaction
EXPORT = "conversations.export"
STOPPED = gettext_noop("Somebody's conversation was deleted for good meanwhile. Start the export again.")
DELETED = gettext_noop("Its file is gone: somebody's conversation was deleted for good since. Start the export again.")
SENDER_ID = re.compile(rb'"sender_id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)')


def forget(conversations: ConversationQuerySet, by: User | None, leaving: Sequence[Month] = (), **why: str) -> int:
    """Deletes these conversations and whatever else is kept of who held them; returns how many there were.

    Gone are their events, tags, notes and all that hangs on them, rejected messages that name them, every export that
    is still kept, and filters that name them, wherever somebody kept these. The audit log says that something was
    deleted, and no longer what it was called. What the event broker or an import brings of them again is refused;
    what they say from now on is kept. Of the months that are left, the caller clears the events.
    """
    pks = list(conversations.order_by("pk").values_list("pk", flat=True))
    parts = (pks[start : start + AT_ONCE] for start in range(0, len(pks), AT_ONCE))
    return sum(_forget(conversations.filter(pk__in=part), by, why, leaving) for part in parts)


@transaction.atomic
def _forget(conversations: ConversationQuerySet, by: User | None, why: dict[str, str], leaving: Sequence[Month]) -> int:
    # Asked again under the lock: who said something meanwhile may not be due any more.
    found = list(conversations.order_by("key").select_for_update())
    targets = Conversation.objects.filter(pk__in=[each.pk for each in found])
    AuditEntry.objects.note(by, "forgot", found, **why)
    AuditEntry.objects.forget(Conversation, [each.pk for each in found])
    _forget_rejected({each.sender_id for each in found})
    mentions = Mentions.of(found, by)
    number = targets.forget(timezone.now().timestamp(), leaving)
    _forget_exports()
    mentions.clean(by)
    return number


def _forget_exports() -> None:
    """All of them, since they may hold anybody; those that are being written begin again."""
    exports = Job.objects.filter(kind=EXPORT)
    exports.filter(state__in=UNENDED).stop(Job.State.FAILED, STOPPED)
    exports.filter(parts__isnull=False).update(result={}, message=DELETED)
    JobFile.objects.filter(job__kind=EXPORT).delete()


def _forget_rejected(sender_ids: set[str]) -> None:
    rows = RejectedMessage.objects.order_by().values_list("pk", "body")
    named = [pk for pk, body in rows.iterator() if _names(bytes(body), sender_ids)]
    RejectedMessage.objects.filter(pk__in=named).delete()


def _names(body: bytes, sender_ids: set[str]) -> bool:
    """Whether a message that is no event names one of them: as its sender, or, where it has none, anywhere."""
    senders = [_read(written) for written in SENDER_ID.findall(body)]
    if senders:
        return not sender_ids.isdisjoint(senders)
    return any(written in body for sender in sender_ids if len(sender) >= LONG_ENOUGH for written in _forms(sender))


def _read(written: bytes) -> str:
    try:
        return str(json.loads(written))
    except ValueError:
        return ""


def _forms(sender_id: str) -> Iterable[bytes]:
    """As JSON writes it, with the quotes off: Rasa escapes what is not ASCII, others may not."""
    return {json.dumps(sender_id, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (True, False)}


class RetentionQuerySet(models.QuerySet["Retention"]):
    def current(self) -> Retention:
        return self.select_related("by").first() or Retention()

    @transaction.atomic
    def set(self, days: int | None, by: User | None) -> Retention:
        """From now on, deletes conversations that had no event for so many days; None keeps all."""
        kept = self.select_for_update().first() or Retention()
        before, kept.days, kept.by = kept.days, days, by
        kept.save()
        AuditEntry.objects.note(by, "set the retention", [kept], before=before, after=days)
        return kept

    def due(self, days: int | None = None) -> ConversationQuerySet:
        """What would be deleted now: by these days, or by those that are set."""
        days = days or self.current().days
        if not days:
            return Conversation.objects.none()
        return Conversation.objects.filter(latest_event_time__lt=_oldest(days))

    def enforce(self) -> int:
        """Deletes what is due; returns how much that was. Where events are kept apart by month, those of whole months
        go with their tables, at the end."""
        self.update(last_run_at=timezone.now())
        due, days = self.due(), self.current().days
        began = due.order_by().aggregate(began=Min("first_event_time"))["began"]
        months = mark(_oldest(days), since=began) if days and began is not None else []
        number = forget(due, None, months, why="retention")
        clear(months)
        return number


def _oldest(days: int) -> float:
    """Seconds since 1970: whose latest event is older is due."""
    oldest = (timezone.now() - timedelta(days=days)).timestamp()
    return Month.of(oldest).start if settings.RETENTION_BY_MONTH else oldest


class Retention(models.Model):
    """One row: after how many days without an event a conversation is deleted; none keeps them for ever."""

    days = models.PositiveIntegerField(null=True, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)
    last_run_at = models.DateTimeField(null=True)

    objects = RetentionQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "retention"

    def __str__(self) -> str:
        return f"{self.days} days" if self.days else "for ever"


@chore
def enforce_retention_daily() -> None:
    # Also where conversations are kept for ever by now: a run that was killed before may have left something to clear.
    yesterday = timezone.now() - timedelta(days=1)
    due = Retention.objects.exclude(last_run_at__gt=yesterday)
    if due.update(last_run_at=timezone.now()):  # of many workers one does it
        Retention.objects.enforce()
