"""Any number of migration services may start at once, on an empty database or an old one, and any may be killed."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import product
from uuid import uuid4

import psycopg2
import pytest

from tests.deployment import ROOT
from tests.long import LONG

pytestmark = pytest.mark.chaos

ROUNDS = 20 if LONG else 1
SIZES = [2, 5, 10] if LONG else [5]
OLD_ROWS = [
    "INSERT INTO events_conversation (key, sender_id, first_event_time, latest_event_time, n_events, n_user_messages,"
    " first_user_text, first_user_text_time, latest_text, latest_text_time, latest_input_channel,"
    " latest_input_channel_time, model_id, assistant_id, model_time)"
    f" VALUES ('{uuid4().hex}', 'ann', 1, 2, 1, 1, 'hi', 1, 'hi', 1, 'rest', 1, '', '', -1)",
    "INSERT INTO events_event (conversation_id, timestamp, digest, type, text, data)"
    """ VALUES (1, 1.0, 1, 'user', 'hi', '{"event": "user", "timestamp": 1.0, "text": "hi"}')""",
]
COUNTED = ["django_migrations", "auth_permission", "django_content_type", "auth_group", "auth_group_permissions"]


class OnPostgresql:
    what_there_is = (
        "SELECT table_name || column_name || data_type || is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' UNION SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " UNION SELECT conrelid::regclass || pg_get_constraintdef(oid) FROM pg_constraint"
    )

    def __init__(self, request):
        self.server = request.getfixturevalue("postgres")

    def new(self, template=""):
        name, template = f"crowd_{uuid4().hex}", template.rpartition("/")[2] or "template1"
        with closing(psycopg2.connect(self.server.url())) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.server.url(name)

    def connect(self, url):
        return psycopg2.connect(url)


class OnSQLite:
    what_there_is = "SELECT coalesce(sql, name) FROM sqlite_master"

    def __init__(self, request):
        self.folder = request.getfixturevalue("tmp_path_factory").mktemp("crowd")

    def new(self, template=""):
        path = self.folder / f"{uuid4().hex}.sqlite3"
        if template:
            shutil.copy(template.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def connect(self, url):
        return sqlite3.connect(url.removeprefix("sqlite:///"))


@pytest.fixture(scope="module", params=[OnPostgresql, OnSQLite], ids=["PostgreSQL", "SQLite"])
def kind(request):
    return request.param(request)


@pytest.fixture(scope="module")
def gather():
    """Has a crowd migrate; how the killed and the others ended."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.crowd"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(url, size, n_killed=0, work="serve", seed=0):
            asked = {"url": url, "work": work, "size": size, "n_killed": n_killed, "seed": seed}
            print(json.dumps(asked), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope="module")
def old(kind, gather):
    """A database as an old rasax left it, with a conversation in it."""
    url = kind.new()
    assert gather(url, 1, work="age")["ended"] == [0]
    with closing(kind.connect(url)) as connection:
        for statement in OLD_ROWS:
            connection.cursor().execute(statement)
        connection.commit()
    return url


def described(kind, url):
    with closing(kind.connect(url)) as connection:
        cursor = connection.cursor()
        cursor.execute(kind.what_there_is)
        return {row[0] for row in cursor.fetchall()}, [count(cursor, table) for table in COUNTED]


def count(cursor, table):
    cursor.execute(f"SELECT count(*) FROM {table}")
    return cursor.fetchone()[0]


def test_any_number_may_start_at_once_and_any_may_be_killed(kind, old, gather):
    chance, results = random.Random(11), []
    for _ in range(ROUNDS):
        for template, size in product(("", old), SIZES):
            url = kind.new(template)
            n_killed = chance.choice([0, size // 2, size]) if LONG else (size if template else size // 2)
            ends = gather(url, size, n_killed, seed=chance.randrange(10**6))
            if size == n_killed:  # the next start completes what they began
                ends = gather(url, 1)
            assert set(ends["ended"]) == {0}, f"{size} with {n_killed} killed: {ends}"
            results.append(described(kind, url))
    assert all(result == results[0] for result in results)
    print(f"{len(results)} crowds on {type(kind).__name__}: none failed")


def test_django_s_own_migrate_would_be_found_out(kind, gather):
    if isinstance(kind, OnSQLite) and not LONG:
        return
    assert any(gather(kind.new(), 5, work="plain")["ended"])
