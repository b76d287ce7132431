"""The audit log, and jobs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from events.models import moment
from rasax.accounts.api.errors import Conflict
from rasax.accounts.api.fields import Seconds, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import AT_LEAST, HEADERS, Numbered, Paged, newest_first, paged
from rasax.accounts.models import AuditEntry, Job


class AuditQuery(Numbered):
    user = Text(required=False, max_length=150, help_text="Who did it, by name")
    action = Text(required=False, max_length=64)
    object_type = Text(required=False, max_length=100, help_text="Such as events.conversation")
    object_id = Text(required=False, max_length=64)
    since = Seconds(required=False)


class Entry(serializers.ModelSerializer[AuditEntry]):
    user = serializers.CharField(source="username", help_text="By name, which stays when the person is deleted")
    detail = serializers.DictField(child=serializers.JSONField())

    class Meta:
        model = AuditEntry
        fields = ["id", "at", "user", "action", "object_type", "object_id", "object_name", "detail"]


class Audit(Endpoint):
    @operation(Entry(many=True), needs=("accounts.view_auditentry",), query=AuditQuery, headers=(*HEADERS, AT_LEAST))
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Who did what, newest first."""
        columns = {"user": "username", "action": "action", "object_type": "object_type", "object_id": "object_id"}
        rows = AuditEntry.objects.filter(**{column: query[name] for name, column in columns.items() if name in query})
        if "since" in query:
            rows = rows.filter(at__gte=moment(query["since"]))
        return newest_first(request, rows, query, lambda entry: Entry(entry).data)


class JobState(serializers.ModelSerializer[Job]):
    by = serializers.CharField(source="by.username", allow_null=True, default=None)
    message = serializers.CharField(source="line", help_text="What it does or did")
    total = serializers.IntegerField(allow_null=True)
    can_be_undone = serializers.BooleanField()

    class Meta:
        model = Job
        fields = [
            "id", "kind", "by", "state", "done", "total", "message", "can_be_undone",
            "queued_at", "started_at", "ended_at", "undone_at",
        ]  # fmt: skip


class Jobs(Endpoint):
    @operation(JobState(many=True), query=Paged, headers=HEADERS[:1])
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Your jobs, newest first."""
        mine = Job.objects.filter(by=person(request)).select_related("by").order_by("-queued_at")
        shown = mine[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, JobState(shown, many=True).data, total=mine.count())


class OneJob(Endpoint):
    @operation(JobState)
    def get(self, request: Request, job: UUID) -> Response:
        """How far a job is."""
        return Response(JobState(_job(request, job)).data)


class CancelJob(Endpoint):
    @operation(JobState, errors=(409,))
    def post(self, request: Request, job: UUID) -> Response:
        """Cancel a job. What it did until then stays."""
        if not _job(request, job).cancel():
            raise Conflict("It has ended already.")
        return Response(JobState(_job(request, job)).data)


class UndoJob(Endpoint):
    @operation(JobState, status=202, errors=(409,))
    def post(self, request: Request, job: UUID) -> Response:
        """Undo what a job did, by another job, which is the answer."""
        undoing = _job(request, job).undo(person(request))
        if undoing is None:
            raise Conflict("There is nothing to undo, or somebody did.")
        return Response(JobState(undoing).data, status=202)


def _job(request: Request, pk: UUID) -> Job:
    return get_object_or_404(Job.objects.visible_to(person(request)).select_related("by"), pk=pk)
