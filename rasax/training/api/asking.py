"""What the operations on training data share: the project, Rasa's YAML as a body, refusals."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from rasax.accounts.api.errors import Conflict, OfNoUse, TooLarge
from rasax.training.formats import nodes
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import CHANGED_MEANWHILE, GONE
from rasax.training.telling import sentence

LARGEST = 32 * 2**20  # bytes of YAML in one request
TOO_LARGE = "The body is larger than 32 MB; send the data as several files."


class YamlParser(BaseParser):
    media_type = "application/yaml"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        content = stream.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise TooLarge(TOO_LARGE)
        try:
            return str(content, "utf-8")
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8.") from error


class TextYamlParser(YamlParser):
    media_type = "text/yaml"


class OldYamlParser(YamlParser):
    media_type = "application/x-yaml"


YAML_PARSERS = [YamlParser, TextYamlParser, OldYamlParser]
YAML_TYPES = [parser.media_type for parser in YAML_PARSERS]


def of_yaml(body: Any) -> Any:
    """What a body says that is YAML or was JSON. Raises ParseError, with the line."""
    try:
        return nodes.values(body) if isinstance(body, str) else body
    except Refused as refused:
        raise ParseError(sentence(refused)) from refused


def wants_yaml(request: Request) -> bool:
    """By its header Accept, which must name it: clients of Rasa X send all kinds."""
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("Accept", "").split(",")]
    return "application/json" not in accepted and any(kind in YAML_TYPES for kind in accepted)


def known(project: str) -> None:
    if project != "default":
        raise Http404("There is one project: default.")


def failure_of(refused: Refused) -> APIException:
    said = sentence(refused)
    return Conflict(said) if refused.message in {GONE, CHANGED_MEANWHILE} else OfNoUse(said)
