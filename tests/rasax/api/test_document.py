"""What the document promises, held against the API by thousands of requests made from it.

`API_EXAMPLES=200` looks longer than `make test` does.
"""

import io
import os
from datetime import timedelta

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.utils import timezone
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from schemathesis import engine
from schemathesis.engine import events

from events.brokers.base import Message
from events.models import Conversation, Event, Heartbeat, RejectedMessage
from rasax.accounts.api.authentication import issue
from rasax.accounts.models import ApiToken, SigningKey
from rasax.conversations.models import Note, Tag
from rasax.deployment.models import Evaluation, Model, RasaServer, UploadedProject
from rasax.training.models import Block, Example, GitRepository, Project
from tests.rasax.deployment.conftest import PROJECT, outcome, zipped
from tests.rasax.training.test_dialogue_pages import MORE
from tests.rasax.training.test_intents import FILES
from tests.servers.rasa_models import archive

EXAMPLES = int(os.environ.get("API_EXAMPLES", "12"))
KNOWN = {"conversation_id": "ann", "timestamp": 7.0, "tag": "billing", "username": "bob", "role": "tester"}
KNOWN |= {"log": "1", "project": "default", "model": "lab", "model_tag": "production"}


def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_document_is_made_without_a_warning():
    GENERATOR_STATS.reset()
    validate_schema(document())
    assert not GENERATOR_STATS


def test_a_text_that_may_be_empty_is_one_kind_of_text():
    shapes = document()["components"]["schemas"]
    assert shapes["PatchedPersonToChangeRequest"]["properties"]["first_name"] == {
        "type": "string", "maxLength": 150, "pattern": r"^[^\u0000]*$",
    }  # fmt: skip
    assert [name for name, shape in shapes.items() if {"type": "string", "maxLength": 0} in _alternatives(shape)] == []


def _alternatives(shape):
    return [each for field in shape.get("properties", {}).values() for each in field.get("oneOf", [])]


@pytest.fixture
def published(alice, bob, conversations, rasa):
    """The document, its operations asked for things that there are as often as for others."""
    Conversation.objects.record([Message(b"no JSON"), Message(b"\xff")])
    ann = Conversation.objects.get(sender_id="ann")
    Event.objects.filter(data__contains="\\ud800").delete()  # its reader of JSON knows no half of a surrogate pair
    Tag.objects.called("billing").put_on(Conversation.objects.all(), by=bob)
    note = Note.objects.write(ann, "Ask legal", by=alice)
    token, _ = ApiToken.objects.make(alice, "script")
    rasa.trusts(SigningKey.objects.current().public)
    RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")
    Heartbeat.objects.create(name="host:1", started_at=timezone.now(), beat_at=timezone.now() + timedelta(hours=1))
    evaluation = Evaluation.objects.keep(outcome(), alice, method="nlu")
    Project.objects.default().take({**FILES, **MORE}, alice)
    git = GitRepository.objects.connect("https://git.example.com/bot.git", "main", "", "t0ken", alice)
    UploadedProject.objects.keep("bot.zip", zipped(PROJECT), alice)
    RasaServer.objects.add(alice, name="worker", url=rasa.url, token="tok3n", use="worker")
    ids = {"rejectedMessages": RejectedMessage.objects.first().pk, "notes": note.pk, "tokens": token.pk}
    ids["evaluations"] = evaluation.pk
    ids |= {"/data/": Example.objects.earliest("pk").pk, "/git_repositories/": git.pk}
    ids |= {
        f"/api/{part}/": Block.objects.get(kind=kind).pk for part, kind in (("stories", "story"), ("rules", "rule"))
    }
    Model.objects.keep(io.BytesIO(archive()), "lab", alice).put_tag("production", alice)
    schema = schemathesis.openapi.from_dict(document())

    @schemathesis.hook
    def before_call(context, case, kwargs):
        """Of valid requests two in three ask for what there is."""
        valid = case.meta and all(part.mode.is_positive for part in case.meta.components.values())
        if valid and sum(map(ord, str(case.path_parameters))) % 3:
            known = KNOWN | {"pk": next((pk for part, pk in ids.items() if part in case.operation.path), 1)}
            for name in (case.path_parameters or {}).keys() & known.keys():
                case.path_parameters[name] = known[name]
        if valid and case.operation.path == "/api/environments" and case.method == "PUT":
            # A Rasa server that does not answer is an error of the server, and what a host name is no pattern tells.
            case.body = [each | {"url": rasa.url, "token": "tok3n"} for each in case.body]

    yield schema
    schemathesis.hooks.unregister(before_call)


@pytest.fixture
def served(db):
    """The API in this process; schemathesis asks from threads, which share the test's connection."""
    handler, own = WSGIHandler(), connections["default"]
    own.inc_thread_sharing()
    signals = (request_started, request_finished)  # after which Django would close it, for it is in a transaction
    for signal in signals:
        signal.disconnect(close_old_connections)

    def serve(environ, start_response):
        connections["default"] = own
        return handler(environ, start_response)

    yield serve
    for signal in signals:
        signal.connect(close_old_connections)
    own.dec_thread_sharing()


def findings(schema):
    """Each failure once: its check, the operation, and how to ask it again."""
    found = {}
    for event in engine.from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found[str(event)[:200]] = str(getattr(event, "value", "") or event.exception)[:2000]
        if isinstance(event, events.ScenarioFinished):
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info:
                        failure = check.failure_info
                        found[f"{event.label}: {check.name}"] = f"{failure.failure}\n{failure.code_sample}"[:2000]
    return found


PHASES = ("coverage", "fuzzing", "stateful")  # each by itself, so that several workers share them


@pytest.mark.parametrize(
    ("phase", "part"), [("coverage", 0), ("coverage", 1), ("coverage", 2), ("fuzzing", None), ("stateful", None)]
)
def test_every_operation_does_what_the_document_says(published, served, alice, phase, part):
    """The longest phase by thirds of the operations."""
    published.app = served
    for other in {*PHASES, "examples"} - {phase}:
        getattr(published.config.phases, other).enabled = other == "examples" and phase == "coverage"
    config = published.config
    if part is not None:
        third = sorted(document()["paths"])[part::3]
        published = published.include(lambda context: context.operation.path in third)
    config.headers = {"Authorization": f"Bearer {issue(alice)}"}
    config.checks.ignored_auth.enabled = False  # it cannot ask in this process; the next test does what it would
    # No document says what makes bytes a model: that they are none is answered by 422.
    config.checks.positive_data_acceptance.expected_statuses += ["422"]
    config.generation.max_examples = EXAMPLES
    config.generation.deterministic = True
    config.phases.stateful.generation.max_examples = EXAMPLES // 4
    found = findings(published)
    assert not found, "\n\n".join(f"{name}\n{how}" for name, how in sorted(found.items()))


OPEN = {("post", "/api/auth"), ("post", "/api/auth/jwt"), ("get", "/api/health"), ("get", "/api/version")}


def operations():
    return [(method, path) for path, methods in document()["paths"].items() for method in methods]


def test_nobody_who_is_not_signed_in_gets_anything(client, conversations):
    for method, path in operations():
        answer = client.generic(method, path.replace("{timestamp}", "7.0").replace("{pk}", "1"))
        if (method, path) not in OPEN:
            assert answer.status_code == (404 if "{job}" in path else 401), path
            assert answer.json()["code"] == answer.status_code
