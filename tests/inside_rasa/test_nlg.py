"""Rasa and rasax choose and fill the same variations: both are asked the same, many times. And a real Rasa server
says what rasax has, from the moment in which it is edited."""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rasax.accounts.models import User
from rasax.training.choosing import eligible, filled
from rasax.training.models import Project
from tests.inside_rasa.server import BOT, call, rasa_server, train

pytestmark = pytest.mark.rasa
ASK = """
import json, sys
from rasa.core.nlg.generator import ResponseVariationFilter
from rasa.core.nlg.interpolator import interpolate
from rasa.core.nlg.callback import nlg_response_format_spec
from jsonschema import validate
answers = []
for variations, slots, channel in json.load(sys.stdin):
    fitting = ResponseVariationFilter({"utter": variations}).responses_for_utter_action("utter", channel, slots)
    said = []
    for each in json.loads(json.dumps(fitting)):
        for key in ("text", "buttons", "custom"):
            if key in each and slots:
                each[key] = interpolate(each[key], slots)
        validate(each, nlg_response_format_spec())
        said.append(each)
    answers.append(said)
print(json.dumps(answers))
"""
TEXTS = ["plain", "Hi {name}", "{{name}}", "{name} {n}", "{unknown}", "{{{name}}}", "{{name}} {name}"]
SLOTS = [{}, {"name": "Ann", "n": 3}, {"name": "ANN", "n": None}, {"name": None, "n": True}, {"name": "Ann", "n": [1]}]


def made(rng: random.Random) -> dict[str, object]:
    variation: dict[str, object] = {"text": rng.choice(TEXTS)}
    if rng.random() < 0.4:
        variation["channel"] = rng.choice(["slack", "rest"])
    if rng.random() < 0.5:
        values = ["ann", "Ann", 3, None, True, [1]]
        some = [{"type": "slot", "name": rng.choice(["name", "n"]), "value": rng.choice(values)} for _ in range(2)]
        variation["condition"] = some[: rng.randrange(3)]
    if rng.random() < 0.3:
        variation["buttons"] = [{"title": rng.choice(TEXTS), "payload": '/greet{"a": "b"}'}]
        variation["custom"] = {"a": {"b": [rng.choice(TEXTS)]}}
    return variation


def test_the_same_variations_are_said_with_the_same_words() -> None:
    rng = random.Random(6)
    asked = [
        ([made(rng) for _ in range(rng.randrange(1, 6))], rng.choice(SLOTS), rng.choice(["slack", "rest", "x"]))
        for _ in range(2_000)
    ]
    command = [os.environ["RASA_PYTHON"], "-W", "ignore", "-c", ASK]
    done = subprocess.run(command, input=json.dumps(asked), text=True, capture_output=True, check=True, timeout=300)
    for (variations, slots, channel), theirs in zip(asked, json.loads(done.stdout.splitlines()[-1]), strict=True):
        assert [filled(each, slots) for each in eligible(variations, slots, channel)] == theirs


@pytest.mark.django_db(transaction=True)
def test_a_server_says_what_is_edited_here(live_server: Any, settings: Any, alice: User, tmp_path: Path) -> None:
    settings.SERVICE_TOKEN = "a-token-that-only-rasa-servers-know"
    domain = (BOT / "domain.yml").read_text()
    store = {"type": "sql", "dialect": "sqlite", "db": str(tmp_path / "rasa.db")}
    nlg = {"url": f"{live_server.url}/api/nlg?token={settings.SERVICE_TOKEN}"}

    def said(text: str) -> list[dict[str, Any]]:
        return list(call(url, "/webhooks/rest/webhook", {"sender": "ann", "message": text}))

    with rasa_server(train(tmp_path), tmp_path / "rasa", store, nlg=nlg) as url:
        Project.objects.default().take({"domain.yml": domain.replace("Hello!", "Good morning,")}, alice)
        assert said("hello")[0] == {
            "recipient_id": "ann", "text": "Good morning, 漢字 😀",
            "buttons": [{"title": "Reserve", "payload": "/reserve"}],
        }  # fmt: skip
        Project.objects.default().take({"domain.yml": domain.replace("Bye", "Until {colour} skies")}, alice)
        assert said("bye")[0]["text"] == "Until blue skies"
