"""The names that the training data knows, as Rasa X gave them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.operations import Endpoint, operation
from rasax.training.api.asking import known
from rasax.training.files import Mention
from rasax.training.intents import project_intents

VIEW = ("accounts.view_nlu_data",)


class IntentItem(serializers.Serializer[Any]):
    intent = serializers.CharField()
    n_examples = serializers.IntegerField()
    is_declared = serializers.BooleanField(help_text="In the domain")
    n_uses = serializers.IntegerField(help_text="Stories, rules, tests, forms and the like that name it")


class EntityName(serializers.Serializer[Any]):
    entity = serializers.CharField()


class ActionName(serializers.Serializer[Any]):
    name = serializers.CharField()


class Intents(Endpoint):
    @operation(IntentItem(many=True), needs=VIEW)
    def get(self, request: Request, project: str) -> Response:
        """The intents, by name."""
        known(project)
        rows = project_intents()
        return Response([
            {"intent": row.name, "n_examples": row.examples, "is_declared": row.declared, "n_uses": row.used}
            for row in rows
        ])  # fmt: skip


class Entities(Endpoint):
    @operation(EntityName(many=True), needs=VIEW)
    def get(self, request: Request, project: str) -> Response:
        """The entities, by name."""
        known(project)
        return Response([{"entity": name} for name in _names(Mention.Kind.ENTITY)])


class Actions(Endpoint):
    @operation(ActionName(many=True), needs=VIEW)
    def get(self, request: Request, project: str) -> Response:
        """The actions, responses and forms that the assistant may run, by name."""
        known(project)
        kinds = (Mention.Kind.ACTION, Mention.Kind.RESPONSE, Mention.Kind.FORM)
        return Response([{"name": name} for name in _names(*kinds)])


def _names(*kinds: str) -> list[str]:
    return list(Mention.objects.filter(kind__in=kinds).order_by("name").values_list("name", flat=True).distinct())
