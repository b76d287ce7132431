"""A stand-in for a Rasa server: a real HTTP server that answers as 3.6.21 and 2.8.34 were recorded to answer.

    with RasaStandIn(token="tok3n") as rasa:       # or RasaStandIn("2.8.34")
        rasa.url                                   # http://127.0.0.1:port
        rasa.asked[-1].path, .query, .headers, .body
        rasa.fails("/status", "slow")              # see FAULTS; rasa.works() ends all
        rasa.training = "error"                    # "model", "error", "twice", "never"; rasa.wait() for the callbacks
        rasa.trusts(public_key_pem)                # whose JWTs the channel `rasa` takes
        rasa.channels = {"rest"}                   # of its credentials.yml
        rasa.takes = 0.1                           # seconds for a turn
        rasa.on_events = publish                   # called with (conversation id, events) as its event broker would be
        rasa.pull(model_server_url, token)         # one round of Rasa's model puller; returns the status

It talks about what tests/payloads/rasa_3_6_http.json has: "hello" is greet, "bye" is goodbye, "/intent" is that intent.
`python -m tests.servers.rasa PORT [VERSION]` runs one until it is stopped.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.servers import rasa_models
from tests.servers.process import HOST, free_port
from tests.servers.rasa_dialogue import HTTP, Dialogue, Json, Refuse
from tests.servers.rasa_http import FAULTS, JSON, Asked, Server, handler_of

YAML, TAR = "application/x-yaml", "application/x-tar"


class RasaStandIn(Dialogue):
    def __init__(self, version: str = "3.6.21", token: str = "", port: int | None = None) -> None:
        super().__init__(version)
        self.token, self.port = token, port or free_port()
        self.training, self.training_takes, self.jobs = "model", 0.0, 0
        self.asked: list[Asked] = []
        self.called_back: list[tuple[str, int]] = []
        self.etag: str = uuid.uuid4().hex
        self._faults: dict[str, str] = {}
        self.released = threading.Event()
        self._threads: list[threading.Thread] = []
        self._server: Server | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        self.released.clear()
        self._server = Server((HOST, self.port), handler_of(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self) -> None:
        """Down: connections are refused. start() brings it back on the same port."""
        self.released.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()
        self.wait()

    def fails(self, path: str, how: str) -> None:
        """Whatever is asked below this path."""
        assert how in FAULTS
        self._faults[path] = how

    def works(self) -> None:
        self._faults.clear()

    def wait(self, seconds: float = 10) -> None:
        """Until all callbacks were posted."""
        for thread in self._threads:
            thread.join(seconds)
        self._threads.clear()

    def in_background(self, do: Callable[..., object], *args: object) -> None:
        self._threads.append(thread := threading.Thread(target=do, args=args, daemon=True))
        thread.start()

    def fault_at(self, path: str) -> str:
        return next((how for start, how in self._faults.items() if path.startswith(start)), "")

    def pull(self, url: str, token: str = "") -> int:
        """As Rasa's model puller asks: If-None-Match is a random text first, then the last ETag as it was sent."""
        request = urllib.request.Request(
            f"{url}?token={token}" if token else url,
            headers={"If-None-Match": self.etag, "Accept": "*/*", "User-Agent": "Python/3.10 aiohttp/3.9.5"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                body, headers = answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        self.load(headers.get("filename") or "model.tar.gz", body)
        self.etag = headers["ETag"]
        return 200

    def load(self, name: str, archive: bytes) -> None:
        self.model, self.model_id = name, rasa_models.id_of(archive)

    # What its paths answer: (status, body) or (status, body, content type)

    def get_version(self, asked: Asked) -> Any:
        minimum = "2.8.9" if self.is_old else self.version
        return 200, {"version": self.version, "minimum_compatible_version": minimum}

    def get_status(self, asked: Asked) -> Any:
        if self.is_old:
            told: Json = {"model_file": self.model and f"/tmp/tmpab/{self.model}"}
            told["fingerprint"] = {"version": self.version, "trained_at": 1637600000.5} if self.model else {}
        else:
            self.needs_model()
            told = {"model_file": self.model, "model_id": self.model_id}
        return 200, told | {"num_active_training_jobs": self.jobs}

    def get_domain(self, asked: Asked) -> Any:
        self.needs_model()
        accepted = asked.headers.get("accept", "")
        if accepted not in {JSON, YAML}:
            return 406, HTTP["domain default accept"]["body"]
        return (200, HTTP["domain json"]["body"]) if accepted == JSON else (200, HTTP["domain yaml"]["body"], YAML)

    def put_model(self, asked: Asked) -> Any:
        given = asked.json() or {}
        server = given.get("model_server")
        loaded = given.get("model_file") or given.get("remote_storage")
        if server:  # a new agent, which has no model where it gets none
            self.model, self.model_id, self.etag = None, "", uuid.uuid4().hex
            self.pull(server["url"], (server.get("params") or {}).get("token", ""))
            return 204, None
        if not loaded or "nonexistent" in loaded:
            message = f"Agent with name '{given.get('model_file')}' could not be loaded."
            raise Refuse(400, "BadRequest", message, **{"parameter": "model", "in": "query"})
        self.model, self.model_id = Path(loaded).name, uuid.uuid4().hex
        return 204, None

    def delete_model(self, asked: Asked) -> Any:
        self.model = None
        return 204, None

    def post_model_train(self, asked: Asked) -> Any:
        if self.is_old and asked.headers.get("content-type") != YAML:
            return self.result(asked, lambda: (500, self.error(500, "UnexpectedError", "no JSON")))
        text = asked.body.decode()
        if "foo: [" in text and not asked.query.get("callback_url"):
            return 400, HTTP["train bad yaml"]["body"]
        return self.result(asked, lambda: self.trained(text))

    def trained(self, text: str) -> Any:
        self.jobs += 1
        time.sleep(self.training_takes)
        self.jobs -= 1
        if self.training == "error" or "name: Nope" in text:
            return 500, self.error(500, "TrainingError", "Ran training, but it finished without a trained model.")
        return 200, rasa_models.archive(self.version), TAR

    def post_model_test_intents(self, asked: Asked) -> Any:
        folds = asked.query.get("cross_validation_folds")
        recorded = (
            "test/intents" if folds is None else f"test/intents {'1 fold' if folds == '1' else 'cross_validation'}"
        )
        return self.result(asked, lambda: (HTTP[recorded]["status"], HTTP[recorded]["body"]))

    def post_model_test_stories(self, asked: Asked) -> Any:
        self.needs_model()
        e2e = asked.query.get("e2e") == "true"
        return 200, HTTP["test/stories"]["body"] | {"is_end_to_end_evaluation": e2e}

    def result(self, asked: Asked, compute: Callable[[], Any]) -> Any:
        """The answer; or 204 now, and the same posted to the callback later, once."""
        if address := asked.query.get("callback_url"):
            self.in_background(lambda: self.call_back(address, compute()))
            return 204, None
        return compute()

    def call_back(self, address: str, answer: Any) -> None:
        if self.training == "never":
            return
        kind = answer[2] if len(answer) > 2 else JSON
        body = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
        for _ in range(2 if self.training == "twice" else 1):
            request = urllib.request.Request(address, body, {"Content-Type": kind}, method="POST")
            with suppress(OSError):
                try:
                    with urllib.request.urlopen(request, timeout=30) as heard:
                        self.called_back.append((address, heard.status))
                except urllib.error.HTTPError as error:
                    error.close()
                    self.called_back.append((address, error.code))

    def post_model_parse(self, asked: Asked) -> Any:
        self.needs_model()
        text = (asked.json() or {}).get("text")
        if not isinstance(text, str):
            return 500, HTTP["parse no text"]["body"]
        return 200, self.parsed(text)

    def error(self, code: int, reason: str, message: str, details: Json | None = None) -> Json:
        told = {"version": self.version, "status": "failure", "message": message, "reason": reason}
        return told | {"details": details or {}, "help": None, "code": code}

    def answer(self, asked: Asked) -> Any:
        """As the routes of Rasa have it; a slash in a conversation's id stays one, and nothing is decoded."""
        try:
            if (
                self.token
                and asked.query.get("token") != self.token
                and not asked.path.startswith(("/version", "/web"))
            ):
                raise Refuse(401, "NotAuthenticated", "User is not authenticated.")
            steps = asked.path.strip("/").split("/")
            if steps[0] == "conversations":
                rest = "tracker_events" if steps[-2:] == ["tracker", "events"] else steps[-1]
                conversation_id = "/".join(steps[1 : -2 if rest == "tracker_events" else -1])
                return getattr(self, f"{asked.method.lower()}_{rest}")(asked, conversation_id)
            return getattr(self, f"{asked.method.lower()}_{'_'.join(steps)}")(asked)
        except Refuse as refuse:
            return refuse.code, self.error(refuse.code, refuse.reason, refuse.message, refuse.details)
        except AttributeError:
            return 404, {"description": "Not Found", "status": 404, "message": f"Requested URL {asked.path} not found"}
        except json.JSONDecodeError:
            return HTTP["events POST not json"]["status"], HTTP["events POST not json"]["body"]
        except RuntimeError as error:
            return 500, {"description": "Internal Server Error", "status": 500, "message": str(error)}


if __name__ == "__main__":
    with RasaStandIn(sys.argv[2] if len(sys.argv) > 2 else "3.6.21", port=int(sys.argv[1])) as server:
        print(server.url, flush=True)
        threading.Event().wait()
