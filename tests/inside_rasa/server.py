"""A real Rasa server of the small bot in `bot/`, on a free port, with the tracker store that a test names."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.process import HOST, free_port

ROOT = Path(__file__).parents[2]
BOT = Path(__file__).parent / "bot"
SECONDS_TO_START = 180


def rasa_python() -> str:
    python = os.environ.get("RASA_PYTHON")
    return python or pytest.fail("set RASA_PYTHON to the Python that Rasa 3.6 is installed in, or run make test-rasa")


def environment() -> dict[str, str]:
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONWARNINGS": "ignore"}
    return {**os.environ, **quiet, "PYTHONPATH": str(ROOT)}


def train(folder: Path) -> Path:
    """The bot's model; its rules and keywords need no training that takes time."""
    arguments = ["train", "--config", str(BOT / "config.yml"), "--domain", str(BOT / "domain.yml")]
    arguments += ["--data", str(BOT / "data"), "--out", str(folder), "--fixed-model-name", "bot"]
    run = subprocess.run(
        [rasa_python(), "-m", "rasa", *arguments],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    return folder / "bot.tar.gz"


@contextmanager
def rasa_server(
    model: Path, folder: Path, tracker_store: dict[str, Any], credentials: str = "rest:\n", **endpoints: Any
) -> Iterator[str]:
    """Its URL, from when it answers until the block ends; `endpoints` are more of endpoints.yml."""
    folder.mkdir()
    known, allowed, log = folder / "endpoints.yml", folder / "credentials.yml", folder / "log"
    known.write_text(json.dumps({"tracker_store": tracker_store, **endpoints}))
    allowed.write_text(credentials)
    port = free_port()
    arguments = ["run", "--enable-api", "-i", HOST, "-p", str(port), "--model", str(model)]
    arguments += ["--endpoints", str(known), "--credentials", str(allowed)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [rasa_python(), "-m", "rasa", *arguments], cwd=folder, env=environment(), stdout=output, stderr=output
        )
    try:
        url = f"http://{HOST}:{port}"
        _wait(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and server.poll() is None:
        try:
            call(url, "/version")  # it listens when it has loaded its model, if there is one
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"The Rasa server did not start:\n{log.read_text()[-3000:]}")


def call(url: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())
