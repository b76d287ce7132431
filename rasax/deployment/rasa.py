"""The one client of Rasa's HTTP API. What 2.8 and 3.x do differently ends here and in answers.py.

Sources: Rasa's published API description (rasa.com/docs/rasa/pages/http-api), and what 2.8.34 and 3.6.21 answered.
Every method raises RasaError, whose text is for people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self
from urllib.parse import quote

from rasax.deployment import answers
from rasax.deployment.answers import (
    Executed,
    IntentTest,
    Json,
    Parsed,
    Prediction,
    Status,
    StoryTest,
    Tracker,
    Version,
)
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.exchange import LARGEST, Answer, Exchange

QUICK = 10.0  # seconds
TO_SEND = 60.0  # training data may be large
PULLS = 30  # seconds between two times that a server asks for its model
LONG = 600.0  # loading a model took 89 s on 2 cores
Events = Sequence[Json]
WhichEvents = Literal["ALL", "APPLIED", "AFTER_RESTART", "NONE"]


class Rasa:
    """Speaks with one server, from one thread; `with` closes its connections.

    `token` is Rasa's `--auth-token`; `timeout` is how many seconds an ordinary request may take.
    """

    def __init__(self, url: str, token: str = "", *, timeout: float = QUICK, largest: int = LARGEST) -> None:
        self._exchange, self._timeout = Exchange(url, token, largest), timeout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._exchange.close()

    # The server and its model

    def version(self) -> Version:
        """The one thing that Rasa tells without a token."""
        return answers.of(self._get("/version").json(), Version)

    def status(self) -> Status:
        """One whose `has_model` is false where there is none: 3.x refuses to tell one then."""
        try:
            return answers.status(self._get("/status").json())
        except RasaError as error:
            if error.reason == Reason.NO_MODEL:
                return Status()
            raise

    def domain(self) -> Json:
        return answers.of(self._get("/domain").json(), Json)

    def put_model(
        self,
        *,
        model_file: str | None = None,
        url: str | None = None,
        token: str = "",
        remote_storage: str | None = None,
    ) -> None:
        """Has it load a model: of its own disk, from a model server, or from its own cloud storage. Takes minutes.

        It goes on asking the model server, and prefers the one that its endpoints.yml names. Where it gets no model
        there, 3.6.21 answers as if it had, and has none from then on.
        """
        body: Json = {}
        if url is not None:
            params = {"token": token} if token else {}
            body["model_server"] = {"url": url, "params": params, "headers": {}, "wait_time_between_pulls": PULLS}
        body |= {"model_file": model_file} if model_file is not None else {}
        body |= {"remote_storage": remote_storage} if remote_storage is not None else {}
        self._exchange.ask("PUT", "/model", body=body, within=LONG)

    def unload(self) -> None:
        self._exchange.ask("DELETE", "/model", within=self._timeout)

    # Training and evaluation: `yaml` is one text with all that is needed. Rasa answers at once, and posts the result
    # to the callback, once, without a token, a name or a second try.

    def train(self, yaml: str, callback_url: str, *, force: bool = False) -> None:
        """The callback gets the model (`application/x-tar`), or JSON with Rasa's `message` of what went wrong."""
        query = {"callback_url": callback_url, "save_to_default_model_directory": False, "force_training": force}
        self._post_yaml("/model/train", yaml, query, TO_SEND)

    def test_intents(
        self, yaml: str, *, folds: int | None = None, model: str | None = None, callback_url: str | None = None
    ) -> IntentTest | None:
        """With a callback None: it gets what `answers.intent_test` reads. Cross-validation wants 2 folds or more."""
        query = {"cross_validation_folds": folds, "model": model, "callback_url": callback_url}
        answer = self._post_yaml("/model/test/intents", yaml, query, TO_SEND if callback_url else LONG)
        return None if answer.status == 204 else answers.intent_test(answer.json())

    def test_stories(self, yaml: str, *, e2e: bool = False) -> StoryTest:
        """Rasa takes no callback for it. May take minutes."""
        return answers.story_test(self._post_yaml("/model/test/stories", yaml, {"e2e": e2e}, LONG).json())

    def parse(self, text: str) -> Parsed:
        """What the model makes of a text, outside any conversation."""
        return answers.of(self._post("/model/parse", {"text": text}).json(), Parsed)

    # Conversations

    def tracker(
        self, conversation_id: str, *, events: WhichEvents = "AFTER_RESTART", until: float | None = None
    ) -> Tracker:
        """Rasa makes a conversation that it does not know."""
        query = {"include_events": events, "until": until}
        return answers.of(self._get(_path(conversation_id, "tracker"), query).json(), Json)

    def append_message(self, conversation_id: str, text: str, *, parse_data: Json | None = None) -> Tracker:
        """What a user said, without the bot's answer; `parse_data` is what it meant, else Rasa finds out."""
        body = {"text": text, "sender": "user", **({"parse_data": parse_data} if parse_data else {})}
        return answers.of(self._post(_path(conversation_id, "messages"), body).json(), Json)

    def append_events(
        self, conversation_id: str, events: Events, *, side_effects: bool = False, returns: WhichEvents = "NONE"
    ) -> Tracker:
        """With side effects what the bot says reaches its channel, and reminders are set."""
        query: Json = {"include_events": returns, "execute_side_effects": side_effects}
        query |= {"output_channel": "latest"} if side_effects else {}
        return self._events("POST", conversation_id, events, query)

    def replace_events(
        self, conversation_id: str, events: Events, *, returns: WhichEvents = "AFTER_RESTART"
    ) -> Tracker:
        return self._events("PUT", conversation_id, events, {"include_events": returns})

    def story(self, conversation_id: str, *, all_sessions: bool = False, until: float | None = None) -> str:
        """As YAML; the reason is UNKNOWN where there is no such conversation."""
        query = {"all_sessions": all_sessions, "until": until}
        return self._get(_path(conversation_id, "story"), query).text()

    def predict(self, conversation_id: str) -> Prediction:
        """The next action; the reason is UNKNOWN where there is no such conversation."""
        return answers.of(self._post(_path(conversation_id, "predict")).json(), Prediction)

    def execute(
        self, conversation_id: str, action: str, *, policy: str | None = None, confidence: float | None = None
    ) -> Executed:
        body = {"name": action, "policy": policy, "confidence": confidence}
        return answers.of(self._post(_path(conversation_id, "execute"), body).json(), Executed)

    def trigger_intent(self, conversation_id: str, intent: str, entities: Json | None = None) -> Executed:
        """As if from outside: the user event says `EXTERNAL: intent`. The reason is UNKNOWN for an unknown intent."""
        body = {"name": intent, "entities": entities or {}}
        query = {"output_channel": "latest"}
        return answers.of(self._post(_path(conversation_id, "trigger_intent"), body, query).json(), Executed)

    # Channels. They are asked without the server's token; the bot's answers are `{recipient_id, text, …}`.

    def send_rest(
        self, conversation_id: str, text: str, *, input_channel: str | None = None, metadata: Json | None = None
    ) -> list[Json]:
        given = {"input_channel": input_channel, "metadata": metadata}
        body = {"sender": conversation_id, "message": text, **{name: value for name, value in given.items() if value}}
        return self._webhook("rest", body, {})

    def send_rasa(
        self,
        jwt: str,
        text: str,
        *,
        conversation_id: str | None = None,
        input_channel: str | None = None,
        metadata: Json | None = None,
    ) -> list[Json]:
        """By the channel `rasa`, to the conversation of the JWT's `username`, or to any with clientEvents:create.

        Rasa answers 401 without that scope, and 500 (the reason is BROKEN) to a JWT that it cannot verify.
        """
        given = {"conversation_id": conversation_id, "input_channel": input_channel, "metadata": metadata}
        body = {"message": text, **{name: value for name, value in given.items() if value is not None}}
        return self._webhook("rasa", body, {"Authorization": f"Bearer {jwt}"})

    def _webhook(self, channel: str, body: Json, headers: dict[str, str]) -> list[Json]:
        answer = self._exchange.ask(
            "POST", f"/webhooks/{channel}/webhook", body=body, headers=headers, within=self._timeout, with_token=False
        )
        return answers.of(answer.json(), list[Json])

    def _get(self, path: str, query: Json | None = None) -> Answer:
        return self._exchange.ask("GET", path, query=query, within=self._timeout)

    def _post(self, path: str, body: Any = None, query: Json | None = None) -> Answer:
        return self._exchange.ask("POST", path, body=body, query=query, within=self._timeout)

    def _post_yaml(self, path: str, yaml: str, query: Json, within: float) -> Answer:
        return self._exchange.ask("POST", path, yaml=yaml.encode(), query=query, within=within)

    def _events(self, method: str, conversation_id: str, events: Events, query: Json) -> Tracker:
        path = _path(conversation_id, "tracker/events")
        answer = self._exchange.ask(method, path, body=list(events), query=query, within=self._timeout)
        return answers.of(answer.json(), Json)


def _path(conversation_id: str, rest: str) -> str:
    """A slash stays one, as Rasa's own routes have it: Rasa does not decode what is escaped in the path."""
    if {".", ".."} & set(conversation_id.split("/")):
        raise RasaError(Reason.UNKNOWN)  # what stands between may take it for a way to other paths
    return f"/conversations/{quote(conversation_id, errors='replace')}/{rest}"
