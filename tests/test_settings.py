"""A wrong setting stops the start with one line that says what to set, or is a check with an id and a hint."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import ERROR, WARNING

from events import checks
from rasax import env
from rasax.deployment import checks as deployment_checks
from rasax.training import checks as training_checks

pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

ROOT = Path(__file__).parent.parent
KEY = "a-long-text-that-only-this-test-knows-0123456789"


def manage(tmp_path, *arguments, **variables):
    """manage.py in a process of its own, with these variables and no others of ours."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *(arguments or ["check"])],
        env={
            **inherited, "SECRET_KEY": KEY, "ENCRYPTION_KEYS": KEY, "RASAX_RUN_DIR": str(tmp_path),
            "RASAX_URL": "http://rasax:8000", **variables,
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip


WRONG = {
    "no SECRET_KEY": ({"SECRET_KEY": ""}, "SECRET_KEY"),
    "a SECRET_KEY_FILE that is not there": ({"SECRET_KEY_FILE": "/nowhere/key"}, "SECRET_KEY_FILE"),
    "a flag that is neither on nor off": ({"DEBUG": "perhaps"}, "DEBUG"),
    "an HTTPS that is neither on nor off": ({"HTTPS": "maybe"}, "HTTPS"),
    "an ALLOW_PRIVATE_ADDRESSES of ranges": (
        {"ALLOW_PRIVATE_ADDRESSES": "10.0.0.0/8"},
        "ALLOW_PRIVATE_ADDRESSES",
    ),
    "a MODEL_SIZE_LIMIT_MB that is no number": ({"MODEL_SIZE_LIMIT_MB": "much"}, "MODEL_SIZE_LIMIT_MB"),
    "a MODEL_STORAGE_URL of an unknown kind": ({"MODEL_STORAGE_URL": "ftp://host/x"}, "MODEL_STORAGE_URL"),
    "a DATABASE_URL that is no URL": ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
    "a DATABASE_URL of an unknown kind": ({"DATABASE_URL": "foo://host/name"}, "DATABASE_URL"),
}


@pytest.mark.parametrize(("variables", "name"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_is_one_line_that_says_what_to_set(tmp_path, variables, name):
    run = manage(tmp_path, **variables)
    assert run.returncode == 2
    assert run.stdout == ""
    assert re.fullmatch(rf"rasax cannot start: .*\b{name}\b.*\n", run.stderr), run.stderr


def test_the_commands_of_our_own_say_it_in_one_line_too(tmp_path):
    run = manage(tmp_path, "consume_events", SECRET_KEY="")
    assert run.stderr.count("\n") == 1
    assert run.returncode == 2


def test_right_settings_start(tmp_path):
    run = manage(tmp_path, EVENT_BROKER_URL="memory://check")
    assert run.returncode == 0, run.stderr
    assert "no issues" in run.stdout


def test_tokens_of_rasa_servers_want_a_key(tmp_path):
    run = manage(tmp_path, EVENT_BROKER_URL="memory://check", ENCRYPTION_KEYS="")
    assert run.returncode == 1
    assert "(deployment.E001) ENCRYPTION_KEYS is not set" in run.stderr
    assert "HINT: " in run.stderr


def test_a_failed_check_shows_its_id_and_hint(tmp_path):
    run = manage(tmp_path, EVENT_BROKER_URL="smoke://signals")
    assert run.returncode == 1
    assert "(events.E003) EVENT_BROKER_URL names no usable event broker" in run.stderr
    assert "HINT: " in run.stderr
    assert "Traceback" not in run.stderr


def test_a_value_may_come_from_a_file(monkeypatch, tmp_path):
    path = tmp_path / "secret"
    path.write_text("from the file\n")
    monkeypatch.setenv("SOMETHING_FILE", str(path))
    assert env.text("SOMETHING", "default") == "from the file"
    monkeypatch.setenv("SOMETHING_FILE", "")
    assert env.text("SOMETHING", "default") == "default"


@pytest.mark.parametrize(("value", "read"), [("1", True), ("Yes", True), ("off", False), ("", True)])
def test_a_flag_is_read(monkeypatch, value, read):
    monkeypatch.setenv("SOMETHING", value)
    assert env.flag("SOMETHING", default=True) is read


def test_every_variable_is_explained_in_the_documentation():
    reading = re.compile(r'env\.(?:text|flag|words|whole|one_of)\(\s*"(\w+)"')
    read = set(reading.findall((ROOT / "rasax/settings.py").read_text()))
    explained = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert "SECRET_KEY" in read
    assert read - explained == set()
    assert explained - read == set()


def test_every_check_is_listed_in_the_documentation():
    paths = ("events", "rasax/deployment", "rasax/training")
    sources = [(ROOT / path / "checks.py").read_text() for path in paths]
    ids = set(re.findall(r'"(\w+\.[EW]\d+)"|"(E\d+)"', "".join(sources)))
    named = {whole or f"events.{short}" for whole, short in ids}
    listed = set(re.findall(r"^\| `(\w+\.\w\d+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert named == listed


@pytest.fixture
def complaints(settings):
    """Runs the checks with these settings: the ids of what they find, each with a hint."""
    settings.EVENT_BROKER_URL, settings.RASA_ENDPOINTS = "memory://check", ""

    def run(**changed):
        for name, value in changed.items():
            setattr(settings, name, value)
        functions = [f for name, f in vars(checks).items() if name.startswith("check_")]
        functions += [training_checks.check_followers, deployment_checks.check_training_data]
        found = [message for function in functions for message in function(app_configs=None)]
        assert all(message.hint for message in found)
        assert all(message.level == (ERROR if ".E" in message.id else WARNING) for message in found)
        return [message.id for message in found]

    return run


def database(engine):
    return {"default": {"ENGINE": f"django.db.backends.{engine}"}}


SETTINGS = {
    "both brokers": ({"RASA_ENDPOINTS": "endpoints.yml"}, "events.E001"),
    "no broker": ({"EVENT_BROKER_URL": ""}, "events.W001"),
    "a broker of no known kind": ({"EVENT_BROKER_URL": "smoke://signals"}, "events.E003"),
    "a broker that is no URL": ({"EVENT_BROKER_URL": "localhost"}, "events.E003"),
    "Oracle": ({"DATABASES": database("oracle")}, "events.E006"),
    "a replica of SQLite": (
        {"DATABASES": {**database("sqlite3"), "replica": database("sqlite3")["default"]}},
        "events.E012",
    ),
    "PostgreSQL without Redis": ({"DATABASES": database("postgresql")}, "events.W002"),
    "a Redis that is no URL": ({"REDIS_URL": "redis:6379"}, "events.E010"),
    "a Celery broker that is none": ({"CELERY_BROKER_URL": "redis://localhost"}, "events.E011"),
    "a short key": ({"SECRET_KEY": "short"}, "events.W003"),
    "any host": ({"ALLOWED_HOSTS": ["*"]}, "events.W004"),
    "a follower that is not there": ({"EVENT_FOLLOWERS": ["rasax.nowhere.follow"]}, "events.E008"),
    "training data that is not there": ({"TRAINING_DATA": "rasax.nowhere.files"}, "deployment.E005"),
    "training data that is no function": ({"TRAINING_DATA": "rasax.settings.BASE_DIR"}, "deployment.E006"),
    "a follower of training data that is not there": ({"TRAINING_FOLLOWERS": ["rasax.nowhere.f"]}, "training.E001"),
    "such a follower that is no function": ({"TRAINING_FOLLOWERS": ["rasax.settings.BASE_DIR"]}, "training.E002"),
    "a follower that is no function": ({"EVENT_FOLLOWERS": ["rasax.settings.BASE_DIR"]}, "events.E009"),
}


@pytest.mark.parametrize(("changed", "expected"), SETTINGS.values(), ids=SETTINGS.keys())
def test_misuse_is_found(complaints, changed, expected):
    assert complaints(**changed) == [expected]


def test_good_settings_pass(complaints):
    assert complaints() == []
    assert complaints(DATABASES=database("postgresql"), REDIS_URL="redis://host") == []


def test_debugging_may_be_careless(complaints):
    assert complaints(DEBUG=True, SECRET_KEY="short", ALLOWED_HOSTS=["*"]) == []


ENDPOINTS = {
    "no such file": None,
    "no YAML": "event_broker: [",
    "no section": "tracker_store:\n  type: sql\n",
    "an unset variable": "event_broker:\n  type: pika\n  url: ${NOT_SET_ANYWHERE}\n",
    "an unknown type": "event_broker:\n  type: pigeon\n",
}


@pytest.mark.parametrize("text", ENDPOINTS.values(), ids=ENDPOINTS.keys())
def test_an_endpoints_file_that_cannot_be_used_is_found(complaints, tmp_path, text):
    path = tmp_path / "endpoints.yml"
    if text is not None:
        path.write_text(text)
    assert complaints(EVENT_BROKER_URL="", RASA_ENDPOINTS=str(path)) == ["events.E002"]


def test_a_good_endpoints_file_passes_though_its_broker_is_down(complaints, tmp_path):
    path = tmp_path / "endpoints.yml"
    path.write_text("event_broker:\n  type: pika\n  url: localhost\n  port: 1\n  username: a\n  password: b\n")
    assert complaints(EVENT_BROKER_URL="", RASA_ENDPOINTS=str(path)) == []


def test_a_broker_s_password_is_not_shown(complaints, settings):
    settings.EVENT_BROKER_URL = "amqp://guest:swordfish@host:port/"
    assert all("swordfish" not in str(message) for message in checks.check_event_broker())


def test_packages_that_must_not_be_there_are_found(complaints, monkeypatch):
    monkeypatch.setattr(checks, "find_spec", lambda name: object())
    monkeypatch.setattr(checks, "distribution", lambda name: object())
    assert complaints() == ["events.E004", "events.E005"]


def test_an_old_sqlite_is_found(complaints, monkeypatch):
    monkeypatch.setattr(checks.sqlite3, "sqlite_version_info", (3, 34, 1))
    assert complaints(DATABASES=database("sqlite3")) == ["events.E007"]


def test_the_address_for_rasa_servers_and_the_project_are_looked_at(tmp_path):
    assert "(deployment.W001) RASAX_URL is not set" in manage(tmp_path, RASAX_URL="").stderr
    for url in ("rasax:8000", "ftp://rasax", "http://a:b@rasax", "http://rasax/?x=1"):
        assert "(deployment.E003) RASAX_URL is" in manage(tmp_path, RASAX_URL=url).stderr
    assert "(deployment.E004) RASA_PROJECT names" in manage(tmp_path, RASA_PROJECT=str(tmp_path / "none")).stderr
    assert "TRAINING_TIMEOUT is '0'" in manage(tmp_path, TRAINING_TIMEOUT="0").stderr
