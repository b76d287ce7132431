"""Several web processes at one port: any of them tells of all."""

import re
import urllib.request

import pytest

from tests.deployment import Deployment
from tests.servers.process import free_port

pytestmark = pytest.mark.once

TOKEN = "prometheus-only"


def ask(port, path):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def pages_served(port):
    pattern = r'^rasax_request_seconds_count\{method="GET",status="200",view="/accounts/login"\} (\S+)$'
    found = re.search(pattern, ask(port, "/metrics"), re.MULTILINE)
    return float(found[1]) if found else 0


def test_web_processes_that_share_a_port_are_counted_together(tmp_path):
    together, port = tmp_path / "together", free_port()
    together.mkdir()
    options = {"PROMETHEUS_MULTIPROC_DIR": str(together), "METRICS_TOKEN": TOKEN}
    with Deployment(f"sqlite:///{tmp_path / 'db.sqlite3'}", **options) as deployment:
        deployment.start("-m", "uvicorn", "rasax.asgi:application", "--port", str(port), "--workers", "2")
        deployment.wait_until(lambda: len(list(together.glob("counter_*.db"))) >= 2 and answers(port), "two processes")
        for _ in range(20):
            ask(port, "/accounts/login")
        assert {pages_served(port) for _ in range(6)} == {20}


def answers(port):
    try:
        return bool(ask(port, "/health/ready"))
    except OSError:
        return False
