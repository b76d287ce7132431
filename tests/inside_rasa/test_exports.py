"""A real Rasa reads what is exported as its YAML."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from events.models import Conversation
from rasax.conversations.exporting.nlu import write_nlu
from rasax.conversations.exporting.stories import write_stories, write_test_stories
from tests.inside_rasa.test_replay import TEXTS
from tests.rasa import recorded, said

pytestmark = [pytest.mark.rasa, pytest.mark.django_db]

FROM_AND_TO = [
    {"entity": "city", "start": 19, "end": 22, "value": "New York City", "role": "from"},
    {"entity": "city", "start": 26, "end": 31, "value": "Paris", "role": "to"},
]
PASSENGERS = {"entity": "passengers", "start": 0, "end": 1, "value": "2"}
READ_FILES = Path(__file__).parent / "read_files.py"


def test_rasa_reads_exported_stories_tests_and_examples_as_they_were_meant(tmp_path):
    Conversation.objects.record(recorded())
    Conversation.objects.record([said(text, sender_id=f"hard {n}") for n, text in enumerate(TEXTS)])
    senders = dict(Conversation.objects.values_list("sender_id", "pk"))
    pks = list(senders.values())
    for name, parts in (
        ("stories.yml", write_stories([pks])),
        ("test_stories.yml", write_test_stories([pks])),
        ("nlu.yml", write_nlu([pks])),
    ):
        (tmp_path / name).write_text("".join(parts))
    read = read_by_rasa(tmp_path)
    texts = {text for _, text, _ in read["examples"]}
    names = {name.partition(" (")[0] for name in read["stories"]}
    assert names == set(senders)
    assert read["tests"] == read["stories"]
    assert ["book_flight", "book a flight from NYC to Paris", FROM_AND_TO] in read["examples"]
    assert {"to Berlin, please", "再见 👋🏽", "two lines", "tab here", "a: b # c", "Rome or Ulm", "no", "~"} <= texts
    assert [entities for _, text, entities in read["examples"] if text == "2 passengers"] == [[PASSENGERS]]
    retrieval = "is a full retrieval intent"  # as Rasa's own story writer has it
    assert not [each for each in read["warnings"] if retrieval not in each]


def read_by_rasa(folder):
    command = [os.environ["RASA_PYTHON"], READ_FILES, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
