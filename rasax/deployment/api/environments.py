"""Environments, as Rasa X had them: all at once, by name; a token is taken and never given back."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.errors import Conflict
from rasax.accounts.api.fields import Matching, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.models import User
from rasax.deployment import addresses
from rasax.deployment.models import RasaServer
from rasax.deployment.servers import NO_SLASH, TOKEN, Use

SEE, CHANGE = ("accounts.view_environments",), ("accounts.view_environments", "accounts.change_environments")
MOST = 100


class Environment(serializers.ModelSerializer[RasaServer]):
    has_token = serializers.BooleanField()
    is_up = serializers.BooleanField(help_text="It answered when a worker last asked it, within two minutes")
    problem = serializers.CharField(help_text="Why it did not answer, and what to do")

    class Meta:
        model = RasaServer
        fields = [
            "name", "url", "use", "tag", "has_token", "is_up", "version", "minimum_compatible_version", "model_file",
            "model_id", "asked_at", "answered_at", "problem",
        ]  # fmt: skip


class EnvironmentToKeep(Strict):
    name = Text(max_length=100, validators=[NO_SLASH])
    url = Matching(r"^https?://[^\s/?#@\\]+(/[^\s?#\\]*)?\Z", max_length=500, validators=[addresses.validate])
    token = Text(
        max_length=500, allow_blank=True, allow_null=True, required=False, validators=[TOKEN],
        help_text="Left out or null, the one that it has stays, if the url does",
    )  # fmt: skip
    use = serializers.ChoiceField(
        Use.choices, required=False, help_text="Left out: as it is; of a new one its name, if that is one of these"
    )
    tag = Matching(r"^(?=.{1,100}\Z)[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", required=False)


EnvironmentsToKeep: Any = partial(EnvironmentToKeep, many=True, max_length=MOST)  # type: ignore[call-arg]


class Environments(Endpoint):
    @operation(Environment(many=True), needs=SEE)
    def get(self, request: Request) -> Response:
        """The Rasa servers that rasax speaks with."""
        return Response(Environment(RasaServer.objects.all(), many=True).data)

    @operation(Environment(many=True), needs=CHANGE, body=EnvironmentsToKeep, status=201, errors=(409,))
    def put(self, request: Request, body: list[dict[str, Any]]) -> Response:
        """Say all environments anew.

        One that is not named is removed; one whose name is known is changed.
        """
        names = [each["name"] for each in body]
        if len(set(names)) < len(names):
            raise Conflict("A name stands there twice.")
        _keep(body, person(request))
        return Response(Environment(RasaServer.objects.all(), many=True).data, status=201)


@transaction.atomic
def _keep(wanted: list[dict[str, Any]], by: User) -> None:
    kept = {server.name: server for server in RasaServer.objects.select_for_update()}
    for name in kept.keys() - {each["name"] for each in wanted}:
        kept[name].remove(by)
    for each in wanted:
        _keep_one(kept.get(each["name"]), each, by)


def _keep_one(server: RasaServer | None, wanted: dict[str, Any], by: User) -> None:
    token = wanted.pop("token", None)
    wanted["url"] = wanted["url"].rstrip("/")
    if server is None:
        use = wanted["name"] if wanted["name"] in Use else Use.DEVELOPMENT
        RasaServer.objects.add(by, token=token or "", **{"use": use, **wanted})
    elif token is not None or any(getattr(server, name) != value for name, value in wanted.items()):
        server.change(by, token=token, **wanted)
