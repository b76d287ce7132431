"""The whole project at once: all its files as they are, and any number of them taken in together, or none."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Flag, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.training.api.asking import failure_of, known
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_PATH
from rasax.training.projects import Project

SEE = ("accounts.view_nlu_data", "accounts.view_stories", "accounts.view_responses")
CHANGE = (*SEE, "accounts.change_nlu_data", "accounts.change_stories", "accounts.change_responses")
MOST = 20_000


class FileOfProject(Strict):
    filename = Text(max_length=500, help_text="Relative to the project, as data/nlu.yml")
    text = Text(max_length=None, trim_whitespace=False, allow_blank=True, help_text="YAML, byte for byte")


class FilesToTake(Strict):
    files = FileOfProject(many=True)
    replace = Flag(default=False, help_text="Remove the files that are not among these")


class TakenFiles(serializers.Serializer[Any]):
    changed = serializers.ListField(child=serializers.CharField(), help_text="Files that differed")


class ProjectFiles(Endpoint):
    @operation(FileOfProject(many=True), needs=SEE)
    def get(self, request: Request, project: str) -> Response:
        """All training data: every file, byte for byte."""
        known(project)
        files = Project.objects.default().files()
        return Response([{"filename": path, "text": text} for path, text in files.items()])

    @operation(TakenFiles, needs=CHANGE, body=FilesToTake, errors=(409, 422))
    def put(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Take in files: all, or none where one cannot be read. Others stay, unless `replace` says otherwise."""
        known(project)
        try:
            return Response({"changed": _taken(request, body)})
        except Refused as refused:
            raise failure_of(refused) from refused


def _taken(request: Request, body: dict[str, Any]) -> list[str]:
    """What a script sends is not kept for somebody to mend, so a fault is raised. Raises Refused."""
    project, files = Project.objects.default(), {each["filename"]: each["text"] for each in body["files"]}
    plan = project.plan(files, replace=body["replace"])
    for diff in plan.diffs:
        if diff.fault:
            raise Refused(diff.fault["message"], diff.fault.get("words", ""), diff.path, diff.fault.get("line", 0))
    if plan.left_out:
        raise Refused(NO_PATH, plan.left_out[0])
    project.take(files, person(request), replace=body["replace"], token=plan.token)
    return [diff.path for diff in plan.diffs]
