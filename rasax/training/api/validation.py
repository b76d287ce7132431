"""What is wrong with the training data, for tools."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.operations import Endpoint, operation
from rasax.training.access import VIEW, VIEW_STORIES
from rasax.training.contradictions import contradictions
from rasax.training.findings import DOMAIN, KINDS
from rasax.training.projects import Project
from rasax.training.validation import DataWarning, warnings


class WarningItem(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    area = serializers.ChoiceField(choices=["files", "domain", "stories", "nlu"])
    is_serious = serializers.BooleanField(help_text="Training fails, or part of the data is left out")
    message = serializers.CharField(help_text="What is wrong")
    advice = serializers.CharField(help_text="What to do")
    words = serializers.CharField(help_text="The names or the text that it is about")
    path = serializers.CharField(help_text="The file; may be empty")
    line = serializers.IntegerField(help_text="From 1; 0 is unknown")
    block = serializers.IntegerField(allow_null=True)


class Warnings(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    stories_are_checked = serializers.BooleanField(
        help_text="False where the stories were not compared with each other since the data changed: ask on the page"
    )
    warnings = WarningItem(many=True)


class DataWarnings(Endpoint):
    @operation(Warnings, needs=(VIEW, VIEW_STORIES))
    def get(self, request: Request, project: str) -> Response:
        """What is wrong with files, examples and stories; of each kind at most 1,000."""
        return Response(_told(project, lambda each: each.area != DOMAIN))


class DomainWarnings(Endpoint):
    @operation(Warnings, needs=(VIEW, VIEW_STORIES))
    def get(self, request: Request, project: str) -> Response:
        """What is used but not declared in the domain, and the reverse; of each kind at most 1,000."""
        return Response(_told(project, lambda each: each.area == DOMAIN))


def _told(name: str, wanted: Any) -> dict[str, Any]:
    if name != "default":
        raise Http404("There is one project: default.")
    project = Project.objects.default()
    of_stories = contradictions(project)
    found = [_item(each) for each in [*warnings(project), *(of_stories or ())] if wanted(each)]
    return {"count": len(found), "stories_are_checked": of_stories is not None, "warnings": found}


def _item(warning: DataWarning) -> dict[str, Any]:
    return {
        "kind": warning.kind,
        "area": warning.area,
        "is_serious": KINDS[warning.kind].serious,
        "message": _(warning.message),
        "advice": _(warning.advice),
        "words": warning.words,
        "path": warning.path,
        "line": warning.line,
        "block": warning.block_id,
    }
