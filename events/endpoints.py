"""Reads Rasa's endpoints.yml: event_broker, tracker_store, models and the other sections. Pure Python.

The rules are those of Rasa's documentation, "Event Brokers" and "Tracker Stores": each section is a mapping with a
`type`, a `url` and parameters of that type, and `${VAR}` is replaced from the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

MAX_BYTES = 1_000_000
MAX_NODES = 10_000  # counted where they are used, so that aliases of aliases cannot grow without bound
MAX_DEPTH = 50
_VARIABLE = re.compile(r"\$(\w+|\{[^}]*\})", re.ASCII)


class EndpointsError(ValueError):
    """The file cannot be used; its one line says which file and line, what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """One section. `url` and `params` are kept out of its repr because they hold passwords."""

    type: str | None = None
    url: str | None = field(default=None, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The sections of one file by name; None for a section that is absent or empty."""

    sections: Mapping[str, EndpointConfig]

    def get(self, name: str) -> EndpointConfig | None:
        return self.sections.get(name)

    @property
    def event_broker(self) -> EndpointConfig | None:
        return self.get("event_broker")

    @property
    def tracker_store(self) -> EndpointConfig | None:
        return self.get("tracker_store")

    @property
    def models(self) -> EndpointConfig | None:
        return self.get("models")


def read_endpoints(path: str | os.PathLike[str], environ: Mapping[str, str] = os.environ) -> Endpoints:
    """Raises EndpointsError for a file that is missing, too large, not YAML 1.2, or names an unset variable."""
    return _Reader(Path(path), environ).endpoints()


class _Reader:
    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self.environ = environ
        self.nodes = 0
        self.yaml = YAML(typ="safe", pure=True)

    def endpoints(self) -> Endpoints:
        root = self._compose(self._text())
        if root is None:
            return Endpoints({})
        if not isinstance(root, MappingNode):
            raise self._error(root, "the file is not a mapping; write sections such as `event_broker:`")
        return Endpoints(dict(self._sections(root)))

    def _text(self) -> str:
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise EndpointsError(f"{self.path}: cannot be read ({error.strerror}); check the path") from error
        if len(content) > MAX_BYTES:
            raise EndpointsError(f"{self.path}: larger than {MAX_BYTES} bytes; is it an endpoints.yml?")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise EndpointsError(f"{self.path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error

    def _compose(self, text: str) -> Node | None:
        try:
            node: Node | None = self.yaml.compose(text)
        except MarkedYAMLError as error:
            raise self._yaml_error(error) from error
        except (YAMLError, RecursionError) as error:
            raise EndpointsError(f"{self.path}: not readable as YAML ({type(error).__name__}); correct it") from error
        return node

    def _sections(self, root: MappingNode) -> Iterator[tuple[str, EndpointConfig]]:
        lines = {str(key.value): key for key, _ in root.value}
        for name, section in self._mapping(root, 0).items():
            if isinstance(section, dict):
                yield name, self._section(name, section, lines.get(name, root))
            elif section is not None and not isinstance(section, list):  # Rasa Pro's model_groups is a list
                raise self._error(lines[name], f"`{name}` is not a mapping; write `type:` and `url:` below it")

    def _section(self, name: str, section: dict[str, Any], node: Node) -> EndpointConfig:
        kind = section.pop("store_type", section.pop("type", None))
        url = section.pop("url", None)
        if isinstance(url, list):  # Kafka's bootstrap servers
            url = ",".join(map(str, url))
        for key, value in (("type", kind), ("url", url)):
            if not isinstance(value, str | None):
                raise self._error(node, f"`{key}` of `{name}` is not a text; put it in quotes")
        return EndpointConfig(kind, url, section)

    def _value(self, node: Node, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self._error(node, "too many or too deep values; is an alias (*name) inside its own anchor?")
        if isinstance(node, MappingNode):
            return self._mapping(node, depth + 1)
        if isinstance(node, SequenceNode):
            return [self._value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            value = self._value(value_node, depth)
            if key_node.tag == "tag:yaml.org,2002:merge":
                for other in reversed(value if isinstance(value, list) else [value]):
                    if not isinstance(other, dict):
                        raise self._error(key_node, "`<<` needs a mapping; give it the alias (*name) of one")
                    merged.update(other)
                continue
            key = str(self._scalar(key_node))
            if key in own:
                raise self._error(key_node, f"`{key}` stands here twice; remove one of them")
            own[key] = value
        return merged | own

    def _scalar(self, node: Node) -> Any:
        # As in Rasa, a quoted text is taken as it stands.
        if getattr(node, "style", None) is None and "${" in str(node.value):
            return self._expand(node)
        try:
            return self.yaml.constructor.construct_object(node, deep=True)
        except MarkedYAMLError as error:
            raise self._yaml_error(error) from error
        except ValueError as error:
            raise self._error(node, f"{node.value!r} is not a value ({error}); put it in quotes") from error

    def _expand(self, node: Node) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match[1].strip("{}")
            if name in self.environ:
                return self.environ[name]
            if match[1].startswith("{"):
                raise self._error(node, f"the environment variable {name} is not set; set it or put the value here")
            return match[0]

        return _VARIABLE.sub(replace, node.value)

    def _error(self, node: Node, text: str) -> EndpointsError:
        return EndpointsError(f"{self.path}, line {node.start_mark.line + 1}: {text}")

    def _yaml_error(self, error: MarkedYAMLError) -> EndpointsError:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(error.problem or error.context).split())
        return EndpointsError(f"{self.path}{where}: not readable as YAML ({problem}); correct it")
