"""What Rasa reads from exported files; runs in a Python that has Rasa.

Takes a folder with stories.yml, test_stories.yml and nlu.yml, and writes {"stories": [names], "tests": [names],
"examples": [[intent, text, entities]], "warnings": [what Rasa warned of]}. Rasa checks them against its own schemas.
"""

import json
import logging
import sys
import warnings
from pathlib import Path

from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.nlu.training_data.formats.rasa_yaml import RasaYAMLReader


def main(folder):
    logging.disable()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", UserWarning)
        read = read_files(folder)
    messages = [str(each.message) for each in warned if each.category is UserWarning]
    print(json.dumps({**read, "warnings": messages}))


def read_files(folder):
    names = {}
    for kind, file in (("stories", "stories.yml"), ("tests", "test_stories.yml")):
        names[kind] = [step.block_name for step in YAMLStoryReader().read_from_file(folder / file)]
    found = RasaYAMLReader().reads((folder / "nlu.yml").read_text()).training_examples
    examples = [[each.get("intent"), each.get("text"), [named(entity) for entity in entities(each)]] for each in found]
    return {**names, "examples": examples}


def entities(example):
    return example.get("entities") or []


def named(entity):
    return {
        name: entity[name]
        for name in ("entity", "start", "end", "value", "role", "group")
        if entity.get(name) is not None
    }


main(Path(sys.argv[1]))
