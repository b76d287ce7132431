"""What a model is trained from: a Rasa project as texts, from whatever source has one.

A source is a subclass of Source, registered with @source; that is all that training and evaluation know of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from django.utils.functional import Promise

Texts = Mapping[str, str]  # the whole text of a YAML file, by its path


@dataclass(frozen=True)
class Project:
    """Each part as the files that it stands in. A file may be in several parts: of each is taken what belongs to it,
    so that whoever has but one file for several parts names it in each."""

    config: Texts
    domain: Texts
    nlu: Texts
    stories: Texts
    rules: Texts
    tests: Texts


class Source(ABC):
    """Where a project comes from."""

    key: ClassVar[str]

    @abstractmethod
    def choices(self) -> Iterable[tuple[str, str | Promise]]:
        """What can be trained from now: (the key, or the key, a colon and more), and what people call it."""

    @abstractmethod
    def project(self, chosen: str) -> Project:
        """Of one of the choices, by what follows its colon. Raises unpacking.Refused."""


SOURCES: dict[str, Source] = {}


def source(kind: type[Source]) -> type[Source]:
    SOURCES[kind.key] = kind()
    return kind


def choices() -> list[tuple[str, str | Promise]]:
    return [choice for each in SOURCES.values() for choice in each.choices()]


def project_of(choice: str) -> Project:
    """Raises KeyError where there is no such source."""
    key, _, chosen = choice.partition(":")
    return SOURCES[key].project(chosen)


def sorted_out(files: Texts) -> Project:
    """A project's folder by the places where `rasa train` and `rasa test` look: config.yml, domain.yml or the folder
    domain, and what is elsewhere, of which files named test_… or below tests are test stories."""
    config = dict(_named(files, "config"))
    domain = dict(_named(files, "domain")) | {path: files[path] for path in files if path.startswith("domain/")}
    tests = {path: text for path, text in files.items() if _is_test(path)}
    left_out = {*config, *domain, *tests, *dict(_named(files, "endpoints", "credentials"))}
    data = {path: text for path, text in files.items() if path not in left_out and not path.startswith(LEFT_OUT)}
    return Project(config=config, domain=domain, nlu=data, stories=data, rules=data, tests=tests)


LEFT_OUT = ("results/", "models/", "actions/")


def _named(files: Texts, *names: str) -> Iterator[tuple[str, str]]:
    wanted = {f"{name}{ending}" for name in names for ending in (".yml", ".yaml")}
    return ((path, text) for path, text in files.items() if path in wanted)


def _is_test(path: str) -> bool:
    return PurePosixPath(path).name.startswith("test_") or path.startswith("tests/")
