"""A large model goes in and out of a real server by parts: nothing holds it in memory, on either way."""

import hashlib
import http.client
import re
import time
from pathlib import Path

import pytest

from tests.deployment import Deployment
from tests.servers.rasa_models import archive
from tests.web import Web

pytestmark = pytest.mark.once

SIZE = 160 * 2**20
MAKE_TOKEN = """
from django.contrib.auth.models import Group
from rasax.accounts.models import ApiToken, User
user = User.objects.create(username="script")
user.groups.set(Group.objects.filter(name="admin"))
print(ApiToken.objects.make(user, "upload")[1])
"""
TAG = 'from rasax.deployment.models import Model; Model.objects.get().put_tag("production", None)'


@pytest.fixture
def web(tmp_path):
    url = f"sqlite:///{tmp_path / 'large.sqlite3'}"
    with Deployment(url, "memory://large", SERVICE_TOKEN="s" * 40) as deployment, Web(deployment) as web:
        yield web


def most_memory(pid):
    """The most that the process ever held, in bytes."""
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1]) * 1024


def send(web, token, content, announced=0):
    head = b'--cut\r\nContent-Disposition: form-data; name="model"; filename="large.tar.gz"\r\n\r\n'
    tail = b"\r\n--cut--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    connection.putrequest("POST", "/api/projects/default/models")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=cut")
    connection.putheader("Content-Length", str(announced or len(head) + len(content) + len(tail)))
    connection.endheaders()
    for part in (head, *(content[start : start + 2**20] for start in range(0, len(content), 2**20)), tail):
        connection.send(part)
    if announced:
        return connection.close()
    return connection.getresponse()


def fetch(web):
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=120)
    connection.request("GET", f"/api/models/tags/production?token={'s' * 40}")
    answer, digest = connection.getresponse(), hashlib.sha256()
    while part := answer.read(2**20):
        digest.update(part)
    return answer, digest.hexdigest()


def test_a_large_model_is_held_in_memory_neither_on_its_way_in_nor_out(web):
    token = web.deployment.manage("shell", "-c", MAKE_TOKEN).stdout.split()[-1]
    fetch(web)  # what a process holds after its first request is there before
    content = archive(size=SIZE)
    before = most_memory(web.process.pid)
    answer = send(web, token, content)
    assert answer.status == 201, answer.read()
    assert most_memory(web.process.pid) - before < SIZE / 4
    web.deployment.manage("shell", "-c", TAG)
    served, digest = fetch(web)
    assert (served.status, digest) == (200, hashlib.sha256(content).hexdigest())
    assert most_memory(web.process.pid) - before < SIZE / 4
    [kept] = (web.deployment.folder / "run" / "models").iterdir()
    assert kept.stat().st_size == len(content)


def test_of_an_upload_that_breaks_off_nothing_is_kept(web):
    token = web.deployment.manage("shell", "-c", MAKE_TOKEN).stdout.split()[-1]
    content = archive(size=4 * 2**20)
    send(web, token, content[:-1000], announced=len(content) + 10_000)
    time.sleep(1)
    count = "from rasax.deployment.models import Model; print('kept', Model.objects.count())"
    assert "kept 0" in web.deployment.manage("shell", "-c", count).stdout
    folder = web.deployment.folder / "run" / "models"
    assert not folder.exists() or not list(folder.iterdir())
