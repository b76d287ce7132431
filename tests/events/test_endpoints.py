from pathlib import Path

import pytest

from events.endpoints import EndpointConfig, Endpoints, EndpointsError, read_endpoints

RASA = """\
# as in Rasa's documentation
event_broker:
  type: pika
  url: ${RABBITMQ_HOST}
  username: rasa
  password: ${RABBITMQ_PASSWORD}
  queues:
    - rasa_core_events
    - ${SECOND_QUEUE}
  port: 5672
  should_keep_unpublished_messages: no

tracker_store:
  type: SQL
  dialect: postgresql
  url: db-${STAGE}.example
  query:
    sslmode: "${NOT_REPLACED}"

models:
  url: https://models.example/models/default
  wait_time_between_pulls: 10

model_groups:
  - id: default
lock_store:
"""
ENVIRONMENT = {"RABBITMQ_HOST": "rabbit", "RABBITMQ_PASSWORD": "12345", "SECOND_QUEUE": "two", "STAGE": "test"}


def read(tmp_path: Path, text: str | bytes, environ: dict[str, str] | None = None) -> Endpoints:
    path = tmp_path / "endpoints.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_endpoints(path, environ or {})


def test_the_sections_of_rasas_documentation_are_read(tmp_path: Path) -> None:
    endpoints = read(tmp_path, RASA, ENVIRONMENT)
    assert endpoints.event_broker == EndpointConfig(
        "pika",
        "rabbit",
        {
            "username": "rasa",
            "password": "12345",
            "queues": ["rasa_core_events", "two"],
            "port": 5672,
            "should_keep_unpublished_messages": "no",  # YAML 1.2: no is a word
        },
    )
    assert endpoints.tracker_store == EndpointConfig(
        "SQL", "db-test.example", {"dialect": "postgresql", "query": {"sslmode": "${NOT_REPLACED}"}}
    )
    assert endpoints.models == EndpointConfig(
        None, "https://models.example/models/default", {"wait_time_between_pulls": 10}
    )
    assert endpoints.get("lock_store") is None
    assert endpoints.get("model_groups") is None


def test_an_empty_file_has_no_sections(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n").event_broker is None


def test_the_old_name_of_type_is_understood(tmp_path: Path) -> None:
    tracker_store = read(tmp_path, "tracker_store:\n  store_type: redis\n").tracker_store
    assert tracker_store == EndpointConfig("redis")


def test_a_list_of_servers_becomes_one_url(tmp_path: Path) -> None:
    broker = read(tmp_path, "event_broker:\n  type: kafka\n  url: [one:9092, two:9092]\n").event_broker
    assert broker == EndpointConfig("kafka", "one:9092,two:9092")


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    text = """
defaults: &defaults {username: rasa, password: a}
event_broker:
  <<: *defaults
  password: b
"""
    broker = read(tmp_path, text).event_broker
    assert broker == EndpointConfig(None, None, {"username": "rasa", "password": "b"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${A}", "x"),
        ("a-${A}-${B}", "a-x-y"),
        ("$A", "$A"),
        ("$A-${B}", "x-y"),
        ("$UNSET-${B}", "$UNSET-y"),
        ("'${A}'", "${A}"),
        ('"${A}"', "${A}"),
        ("{a: '${A}', b: [1]}", {"a": "${A}", "b": [1]}),
        ("[1.5, true, ~]", [1.5, True, None]),
    ],
)
def test_variables_are_replaced_in_plain_values_as_rasa_does(tmp_path: Path, value: str, expected: object) -> None:
    broker = read(tmp_path, f"event_broker:\n  value: {value}\n", {"A": "x", "B": "y"}).event_broker
    assert broker is not None
    assert broker.params["value"] == expected


def test_passwords_are_not_shown(tmp_path: Path) -> None:
    assert "12345" not in repr(read(tmp_path, RASA, ENVIRONMENT))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("event_broker:\n  url: ${NOWHERE}\n", "line 2: the environment variable NOWHERE is not set; set it"),
        ("event_broker:\n  url: a\n  url: b\n", "line 3: `url` stands here twice; remove one"),
        ("event_broker: {}\nevent_broker: {}\n", "line 2: `event_broker` stands here twice"),
        ("event_broker: pika\n", "line 1: `event_broker` is not a mapping; write `type:`"),
        ("- event_broker\n", "line 1: the file is not a mapping"),
        ("event_broker:\n  type: [pika]\n", "`type` of `event_broker` is not a text"),
        ("event_broker:\n  url: 'open\n", "line 3: not readable as YAML .*correct it"),
        ("event_broker:\n\ttype: pika\n", "line 2: not readable as YAML"),
        ("event_broker:\n  url: !!python/object:os.system x\n", "line 2: not readable as YAML"),
        ("event_broker:\n  url: *nowhere\n", "line 2: not readable as YAML"),
        ("a: &a [*a]\n", "line 1: too many or too deep values"),
        ("a: &a\n  <<: *a\n", "too many or too deep values"),
        ("<<: 3\n", "line 1: `<<` needs a mapping"),
        (f"a: {'[' * 100}{']' * 100}\n", "too many or too deep values"),
        (f"a: {'[' * 5000}{']' * 5000}\n", "not readable as YAML"),
        ("a: {b: 2024-99-99}\n", "line 1: '2024-99-99' is not a value"),
        (b"a: \xff\n", "not UTF-8 at byte 3"),
        (b"a: \x00\n", "not readable as YAML"),
        ("#" * 1_000_001, "larger than 1000000 bytes"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_file_and_line(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(EndpointsError, match=message) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "endpoints.yml"))
    assert "\n" not in str(caught.value)


def test_aliases_cannot_grow_without_bound(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 9)]
    with pytest.raises(EndpointsError, match="too many or too deep values"):
        read(tmp_path, "\n".join(lines))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(EndpointsError, match=r"nowhere.yml: cannot be read \(No such file"):
        read_endpoints(tmp_path / "nowhere.yml")
