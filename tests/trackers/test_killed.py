"""Copies and exports that are killed in the middle; test_import.py has the imports."""

import json
import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

from tests.deployment import Deployment
from tests.trackers.conftest import MANY


def start_and_kill(deployment: Deployment, *command: str) -> None:
    process = deployment.start("manage.py", *command)
    deployment.wait_until(lambda: bool(deployment.ask("SELECT 1 FROM events_brokerposition")), "position", 60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_copy_killed_in_the_middle_goes_on_and_writes_each_event_once(
    deployment: Deployment, many: tuple[Path, int], tmp_path: Path, endpoints: Any
) -> None:
    source, expected = many
    target = endpoints(type="SQL", db=str(tmp_path / "copy.db"))
    count = "SELECT count(*), count(DISTINCT sender_id || data) FROM events"
    start_and_kill(deployment, "copy_tracker_store", str(source), str(target))
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert 0 < copy.execute(count).fetchone()[0] < expected
        done = deployment.manage("copy_tracker_store", str(source), str(target))
        assert "Going on after" in done.stderr
        assert copy.execute(count).fetchone() == (expected, expected)
        again = deployment.manage("copy_tracker_store", str(source), str(target))
        assert f"{expected:,}" in again.stdout
        assert copy.execute(count).fetchone() == (expected, expected)


def test_an_export_killed_in_the_middle_goes_on_and_leaves_nothing_out(
    deployment: Deployment, many: tuple[Path, int], tmp_path: Path, endpoints: Any
) -> None:
    deployment.manage("import_conversations", str(many[0]))
    log = tmp_path / "exported.log"
    target = endpoints("event_broker", type="file", path=str(log))
    start_and_kill(deployment, "export_conversations", "--to-broker", str(target))
    before = log.read_text().count("\n")
    assert 0 < before < many[1]
    assert "Going on after" in deployment.manage("export_conversations", "--to-broker", str(target)).stderr
    sent = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(sent) < before + many[1]
    assert len({(event["sender_id"], event["timestamp"], event["event"]) for event in sent}) == many[1]
    assert len({event["sender_id"] for event in sent}) == MANY - 1
