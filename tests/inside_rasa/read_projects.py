"""What Rasa reads from whole files; runs in a Python that has Rasa.

Takes a list of [kind, text] on stdin, and writes of each what its reader says, or what it refuses: {"examples",
"synonyms", "regexes", "lookups"}, {"stories", "rules"} or {"intents", "slots", "forms", "responses"}.
"""

import json
import logging
import sys
import warnings

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import RuleStep, StoryStep
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader
from rasa.shared.utils.io import read_yaml


def nlu(text):
    data = RasaYAMLReader().reads(text)
    return {
        "examples": [[each.get("intent_response_key") or each.get("intent"), each.get("text"), entities(each)]
                     for each in data.training_examples],
        "synonyms": data.entity_synonyms,
        "regexes": sorted([each["name"], each["pattern"]] for each in data.regex_features),
        "lookups": [[each["name"], each["elements"]] for each in data.lookup_tables],
    }  # fmt: skip


KINDS = (StoryStep, RuleStep)


def entities(example):
    names = ("entity", "start", "end", "value", "role", "group")
    return [{name: each[name] for name in names if each.get(name) is not None} for each in example.get("entities", [])]


def dialogue(text):
    reader = YAMLStoryReader()
    reader.source_name = "data/stories.yml"
    steps = reader.read_from_parsed_yaml(read_yaml(text))  # cut where a checkpoint or an `or` is
    named = {kind: dict.fromkeys(step.block_name for step in steps if type(step) is kind) for kind in KINDS}
    return {"stories": list(named[StoryStep]), "rules": list(named[RuleStep])}


def domain(text):
    read = Domain.from_yaml(text)
    said = read.as_dict()
    return {
        "intents": sorted(
            name for each in said.get("intents", []) for name in ([each] if isinstance(each, str) else each)
        ),
        "slots": sorted(said.get("slots", {})),
        "forms": sorted(said.get("forms", {})),
        "responses": read.responses,
    }


READERS = {"nlu": nlu, "stories": dialogue, "domain": domain}


def told(kind, text):
    try:
        return READERS[kind](text)
    except Exception as error:  # noqa: BLE001 - whatever it refuses the file with
        return {"refused": f"{type(error).__name__}: {error}"[:300]}


logging.disable()
warnings.simplefilter("ignore")
print(json.dumps([told(kind, text) for kind, text in json.load(sys.stdin)]))
