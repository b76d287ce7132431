"""NLU examples: read, searched, added one by one and many at once, changed, removed; all of them as Rasa's YAML."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Strict, Text, Whole
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import HEADERS, Numbered, newest_first
from rasax.training import intents, texts
from rasax.training.api.asking import YAML_PARSERS, failure_of, known
from rasax.training.exporting import nlu_text
from rasax.training.files import Example
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import NO_PATH
from rasax.training.intents import NewExample
from rasax.training.projects import Project

VIEW, CHANGE = ("accounts.view_nlu_data",), ("accounts.view_nlu_data", "accounts.change_nlu_data")
LENGTH = 4_000
MOST = 10_000
NLU = "data/nlu.yml"
YAML = {"application/yaml": OpenApiTypes.OBJECT}  # as it is read


class EntityItem(Strict):
    start = Whole(min_value=0, help_text="Code points of the text before it")
    end = Whole(min_value=0, help_text="Code points of the text to its end")
    entity = Text(help_text="Its name")
    value = Text(required=False, help_text="What it stands for, where that is not what the text says")
    role = Text(required=False)
    group = Text(required=False)


class ExampleToAdd(Strict):
    text = Text(max_length=LENGTH, trim_whitespace=False)
    intent = Text(help_text="With its response key, as faq/opening_hours. A new one is made")
    entities = EntityItem(many=True, default=())


ExamplesToAdd: Any = partial(ExampleToAdd, many=True, max_length=MOST)  # type: ignore[call-arg]


class ExampleItem(serializers.Serializer[Example]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    intent = serializers.CharField()
    entities = EntityItem(many=True)
    hash = serializers.CharField(help_text="The same for equal texts, white space apart")


class ExampleQuery(Numbered):
    q = Text(required=False, max_length=200, help_text="Words that the text holds")
    intent = Text(required=False, help_text="Of this intent alone")


class AddedItem(serializers.Serializer[Any]):
    added = serializers.IntegerField(help_text="Examples that were not there")


class FileQuery(Strict):
    filename = Text(default=NLU, help_text="Of the project")


def item(example: Example) -> dict[str, Any]:
    digest = f"{example.digest % 2**64:016x}"
    shown = {"id": example.pk, "text": example.text, "intent": example.intent, "hash": digest}
    return {**shown, "entities": example.entities}


class Examples(Endpoint):
    @operation(ExampleItem(many=True), needs=VIEW, query=ExampleQuery, headers=HEADERS)
    def get(self, request: Request, project: str, query: dict[str, Any]) -> Response:
        """NLU examples, newest first."""
        known(project)
        found = Example.objects.all()
        if "intent" in query:
            found = found.filter(intent=query["intent"])
        if "q" in query:
            found = found.filter(text__icontains=query["q"])
        return newest_first(request, found, query, item)

    @operation(ExampleItem, needs=CHANGE, body=ExampleToAdd, status=201, errors=(409, 422), others={200: ExampleItem})
    def post(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Add an example: 201, or 200 where its intent has it already."""
        known(project)
        there = _like(body)
        if there is None:
            _add(request, body["intent"], [body])
        found = there or _like(body)
        return Response(item(found or Example()), status=201 if there is None else 200)

    @extend_schema(operation_id="projects_data_add_many")
    @operation(AddedItem, needs=CHANGE, body=ExamplesToAdd, errors=(409, 422))
    def put(self, request: Request, project: str, body: Sequence[dict[str, Any]]) -> Response:
        """Add many examples at once. Those that are there already are left out, and no other is changed."""
        known(project)
        before = Example.objects.count()
        by_intent: dict[str, list[dict[str, Any]]] = {}
        for each in body:
            by_intent.setdefault(each["intent"], []).append(each)
        with Project.objects.default().held():
            for intent, some in by_intent.items():
                _add(request, intent, some)
        return Response({"added": Example.objects.count() - before})


class TrainingExamples(Endpoint):
    post = Examples.post


def _like(body: dict[str, Any]) -> Example | None:
    digest = texts.digest(body["text"])
    return Example.objects.filter(digest=digest, intent=body["intent"]).order_by("-pk").first()


def _add(request: Request, intent: str, bodies: Sequence[dict[str, Any]]) -> None:
    try:
        intents.add_examples(intent, [NewExample(each["text"], each["entities"]) for each in bodies], person(request))
    except Refused as refused:
        raise failure_of(refused) from refused


class OneExample(Endpoint):
    @operation(ExampleItem, needs=VIEW)
    def get(self, request: Request, project: str, pk: int) -> Response:
        """An example."""
        return Response(item(_find(project, pk)))

    @operation(ExampleItem, needs=CHANGE, body=ExampleToAdd, errors=(409, 422))
    def put(self, request: Request, project: str, pk: int, body: dict[str, Any]) -> Response:
        """Change an example: its text, its entities, its intent. In another place of its file it has another id."""
        found = _find(project, pk)
        try:
            with Project.objects.default().held():
                return Response(item(_change(found, body, request)))
        except Refused as refused:
            raise failure_of(refused) from refused

    @operation(None, needs=CHANGE, status=204, errors=(409, 422))
    def delete(self, request: Request, project: str, pk: int) -> Response:
        """Remove an example."""
        found = _find(project, pk)
        try:
            intents.remove_examples([found], person(request))
        except Refused as refused:
            raise failure_of(refused) from refused
        return Response(status=204)


def _find(project: str, pk: int) -> Example:
    known(project)
    return get_object_or_404(Example, pk=pk)


def _change(found: Example, body: dict[str, Any], request: Request) -> Example:
    intents.change_example(found, body["text"], body["entities"], person(request))
    found = Example.objects.get(pk=found.pk)
    if body["intent"] == found.intent:
        return found
    intents.move_examples([found], body["intent"], person(request))
    return _like(body) or found


class NluFile(Endpoint):
    parser_classes = [*YAML_PARSERS]

    @operation(YAML, needs=VIEW)
    def get(self, request: Request, project: str) -> HttpResponse:
        """All NLU data as one file of Rasa's YAML: intents, synonyms, regexes, lookup tables."""
        known(project)
        return HttpResponse(nlu_text(), content_type="application/yaml; charset=utf-8")

    @extend_schema(request=YAML)
    @operation(AddedItem, needs=CHANGE, query=FileQuery, errors=(409, 413, 415, 422))
    def put(self, request: Request, project: str, query: dict[str, Any]) -> Response:
        """Put Rasa's YAML in the place of one file of the project, or beside the others."""
        known(project)
        try:
            return Response({"added": _take(request, query["filename"])})
        except Refused as refused:
            raise failure_of(refused) from refused


def _take(request: Request, path: str) -> int:
    """Raises Refused also where it could not be read: what a script sends is not kept for somebody to mend."""
    project, before = Project.objects.default(), Example.objects.count()
    files = {path: str(request.data)}
    plan = project.plan(files)
    for diff in plan.diffs:
        if diff.fault:
            raise Refused(diff.fault["message"], diff.fault["words"], path, diff.fault["line"])
    if plan.left_out:
        raise Refused(NO_PATH, path)
    project.take(files, person(request), token=plan.token)
    return max(Example.objects.count() - before, 0)
