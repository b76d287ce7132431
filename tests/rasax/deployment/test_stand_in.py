"""The stand-in for Rasa answers as the real one was recorded to, and trains, calls back and pulls as it does."""

import io
import json
import tarfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.servers.rasa import RasaStandIn
from tests.servers.rasa_dialogue import HTTP

pytestmark = pytest.mark.once

SAME = [
    "version", "domain json", "domain default accept", "story unknown", "predict unknown", "execute no name",
    "execute unknown action", "trigger_intent unknown", "parse", "parse no text", "test/stories", "test/intents",
    "test/intents cross_validation", "test/intents 1 fold", "PUT model bad path", "PUT model empty", "DELETE model",
    "events POST not json",
]  # fmt: skip


def ask(url, recorded):
    request = recorded["request"]
    query = "&".join(f"{name}={value}" for name, value in request.get("params", {}).items())
    body = json.dumps(request["json"]).encode() if "json" in request else request.get("data", "").encode() or None
    headers = {"Accept": "*/*", **request.get("headers", {})}
    asked = urllib.request.Request(f"{url}{request['path']}?{query}", body, headers, method=request["method"])
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("title", SAME)
def test_it_answers_as_recorded(title):
    recorded = HTTP[title]
    with RasaStandIn() as rasa:
        status, body = ask(rasa.url, recorded)
    assert status == recorded["status"]
    assert (json.loads(body) if body else None) == recorded["body"]


def test_without_a_model_it_answers_as_recorded():
    with RasaStandIn() as rasa:
        rasa.model = None
        status, body = ask(rasa.url, HTTP["status"])
    recorded = HTTP["status without model"]["body"]
    assert (status, json.loads(body)["message"]) == (409, recorded["message"])


@pytest.fixture
def callbacks():
    """A server that keeps what is posted to it."""
    kept = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.append((self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", kept
        server.shutdown()


@pytest.mark.parametrize(("version", "member"), [("3.6.21", "metadata.json"), ("2.8.34", "fingerprint.json")])
def test_it_trains_and_posts_the_model(callbacks, version, member):
    address, kept = callbacks
    with RasaStandIn(version) as rasa:
        train(rasa, f"{address}/callback?secret=s")
        rasa.wait()
    [(path, kind, body)] = kept
    assert (path, kind) == ("/callback?secret=s", "application/x-tar")
    with tarfile.open(fileobj=io.BytesIO(body)) as tar:
        assert member in tar.getnames()


@pytest.mark.parametrize(("how", "times"), [("twice", 2), ("never", 0), ("error", 1)])
def test_it_calls_back_as_it_is_told(callbacks, how, times):
    address, kept = callbacks
    with RasaStandIn() as rasa:
        rasa.training = how
        train(rasa, address)
        rasa.wait()
    assert len(kept) == times
    if how == "error":
        assert json.loads(kept[0][2])["message"] == "Ran training, but it finished without a trained model."


def train(rasa, callback_url):
    request = {"method": "POST", "path": "/model/train", "params": {"callback_url": callback_url}, "data": "nlu: []"}
    request["headers"] = {"Content-Type": "application/x-yaml"}
    assert ask(rasa.url, {"request": request}) == (204, b"")
