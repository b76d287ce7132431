"""A backup is made while events arrive, and goes into an empty installation of either database."""

import json
import os
import shutil
import zipfile
from dataclasses import replace
from hashlib import sha256
from signal import SIGKILL

import pytest

from rasax.deployment.backup import archive, values
from rasax.deployment.backup.archive import Archive
from rasax.deployment.backup.tables import kept_tables
from rasax.settings import _database
from tests.installations import TOMORROW, Crew, Installation
from tests.long import LONG
from tests.migrated import migrate
from tests.servers.pgbouncer import PgBouncerServer

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def crew():
    with Crew() as crew:
        yield crew


@pytest.fixture(scope="module")
def new(crew, tmp_path_factory):
    """Makes installations, on SQLite or on the PostgreSQL that is given; empty ones have no tables either."""
    made = []

    def make(postgres=None, crew=crew, empty=False):
        folder = tmp_path_factory.mktemp("installation")
        made.append(folder)
        name = f"backup_{len(made)}_{os.getpid()}"
        url = postgres.create_database(name) if postgres else f"sqlite:///{folder / 'rasax.sqlite3'}"
        if not empty:
            migrate(url)
        return Installation(crew, url, folder / "models")

    return make


@pytest.fixture(scope="module")
def full(new):
    """An installation on SQLite with a row of everything."""
    installation = new()
    installation.do("fill")
    return installation


@pytest.fixture(scope="module")
def made(full, tmp_path_factory):
    path = tmp_path_factory.mktemp("backup") / "rasax.backup"
    full.manage("backup", str(path))
    return path


def test_a_backup_of_either_database_makes_the_same_installation_on_either(full, made, new, postgres, tmp_path):
    everything = full.contents()
    assert sum(everything[table].startswith("0 ") for table in kept_tables()) < 20  # of packages that we use little of
    assert len(everything["files"]) == 1
    on_postgresql = new(postgres)
    replace(on_postgresql, settings=TOMORROW).manage("migrate", "-v0")
    said = on_postgresql.manage("restore", str(made))
    assert "Restored what rasax" in said
    assert on_postgresql.contents() == everything
    by_month = new(postgres)
    for installation in (on_postgresql, by_month):
        installation.manage("partition_events")
    on_postgresql.manage("backup", str(tmp_path / "again"))
    for back in (new(), new(postgres), by_month):  # as `migrate` has left them, and apart by month
        back.manage("restore", str(tmp_path / "again"))
        assert back.contents() == everything
        assert back.do("token") == "tok3n"
        assert back.do("found", "quoted") == 1
        back.do("more")  # numbers that were given are not given again
    assert by_month.do("without_a_month") == 0  # an event of each month that there was before came to its table


def test_a_restore_that_is_killed_leaves_nothing_that_looks_whole_and_is_completed_by_the_next(
    full, made, new, postgres, tmp_path
):
    everything = full.contents()
    for target in [new(empty=True), *([new(postgres, empty=True)] if LONG else [])]:
        for where in ("migrate", "events_event"):  # while tables are made, and with some rows written
            assert target.ends("die_restoring", str(made), where) == -SIGKILL
            said = "A restore into this database did not end (rasax.backup, begun at"
            assert said in target.do("refused")
        for command in (["doctor"], ["migrate"], ["backup", str(tmp_path / "never")]):
            assert said in target.fails(*command)
        target.manage("restore", str(made))
        assert target.contents() == everything
        assert target.do("refused") == ""


def test_a_restore_over_the_same_schema_is_whole_or_nothing(made, new, postgres):
    for target in [new(postgres), *([new()] if LONG else [])]:
        before = target.contents()
        assert target.ends("die_restoring", str(made), "events_event") == -SIGKILL
        assert target.contents()["events_event"] == before["events_event"]
        assert target.do("refused") == ""


def test_behind_a_pooler_it_is_made_there_and_restored_past_it(full, made, new, postgres, tmp_path):
    target = new(postgres)
    direct = target.url
    with PgBouncerServer(postgres) as bouncer:
        target.url = bouncer.url(direct.rpartition("/")[2])
        assert "Set DIRECT_DATABASE_URL" in target.fails("restore", str(made))
        target.settings = {"DIRECT_DATABASE": _database(direct)}
        target.manage("restore", str(made))
        assert target.contents() == full.contents()
        target.manage("backup", str(tmp_path / "pooled"))
    with Archive(tmp_path / "pooled") as pooled, Archive(made) as direct:
        pooled.verify()
        assert {n: k.rows for n, k in pooled.manifest.tables.items()} == {
            n: k.rows for n, k in direct.manifest.tables.items()
        }


def test_what_is_written_while_it_is_made_is_in_it_whole_or_not_at_all(new, postgres, tmp_path):
    for live in (new(postgres), new()):
        with live.doing("write_on"):
            live.do("wait_for_events", 300)
            path = tmp_path / f"{live.url.partition(':')[0]}.backup"
            live.manage("backup", str(path))
            kept = rows(path, "events_event")
            live.do("wait_for_events", kept + 50)  # nobody was held up
        empty = new()
        empty.manage("restore", str(path))
        assert empty.do("counted") == [kept, kept]


def rows(path, table):
    with Archive(path) as backup:
        return backup.manifest.tables[table].rows


