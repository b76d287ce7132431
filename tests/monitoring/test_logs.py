"""Log lines: their shape, and what is not in them."""

import io
import json
import logging

import pytest
import structlog
from django.db import DataError, OperationalError

from events.brokers.base import BrokerMisconfigured
from events.monitoring.logs import Lines
from events.monitoring.naming import service
from events.monitoring.redaction import without_secrets, words_of

pytestmark = pytest.mark.once


@pytest.fixture
def lines():
    """What is logged while the test runs, as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines("json", quoting=False))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger().removeHandler(handler)


def test_both_kinds_of_logger_give_lines_of_one_shape(lines):
    with structlog.contextvars.bound_contextvars(request_id="a1"):
        structlog.get_logger("events.some").warning("it is so", error=OSError("no room"), number=3, nothing=None)
        logging.getLogger("kombu").warning("it is %s", "so")
    first, second = lines()
    shape = {"level": "warning", "message": "it is so", "request_id": "a1"}
    assert shape.items() <= first.items() and shape.items() <= second.items()
    assert (first["logger"], second["logger"]) == ("events.some", "kombu")
    assert (first["error"], first["number"]) == ("OSError: no room", 3)
    assert first.keys() - second.keys() == {"error", "number"}
    assert first["time"].endswith("+00:00")


def test_a_traceback_shows_where_and_not_what_was_said(lines):
    said = "my card is 4711"
    try:
        try:
            int(said)
        except ValueError as error:
            raise OperationalError(f"the server is away\nDETAIL: Failing row contains ({said})") from error
    except OperationalError:
        logging.getLogger("events").exception("it\nfailed")
    (line,) = lines()
    assert "test_logs.py" in line["exception"] and "OperationalError: the server is away" in line["exception"]
    assert "ValueError (its words may quote" in line["exception"]
    assert "4711" not in json.dumps(line)
    assert line["message"] == "it …"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("amqp://rasax:pa55@rabbitmq:5672//", "amqp://…@rabbitmq:5672//"),
        ("redis://:pa55@redis:6379/1 is away", "redis://…@redis:6379/1 is away"),
        ('"WebSocket /api/ws?ticket=pa55:x" [accepted]', '"WebSocket /api/ws?…" [accepted]'),
        ("GET http://rasa:5005/status?token=pa55 failed", "GET http://rasa:5005/status?… failed"),
        ("Authorization: Bearer pa55.pa55", "Authorization: Bearer …"),
        ("got eyJhbGciOi.eyJzdWIi.c2ln", "got …"),
        ("password=pa55 host=db", "password=… host=db"),
        ("{'token': 'pa55'}", "{'token': '…'}"),
        ("Is it so? Yes: 1 = 1", "Is it so? Yes: 1 = 1"),
    ],
)
def test_secrets_are_taken_out(text, kept):
    assert without_secrets(text) == kept


def test_words_that_cannot_quote_are_kept():
    assert words_of(BrokerMisconfigured("set a host")) == "BrokerMisconfigured: set a host"
    assert words_of(KeyError("somebody")) == "KeyError (its words may quote what somebody said, and are left out)"
    assert "left out" in words_of(DataError("invalid input: somebody"))
    assert words_of(ValueError("somebody"), quoting=True) == "ValueError: somebody"
    assert words_of(TimeoutError()) == "TimeoutError"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/venv/bin/uvicorn rasax.asgi:application", "web"),
        ("/venv/bin/celery -A rasax worker", "worker"),
        ("/venv/lib/celery/__main__.py -A rasax beat", "beat"),
        ("manage.py consume_events", "event-service"),
        ("manage.py doctor", "doctor"),
    ],
)
def test_a_process_is_named_by_its_command(command, name):
    assert service(command.split()) == name
