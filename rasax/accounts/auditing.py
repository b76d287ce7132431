"""The audit log as a page and as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from django.contrib.auth.decorators import permission_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date

from rasax.accounts.audited import words_of
from rasax.accounts.models import AuditEntry, User
from rasax.accounts.spreadsheets import csv_lines

PAGE = 50
LOOKED_AT = 2_000  # of the newest entries, for the choice of actions
can_view_audit = permission_required("accounts.view_auditentry", raise_exception=True)


@dataclass(frozen=True)
class Wanted:
    """Which entries the page's form asks for."""

    person: str = ""
    action: str = ""
    object: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Self:
        texts = {name: query.get(name, "").replace("\x00", "").strip()[:255] for name in ("person", "action", "object")}
        return cls(**texts, since=_day(query.get("since", "")), until=_day(query.get("until", "")))

    def __bool__(self) -> bool:
        return self != type(self)()

    def entries(self) -> QuerySet[AuditEntry]:
        found = AuditEntry.objects.order_by("-at", "-pk")
        if self.person:
            found = found.filter(_by(self.person))
        if self.action:
            found = found.filter(action=self.action)
        if self.object:
            found = found.filter(Q(object_id=self.object) | Q(object_name=self.object))
        if self.since:
            found = found.filter(at__gte=_midnight(self.since))
        if self.until:
            found = found.filter(at__lt=_midnight(self.until + timedelta(days=1)))
        return found


def _by(person: str) -> Q:
    """Found by the person's key, which has an index; by the name alone where that person is gone."""
    known = User.objects.filter(username=person).values_list("pk", flat=True).first()
    return Q(user=known) if known else Q(username=person)


def _day(written: str) -> date | None:
    try:
        return parse_date(written)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@can_view_audit
def audit(request: HttpRequest) -> HttpResponse:
    wanted = Wanted.read(request.GET)
    entries = _before(wanted.entries(), request.GET.get("before", ""))
    rows = list(entries[: PAGE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    context = {
        "entries": [(row, words_of(row.action), _detail(row)) for row in rows[:PAGE]],
        "wanted": wanted,
        "actions": [(action, words_of(action)) for action in _actions()],
        "query": query.urlencode(),
        "next": f"{last.at.isoformat()},{last.pk}" if last else "",
        "before": request.GET.get("before", ""),
    }
    return render(request, "settings/audit.html", context)


def _before(entries: QuerySet[AuditEntry], position: str) -> QuerySet[AuditEntry]:
    moment, _, pk = position.partition(",")
    try:
        at, key = datetime.fromisoformat(moment), int(pk)
    except ValueError:
        return entries
    if at.tzinfo is None or not 0 < key < 2**63:
        return entries
    return entries.filter(Q(at__lt=at) | Q(at=at, pk__lt=key), at__lte=at)


def _actions() -> list[str]:
    newest = AuditEntry.objects.order_by("-at", "-pk").values_list("action", flat=True)[:LOOKED_AT]
    return sorted(set(newest))


def _detail(entry: AuditEntry) -> str:
    return ", ".join(f"{name}: {_value(value)}" for name, value in entry.detail.items())


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@can_view_audit
def audit_file(request: HttpRequest) -> StreamingHttpResponse:
    """What the form asks for, as CSV, newest first."""
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    lines = csv_lines(_table(Wanted.read(request.GET).entries()))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _table(entries: QuerySet[AuditEntry]) -> Iterator[list[str]]:
    yield ["at", "person", "action", "object_type", "object_id", "object_name", "detail"]
    for entry in entries.iterator():
        detail = json.dumps(entry.detail, ensure_ascii=False)
        names = (entry.username, entry.action, entry.object_type, entry.object_id, entry.object_name)
        yield [entry.at.isoformat(), *names, detail]
