"""A project becomes one text, as Rasa's own importer would have joined it."""

import pytest

from rasax.deployment import joining, plain_yaml
from rasax.deployment.joining import Faulty
from rasax.deployment.projects import Project, sorted_out
from tests.rasax.deployment.conftest import PROJECT

pytestmark = pytest.mark.once


def joined(**changed):
    files = {path: text for path, text in (PROJECT | changed).items() if text is not None}
    return plain_yaml.read(joining.training_data(sorted_out(files)))


def test_lists_of_several_files_follow_each_other():
    data = joined()
    assert [each["intent"] for each in data["nlu"]] == ["goodbye", "greet"]
    assert data["nlu"][1]["examples"] == "- hey\n- hello\n"
    assert (data["version"], data["language"], data["intents"]) == ("3.1", "en", ["greet", "goodbye"])
    assert "stories" not in data


def test_of_what_two_domain_files_name_both_the_first_counts():
    data = joined(
        **{
            "domain.yml": None,
            "domain/a.yml": "intents: [greet, bye: {use_entities: []}]\nslots: {x: {type: text}}\n"
            "session_config: {session_expiration_time: 5}",
            "domain/b.yml": "intents: [bye, greet, more]\nslots: {x: {type: any}, y: {type: any}}\n"
            "session_config: {session_expiration_time: 9}",
            "data/faq.yml": "responses: {utter_faq/a: [{text: no}]}",
        }
    )  # fmt: skip
    assert data["intents"] == ["greet", {"bye": {"use_entities": []}}, "more"]
    assert data["slots"] == {"x": {"type": "text"}, "y": {"type": "any"}}
    assert data["session_config"] == {"session_expiration_time": 5}
    assert data["responses"] == {"utter_faq/a": [{"text": "no"}]}


def test_tests_are_not_trained_from_and_come_one_by_one():
    project = sorted_out(PROJECT | {"data/test_more.yml": "stories: [{story: three, steps: [{intent: greet}]}]"})
    assert "stories" not in plain_yaml.read(joining.training_data(project))
    stories = joining.test_stories(project)
    assert [name for name, _ in stories] == ["three", "one", "two"]
    assert plain_yaml.read(stories[1][1])["stories"][0]["steps"][1] == {"action": "utter_greet"}


def test_servers_files_and_data_that_are_elsewhere_are_told_apart():
    project = sorted_out(PROJECT | {"endpoints.yml": "nlu: x", "credentials.yml": "rest:", "skills/a.yml": "nlu: []"})
    assert set(project.nlu) == {"data/nlu.yml", "data/more/nlu.yaml", "data/rules.yml", "skills/a.yml"}


@pytest.mark.parametrize(
    ("changed", "message", "where"),
    [
        ({"config.yml": None}, joining.NO_CONFIG, ""),
        ({"data/nlu.yml": "nlu:\n- a: ["}, joining.NO_YAML, "data/nlu.yml:2"),
        ({"data/nlu.yml": "a: 1\na: 2"}, joining.NO_YAML, "data/nlu.yml:2"),
        ({"data/nlu.yml": "!!python/object/apply:os.system [id]"}, joining.NO_YAML, "data/nlu.yml:1"),
        ({"data/nlu.yml": "- greet"}, joining.NO_MAPPING, "data/nlu.yml"),
        ({"data/nlu.yml": "nlu: greet"}, joining.NO_LIST, "data/nlu.yml, nlu"),
        ({"domain.yml": "slots: [a]"}, joining.NAMES_ELSE, "domain.yml, slots"),
        ({"data/nlu.yml": "version: '2.0'\nnlu: []"}, joining.TWO_VERSIONS, ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changed, message, where):
    with pytest.raises(Faulty) as caught:
        joined(**changed)
    assert (caught.value.message, caught.value.where) == (message, where)


def test_aliases_that_stand_for_too_much_are_refused(monkeypatch):
    monkeypatch.setattr(plain_yaml, "MOST_NODES", 10_000)
    bomb = "nlu:\n- a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"- a: &{here} [{','.join([f'*{before}'] * 10)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(Faulty) as caught:
        joined(**{"data/nlu.yml": bomb})
    assert caught.value.message == joining.TOO_LARGE
    with pytest.raises(Faulty):
        joined(**{"data/nlu.yml": "nlu: &a [*a]"})
    with pytest.raises(Faulty):
        joined(**{"data/nlu.yml": "nlu: " + "[" * 5000})


def test_what_is_written_is_read_the_same_again():
    odd = {"x": 'a\x07\x85\u2028\ufeffé😀\\u0041"\n\x7f', "n": [float("inf"), 1.5, -3, None, True, {"1": 2}], "e": {}}
    written = plain_yaml.write(odd)
    assert plain_yaml.read(written) == odd
    assert plain_yaml.read("a: no\nb: 2026-01-01\nc: 012") == {"a": "no", "b": "2026-01-01", "c": 12}


def test_escapes_are_read_as_rasa_reads_them():
    assert plain_yaml.read(r"a: caf\u00e9 \ud83d\ude00") == {"a": "café 😀"}
    assert plain_yaml.read(r"a: Köln caf\u00e9") == {"a": r"Köln caf\u00e9"}
    assert plain_yaml.read(plain_yaml.write({"a": r"caf\u00e9 \\u00e9"})) == {"a": r"caf\u00e9 \\u00e9"}


def test_a_source_may_name_one_text_in_each_part():
    text = {"all.yml": "\n".join(PROJECT[name] for name in ("config.yml", "domain.yml", "data/rules.yml"))}
    data = plain_yaml.read(joining.training_data(Project(text, text, text, text, text, text)))
    assert data["rules"][0]["rule"] == "g"
    assert data["intents"] == ["greet", "goodbye"]
