"""A real worker asks Rasa servers how they are, without being told to."""

import sqlite3

import pytest

from tests.deployment import Deployment

pytestmark = pytest.mark.once
ADD = """
from rasax.deployment.models import RasaServer
RasaServer.objects.add(None, name="production", url="{url}", token="tok3n", use="production")
"""


def test_a_worker_keeps_what_a_server_says_up_to_date(tmp_path, rasa):
    path = tmp_path / "worker.sqlite3"

    def told():
        with sqlite3.connect(path, timeout=20) as connection:
            return connection.execute("SELECT version, reason FROM deployment_rasaserver").fetchone()

    with Deployment(f"sqlite:///{path}", "memory://worker", ALLOW_PRIVATE_ADDRESSES="1") as deployment:
        deployment.manage("shell", "-c", ADD.format(url=rasa.url))
        deployment.start_worker()
        deployment.wait_until(lambda: told() == ("3.6.21", ""), "answer of the server")
        rasa.stop()
        deployment.wait_until(lambda: told() == ("3.6.21", "unreachable"), "failure of the server")
