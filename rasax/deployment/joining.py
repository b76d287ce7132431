"""A project's files as the one text that Rasa's HTTP API trains from, joined as Rasa's own importer joins them.

Source: rasa.shared.importers and Domain.merge_domain_dicts of 3.6.21. Lists of training data follow each other; of
what two domain files name both, the first file's counts (files in the order of their paths); a list of a domain holds
each name once. The version is the one that the files state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils.translation import gettext_noop

from rasax.deployment import plain_yaml
from rasax.deployment.projects import Project, Texts

Data = dict[str, Any]
Told = Callable[[str], None]

DOMAIN_LISTS = ("intents", "entities", "actions", "e2e_actions")
DOMAIN_MAPPINGS = ("slots", "responses", "forms")
PARTS = ("nlu", "stories", "rules")
NEWEST = {"3": "3.1", "2": "2.0"}

NO_CONFIG = gettext_noop("The project has no config.yml. Add it, with the pipeline and the policies.")
NO_YAML = gettext_noop("A file cannot be read as YAML. Correct it.")
NO_MAPPING = gettext_noop("A file has no keys at its top, such as “nlu:” or “stories:”. Correct it.")
NO_LIST = gettext_noop("What should be a list is none. Correct it.")
NAMES_ELSE = gettext_noop("What should have names in it has none. Correct it.")
TWO_VERSIONS = gettext_noop("The files state versions 2 and 3 of Rasa's format. Bring them to the same.")
TOO_LARGE = gettext_noop("The training data are too large when joined, or aliases in them stand for too much.")
NO_TESTS = gettext_noop("The project has no test stories. Put them into tests/test_stories.yml.")


class Faulty(Exception):
    """What is wrong with the project, where, and in whose words."""

    def __init__(self, message: str, where: str = "", words: str = "") -> None:
        super().__init__(message)
        self.message, self.where, self.words = message, where, words


def training_data(
    project: Project,
    *,
    step: Told = lambda path: None,
    version: str = "3",
    config: Callable[[Data], Data] = lambda own: own,
) -> str:
    """Raises Faulty. `step` is called with each file's path; `version` is that of the Rasa that gets it; `config` makes
    of the project's configuration what is trained with."""
    files = _Read(step)
    own = next((data for _, data in files.of(project.config)), None)
    if own is None:
        raise Faulty(NO_CONFIG)
    domain = domain_of(files, project)
    data = {part: list(_items(files.of(getattr(project, part)), part)) for part in PARTS}
    joined = {"version": files.version(version), **config(own), **domain, **dict(data.items())}
    return _written({key: value for key, value in joined.items() if value not in ([], {}, None)})


def nlu_data(project: Project, *, step: Told = lambda path: None, version: str = "3") -> str:
    """The examples alone, as a model is tested with."""
    files = _Read(step)
    examples = list(_items(files.of(project.nlu), "nlu"))
    return _written({"version": files.version(version), "nlu": examples})


def test_stories(project: Project, *, step: Told = lambda path: None, version: str = "3") -> list[tuple[str, str]]:
    """Each test story's name, and a text with it alone: Rasa tells of many stories not which of them failed."""
    files = _Read(step)
    stories = list(_items(files.of(project.tests), "stories"))
    if not stories:
        raise Faulty(NO_TESTS)
    stated = files.version(version)
    return [(_name_of(story), _written({"version": stated, "stories": [story]})) for story in stories]


class _Read:
    """Files as data, each read once."""

    def __init__(self, step: Told) -> None:
        self._step, self._known = step, dict[str, Data]()

    def of(self, texts: Texts) -> Iterator[tuple[str, Data]]:
        for path in sorted(texts):
            if path not in self._known:
                self._step(path)
                self._known[path] = _data(path, texts[path])
            yield path, self._known[path]

    def version(self, of_rasa: str) -> str:
        stated = {str(data["version"]) for data in self._known.values() if data.get("version")}
        if len({version.partition(".")[0] for version in stated}) > 1:
            raise Faulty(TWO_VERSIONS)
        return max(stated, default=NEWEST.get(of_rasa.partition(".")[0], "3.1"))


def _data(path: str, text: str) -> Data:
    try:
        data = plain_yaml.read(text)
    except plain_yaml.Unreadable as error:
        raise Faulty(NO_YAML, f"{path}:{error.line}" if error.line else path, error.words) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Faulty(NO_MAPPING, path)
    return {str(key): value for key, value in data.items()}


def _items(files: Iterable[tuple[str, Data]], part: str) -> Iterator[Any]:
    for path, data in files:
        yield from _list(path, part, data.get(part))


def domain_of(files: _Read, project: Project) -> Data:
    """Responses may also stand among the training data, as those of retrieval intents do."""
    joined: Data = {}
    for path, data in files.of(project.domain):
        joined = _merged(joined, {key: value for key, value in data.items() if key not in {*PARTS, "version"}}, path)
    for path, data in files.of({**project.nlu, **project.stories}):
        joined = _merged(joined, {"responses": data.get("responses")}, path)
    return joined


def _merged(joined: Data, more: Data, path: str) -> Data:
    result = {**more, **joined}
    for key in DOMAIN_MAPPINGS:
        if more.get(key):
            result[key] = {**_mapping(path, key, more[key]), **joined.get(key, {})}
    for key in DOMAIN_LISTS:
        if more.get(key):
            result[key] = _each_once([*joined.get(key, []), *_list(path, key, more[key])])
    return result


def _each_once(items: list[Any]) -> list[Any]:
    """By name, the first of each; an intent with settings is a mapping of its name."""
    named: dict[str, Any] = {}
    for item in items:
        named.setdefault(str(min(item, default="")) if isinstance(item, dict) else str(item), item)
    return list(named.values())


def _list(path: str, key: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Faulty(NO_LIST, f"{path}, {key}")
    return value


def _mapping(path: str, key: str, value: Any) -> Data:
    if not isinstance(value, dict):
        raise Faulty(NAMES_ELSE, f"{path}, {key}")
    return value


def _name_of(story: Any) -> str:
    return str(story.get("story", "")) if isinstance(story, dict) else ""


def _written(data: Data) -> str:
    try:
        return plain_yaml.write(data)
    except plain_yaml.Unreadable as error:
        raise Faulty(TOO_LARGE) from error
