"""What `rasa data validate` says of projects; runs in a Python that has Rasa.

Takes folders; writes for each a list of warnings: the sentences that Rasa's validator says, in its order."""

import asyncio
import json
import logging
import sys
import warnings
from pathlib import Path

from rasa.shared.exceptions import RasaException
from rasa.shared.importers.importer import TrainingDataImporter
from rasa.validator import Validator

SAID = []


class Listening(logging.Handler):
    def emit(self, record):
        SAID.append(str(record.msg))


def said_of(folder):
    SAID.clear()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            validate(folder)
        except RasaException as error:
            SAID.append(f"{type(error).__name__}: {error}")
    return [*(str(each.message) for each in warned if issubclass(each.category, UserWarning)), *SAID]


def validate(folder):
    importer = TrainingDataImporter.load_from_config(
        str(folder / "config.yml"), domain_path=str(folder / "domain.yml"), training_data_paths=[str(folder / "data")]
    )
    validator = Validator.from_importer(importer)
    for verify in (
        validator.verify_domain_validity,
        validator.verify_actions_in_stories_rules,
        validator.verify_forms_in_stories_rules,
        validator.verify_form_slots,
        validator.verify_slot_mappings,
        validator.verify_nlu,
        validator.verify_story_structure,
        validator.warn_if_config_mandatory_keys_are_not_set,
        validator.intents.validate,
    ):
        verify()


asyncio.set_event_loop(asyncio.new_event_loop())
logging.disable(logging.INFO)
logging.getLogger("rasa").addHandler(Listening())
print(json.dumps([said_of(Path(each)) for each in sys.argv[1:]]))
