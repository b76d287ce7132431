"""What we say of good and broken projects, and what `rasa data validate` says of them: docs/validation.md."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.rasax.training.broken_projects import PROJECTS
from tests.rasax.training.test_validation import told

pytestmark = [pytest.mark.rasa, pytest.mark.django_db]

CONFLICT = re.compile(r"conflict after (?:\w+ )+'(.+?)':\n(.+)", re.DOTALL)
MEANS = (
    (r"intent '(.+?)' is listed in the domain", "intent_without_examples"),
    (r"labeled with intent '(.+?)'", "intent_undeclared"),
    (r"intent '(.+?)' is used in your stories", "story_intent_undeclared"),
    (r"intent '(.+?)' is not used", "intent_unused"),
    (r"action '(.+?)' is used in the stories", "response_missing"),
    (r"utterance '(.+?)' is not used", "response_unused"),
    (r"action '(.+?)' is used in the '", "action_undeclared"),
    (r"form '(.+?)' is used in", "form_undeclared"),
    (r"condition for form '(.+?)' which", "form_undeclared"),
    (r"form slot '(.+?)' in", "form_slot_undeclared"),
    (r"Slot '(.+?)' has a mapping condition for form '(.+?)', but", "condition_not_of_form"),
    (r"example '(.+?)' was found .* labeled with: (.+?)\.$", "example_in_two_intents"),
    (r"Intent '(.+?)' has only", "few_examples"),
    (r"Entity \w+ '(.+?)' has only", "few_entity_examples"),
    (r"for the '(.+?)' intent", "retrieval_without_response"),
    (r"missing the '(.+?)' mandatory", "config_without"),
    (r"overwriting (.+?)->(.+?) with .+->(.+?) during", "synonym_of_two"),
    (r"greater format version.*: ([\d.]+) >", "version_unknown"),
    (r"lower format version.*: ([\d.]+) <", "version_older"),
    (r"(?s)story has (no steps)", "story_without_steps"),
    (r"duplicated \w+ .*: (.+)$", "declared_twice"),
    (r"^(InvalidEntityFormat)", "example_broken"),
    (r"^(YamlValidation)", "story_step_unknown"),
)
UNNAMED = {"story_without_steps", "example_broken", "story_step_unknown"}  # by Rasa
OURS_ALONE = {"example_twice", "action_unused", "entity_undeclared", "role_undeclared", "slot_undeclared"}
NOT_OURS = (
    r"Slot auto-fill|Found intent '.+' in stories|'utter_ask_city' is not used|'utter_faq' is listed|intents .*: faq$"
)


def rasa_says(folders):
    command = [os.environ["RASA_PYTHON"], Path(__file__).parent / "validate_projects.py", *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def meant(sentence):
    conflict = CONFLICT.search(sentence)
    if conflict:
        return "stories_conflict", (
            conflict[1],
            frozenset(re.findall(r"^ *(.+?) predicted in", conflict[2], re.MULTILINE)),
        )
    for pattern, kind in MEANS:
        found = re.search(pattern, sentence)
        if found:
            words = found[1] + (f" ({', '.join(sorted(found.groups()[1:]))})" if found.lastindex > 1 else "")
            return kind, "" if kind in UNNAMED else words
    raise AssertionError(f"Rasa says what nobody thought of: {sentence}")


def of_ours(warning):
    if warning.kind == "stories_conflict":
        after, _, choices = warning.words.partition(" → ")
        return warning.kind, (after, frozenset(each.partition(":")[0] for each in choices.split("; ")))
    return warning.kind, "" if warning.kind in UNNAMED else warning.words


def written(files, folder):
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_our_warnings_are_those_of_rasa_but_for_the_ones_that_are_listed(tmp_path):
    folders = [written(files, tmp_path / str(n)) for n, (files, _) in enumerate(PROJECTS.values())]
    for (name, (files, _)), said in zip(PROJECTS.items(), rasa_says(folders), strict=True):
        theirs = {meant(each) for each in said if not re.search(NOT_OURS, each, re.DOTALL)}
        ours = {of_ours(each) for each in told(files) if each.kind not in OURS_ALONE}
        if {"example_broken", "story_step_unknown"} & {kind for kind, _ in theirs}:  # Rasa reads no further
            assert theirs <= ours, name
        elif "version_unknown" in {kind for kind, _ in theirs}:  # and misses what was in the file
            assert ours <= theirs, name
        else:
            assert ours == theirs, name
