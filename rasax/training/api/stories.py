"""Stories and rules: read, searched, added, changed, removed; each as Rasa's YAML."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.errors import OfNoUse
from rasax.accounts.api.fields import Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import HEADERS, Numbered, newest_first
from rasax.training import stories
from rasax.training.api.asking import failure_of
from rasax.training.files import Block
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_PATH
from rasax.training.projects import Project
from rasax.training.rewriting import fitted
from rasax.training.story_pages import found_stories

VIEW, CHANGE = ("accounts.view_stories",), ("accounts.view_stories", "accounts.change_stories")


class StoryItem(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    story = serializers.CharField(help_text="YAML, as it stands in its file")
    filename = serializers.CharField()


class StoryQuery(Numbered):
    q = Text(required=False, max_length=200, help_text="A part of its name or its text")
    intent = Text(required=False, help_text="That it mentions")
    action = Text(required=False, help_text="That it mentions")


class StoryToKeep(Strict):
    story = Text(max_length=None, trim_whitespace=False, help_text="One item of YAML, or a file with one")


class StoriesToKeep(Strict):
    stories = Text(max_length=None, trim_whitespace=False, help_text="A whole file of YAML")
    filename = Text(required=False, help_text="Of the project; the file becomes this")


def item(block: Block) -> dict[str, Any]:
    return {"id": block.pk, "name": block.name, "story": block.text, "filename": block.file.path}


class Kept(Endpoint):
    """Stories, or rules."""

    kind: Any = "story"
    path = "data/stories.yml"

    def listed(self, request: Request, query: dict[str, Any]) -> Response:
        asked = {name: query.get(name, "") for name in ("q", "intent", "action")}
        return newest_first(request, found_stories(self.kind, asked).select_related("file"), query, item)

    def added(self, request: Request, body: dict[str, Any]) -> Response:
        try:
            block, is_new = stories.add_story(self.kind, body["story"], person(request))
        except Refused as refused:
            raise failure_of(refused) from refused
        return Response(item(block), status=201 if is_new else 200)

    def replaced(self, request: Request, body: dict[str, Any]) -> Response:
        path = body.get("filename", self.path)
        project = Project.objects.default()
        try:
            plan = project.plan({path: body["stories"]})
            fault = next((diff.fault for diff in plan.diffs if diff.fault), None)
            if fault:
                raise Refused(fault["message"], fault.get("words", ""), path, fault.get("line", 0))
            if plan.left_out:
                raise Refused(NO_PATH, path)
            project.take({path: body["stories"]}, person(request), verb="changed a file")
        except Refused as refused:
            raise failure_of(refused) from refused
        found = Block.objects.filter(kind=self.kind, file__path=path).select_related("file").order_by("position")
        return Response([item(block) for block in found])


class Stories(Kept):
    @operation(StoryItem(many=True), needs=VIEW, query=StoryQuery, headers=HEADERS)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Stories, newest first."""
        return self.listed(request, query)

    @operation(StoryItem, needs=CHANGE, body=StoryToKeep, status=201, errors=(409, 422), others={200: StoryItem})
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Add a story: 201, or 200 where one with the same steps is there."""
        return self.added(request, body)

    @extend_schema(operation_id="stories_say_file")
    @operation(StoryItem(many=True), needs=CHANGE, body=StoriesToKeep, errors=(409, 422))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Say a whole file of stories anew."""
        return self.replaced(request, body)


class Rules(Kept):
    kind, path = "rule", "data/rules.yml"

    @operation(StoryItem(many=True), needs=VIEW, query=StoryQuery, headers=HEADERS)
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Rules, newest first."""
        return self.listed(request, query)

    @operation(StoryItem, needs=CHANGE, body=StoryToKeep, status=201, errors=(409, 422), others={200: StoryItem})
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Add a rule: 201, or 200 where one with the same steps is there."""
        return self.added(request, body)

    @extend_schema(operation_id="rules_say_file")
    @operation(StoryItem(many=True), needs=CHANGE, body=StoriesToKeep, errors=(409, 422))
    def put(self, request: Request, body: dict[str, Any]) -> Response:
        """Say a whole file of rules anew."""
        return self.replaced(request, body)


class KeptOne(Endpoint):
    kinds = ["story", "test"]

    def find(self, pk: int) -> Block:
        return get_object_or_404(Block.objects.select_related("file"), pk=pk, kind__in=self.kinds)

    def changed(self, request: Request, pk: int, body: dict[str, Any]) -> Response:
        block = self.find(pk)
        try:
            stories.change_block(block, fitted(block, body["story"]), person(request))
        except Refused as refused:
            raise failure_of(refused) from refused
        there = Block.objects.select_related("file").filter(pk=pk).first()
        if there is None:
            raise OfNoUse("The text holds no story; DELETE removes one.")
        return Response(item(there))

    def removed(self, request: Request, pk: int) -> Response:
        try:
            stories.remove_block(self.find(pk), person(request))
        except Refused as refused:
            raise failure_of(refused) from refused
        return Response(status=204)


class OneStory(KeptOne):
    @operation(StoryItem, needs=CHANGE, body=StoryToKeep, errors=(409, 422))
    def put(self, request: Request, pk: int, body: dict[str, Any]) -> Response:
        """Change a story."""
        return self.changed(request, pk, body)

    @operation(None, needs=CHANGE, status=204, errors=(409, 422))
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a story."""
        return self.removed(request, pk)


class OneRule(KeptOne):
    kinds = ["rule"]

    @operation(StoryItem, needs=CHANGE, body=StoryToKeep, errors=(409, 422))
    def put(self, request: Request, pk: int, body: dict[str, Any]) -> Response:
        """Change a rule."""
        return self.changed(request, pk, body)

    @operation(None, needs=CHANGE, status=204, errors=(409, 422))
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a rule."""
        return self.removed(request, pk)
