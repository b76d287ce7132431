"""What Rasa reads in examples; runs in a Python that has Rasa. Takes a JSON list of sources on stdin, and writes a
list of [text, entities], with null for what it refuses."""

import json
import logging
import sys

from rasa.shared.exceptions import RasaException
from rasa.shared.nlu.training_data.entities_parser import parse_training_example

logging.disable()


def read(source):
    try:
        message = parse_training_example(source)
    except RasaException:
        return None
    return [message.get("text"), message.get("entities") or []]


json.dump([read(source) for source in json.load(sys.stdin)], sys.stdout)