def test_what_cannot_be_restored_leaves_everything_as_it_was(full, made, new, tmp_path):
    target = new()
    before = target.contents()
    broken = tmp_path / "broken"
    size = made.stat().st_size
    for cut in (0, 1000, size // 2, size - 1):
        broken.write_bytes(made.read_bytes()[:cut])
        assert "was cut off" in target.fails("restore", str(broken))
    for number, damage in enumerate((a_changed_event, an_event_more, a_missing_piece, a_hostile_name)):
        path = damage(made, tmp_path / f"{number}")
        assert f"{path} was not restored. " in target.fails("restore", str(path))
    assert "is not in it" not in target.fails("restore", str(tmp_path / "nowhere"))
    assert target.contents() == before
    assert "This installation has conversations, models, training data." in full.fails("restore", str(made))
    with target.doing("beat"):
        target.do("wait_for_beat")
        assert "The event service host:1 works on this database" in target.fails("restore", "--overwrite", str(made))


def changed(made, path, changes):
    """A copy with other members, or without them; the manifest is as it was, unless it is among them."""
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        contents = {name: old.read(name) for name in old.namelist()}
        contents |= {name: change(contents) for name, change in changes.items()}
        for name, content in contents.items():
            if content is not None:
                new.writestr(name, content)
    return path


EVENTS = archive.piece_of("events_event", 0)


def another_event(contents):
    first = contents[EVENTS].splitlines(keepends=True)[0]
    return contents[EVENTS] + b"999999" + first[first.index(b"\t") :].replace(b"\t", b"\t9", 1)


def a_changed_event(made, path):
    return changed(made, path, {EVENTS: lambda contents: contents[EVENTS].replace(b"greet", b"great")})


def a_missing_piece(made, path):
    return changed(made, path, {EVENTS: lambda contents: None})


def an_event_more(made, path):
    """Found out only after it was written, since its digest is right."""

    def manifest(contents):
        told, content = json.loads(contents[archive.MANIFEST]), another_event(contents)
        told["members"][EVENTS] = [len(content), sha256(content).hexdigest()]
        return json.dumps(told)

    return changed(made, path, {EVENTS: another_event, archive.MANIFEST: manifest})


def a_hostile_name(made, path):
    hostile = (b'"events_event"', b'"events_event; DROP TABLE x"')
    return changed(made, path, {archive.MANIFEST: lambda contents: contents[archive.MANIFEST].replace(*hostile)})


def test_a_backup_takes_the_place_of_what_is_there_when_it_is_told_to(full, made, new):
    target = new()
    target.do("fill")
    files = {path.name for path in target.models.glob("*")}
    target.manage("restore", "--overwrite", str(made))
    now = target.contents()
    assert files < now["files"].keys()  # the old model's is a stray now
    assert {**now, "files": {}} == {**full.contents(), "files": {}}


def test_with_other_keys_it_says_what_would_be_lost(made, new, full):
    target = replace(new(), settings={"ENCRYPTION_KEYS": ["another-key-" * 4]})
    said = target.fails("restore", str(made))
    assert "another ENCRYPTION_KEYS; with the one that is set, the tokens of Rasa servers" in said
    target.manage("restore", "--other-keys", str(made))
    assert target.contents() == full.contents()
    assert "no key in ENCRYPTION_KEYS opens: Rasa server production" in target.fails("doctor")
    target.settings = {"SECRET_KEY": "another-key-" * 4}
    assert "people's second factors" in target.fails("restore", "--overwrite", str(made))


def test_a_backup_goes_into_a_newer_version_and_back_only_from_before(made, full, new, tmp_path):
    """How one goes back after an upgrade without what came since."""
    target = new(empty=True)
    newer = replace(target, settings=TOMORROW)
    newer.manage("restore", str(made))
    newer.manage("backup", str(tmp_path / "later"))
    said = target.fails("restore", "--overwrite", str(tmp_path / "later"))
    assert "It has a newer schema (events.0999_mood_index)" in said
    target.manage("restore", "--overwrite", str(made))
    assert target.contents() == full.contents()


def test_it_can_be_piped_and_never_takes_the_place_of_another(full, tmp_path):
    path = tmp_path / "kept"
    path.write_text("mine")
    assert "exists; choose another name" in full.fails("backup", str(path))
    full.do("pipe", str(tmp_path / "piped"))
    with Archive(tmp_path / "piped") as piped:
        piped.verify()


def test_a_model_file_that_is_gone_is_named(full, new, tmp_path):
    copy = new()
    shutil.copy(full.url.removeprefix("sqlite:///"), copy.url.removeprefix("sqlite:///"))
    said = copy.manage("backup", str(tmp_path / "without"))
    assert "is not in the storage; the backup is without it" in said


def test_values_come_back_as_sqlite_had_them():
    kinds = ["flag", "uuid", "time", "time", "bytes", "real", "whole", "text", "text", "text"]
    row = [
        1, "0" * 31 + "f", "2026-01-02 03:04:05.120000", "2026-01-02 03:04:05", b"\\x\x00\n", 0.1, -5, "", None,
        "a\tb\nc\\N\rd\ve\\",
    ]  # fmt: skip
    written = values.line(row, kinds)
    assert written.count(b"\n") == 1
    assert values.row(written, kinds) == row
    # As PostgreSQL writes them.
    assert values.row(b"2026-01-02 03:04:05.12+00\t\\N\n", ["time", "text"]) == [row[2], None]
