"""Rasa servers, a project, and jobs that run when a test says so."""

import io
import zipfile

import pytest
from django.core.cache import cache

from rasax.accounts import jobs
from rasax.accounts.models import Job
from rasax.deployment.figures import Figure, Mistake, Outcome
from rasax.deployment.models import RasaServer, UploadedProject

PROJECT = {
    "config.yml": "recipe: default.v1\nlanguage: en\npipeline:\n- name: KeywordIntentClassifier\n"
    "policies:\n- name: RulePolicy\n",
    "domain.yml": "version: '3.1'\nintents: [greet, goodbye]\nresponses:\n  utter_greet:\n  - text: hi\n",
    "data/nlu.yml": "version: '3.1'\nnlu:\n- intent: greet\n  examples: |\n    - hey\n    - hello\n",
    "data/more/nlu.yaml": "nlu:\n- intent: goodbye\n  examples: |\n    - bye\n",
    "data/rules.yml": "rules:\n- rule: g\n  steps: [{intent: greet}, {action: utter_greet}]\n",
    "tests/test_stories.yml": "stories:\n- story: one\n  steps: [{user: hello, intent: greet}, {action: utter_greet}]\n"
    "- story: two\n  steps: [{user: bye, intent: goodbye}]\n",
}  # fmt: skip


def outcome(**changed):
    """Of an evaluation of two intents, of which one message was taken for the other."""
    f1 = changed.pop("f1_of_greet", 0.8)
    given = {
        "accuracy": 0.75, "precision": 0.8, "f1": 0.7, "n_tested": 4,
        "figures": [Figure("intent", "greet", 1.0, 0.5, f1, 2), Figure("intent", "goodbye", 0.6, 1.0, 0.7, 2),
                    Figure("entity", "city", 1.0, 1.0, 1.0, 1, "CRFEntityExtractor")],
        "mistakes": [Mistake("intent", "hey <b>you</b>", "greet", "goodbye", 0.61)],
        "confusions": {("greet", "greet"): 1, ("greet", "goodbye"): 1, ("goodbye", "goodbye"): 2},
        "right": [0] * 18 + [1, 2], "wrong": [0] * 12 + [1] + [0] * 7,
    }  # fmt: skip
    return Outcome(**{**given, **changed})


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    made.seek(0)
    return made


@pytest.fixture
def sent(monkeypatch):
    """The jobs that workers were told of."""
    pks = []
    monkeypatch.setattr(jobs, "send", pks.append)
    return pks


@pytest.fixture
def desk(client, alice):
    """A browser in which Alice is signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def production(rasa, alice):
    return RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")


@pytest.fixture
def service(settings):
    """The token of Rasa servers; they may ask as often as a test likes."""
    cache.clear()
    settings.SERVICE_TOKEN = "a-token-that-only-rasa-servers-know"
    return settings.SERVICE_TOKEN


@pytest.fixture
def worker(rasa, alice, db):
    return RasaServer.objects.add(
        alice, name="worker", url=rasa.url, token="tok3n", use="worker", version="3.6.21", model_file="m.tar.gz"
    )


@pytest.fixture
def project(alice, db):
    return f"upload:{UploadedProject.objects.keep('bot.zip', zipped(PROJECT), alice).pk}"


@pytest.fixture
def run_sent(sent):
    """Runs what workers were told of, as they would; the last of these jobs."""

    def run():
        for pk in list(sent):
            sent.remove(pk)
            Job.objects.run(pk)
        return Job.objects.order_by("queued_at").last()

    return run
