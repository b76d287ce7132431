"""The conversations of the stand-in for Rasa: what their paths answer, and what the bot does in a turn."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jwt

from tests.servers.rasa_http import Asked

Json = dict[str, Any]
RECORDED: Json = json.loads((Path(__file__).parents[1] / "payloads" / "rasa_3_6_http.json").read_text())
HTTP = RECORDED["http"]
INTENTS = {"hello": "greet", "hi": "greet", "bye": "goodbye", "goodbye": "goodbye", "yes": "affirm", "no": "deny"}
REPLIES = {"greet": "utter_greet", "goodbye": "utter_goodbye", "affirm": "utter_image"}


class Refuse(Exception):
    """Answers with Rasa's shape of an error."""

    def __init__(self, code: int, reason: str, message: str, **details: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details


class Dialogue:
    def __init__(self, version: str) -> None:
        self.version, self.is_old = version, version.startswith("2.")
        self.model: str | None = "20261122-lab.tar.gz"
        self.model_id = "a2ea5c53355540fab4d171e7e786ab5b"
        self.conversations: dict[str, list[Json]] = {}
        self.on_events: Callable[[str, list[Json]], object] = lambda conversation_id, events: None
        self._keys: list[str] = []
        self.channels = {"rasa", "rest"}
        self.takes = 0.0

    def trusts(self, *keys: str) -> None:
        self._keys = list(keys)

    def needs_model(self) -> None:
        if not self.model:
            raise Refuse(409, "Conflict", HTTP["status without model"]["body"]["message"])

    def parsed(self, text: str) -> Json:
        if text == HTTP["parse"]["body"]["text"]:
            found: Json = HTTP["parse"]["body"]
            return found
        name = text[1:].partition("{")[0] if text.startswith("/") else INTENTS.get(text.lower().strip(), "out_of_scope")
        intent: Json = {"name": name, "confidence": 1.0 if text.startswith("/") else 0.97}
        if self.is_old:
            intent["id"] = -6_226_204_116_532_226_418
        return {"text": text, "intent": intent, "entities": [], "intent_ranking": [intent], "response_selector": {}}

    def events_of(self, conversation_id: str) -> list[Json]:
        """An unknown conversation is begun."""
        if conversation_id not in self.conversations:
            self.conversations[conversation_id] = []
            self.happens(conversation_id, *session_start())
        return self.conversations[conversation_id]

    def happens(self, conversation_id: str, *events: Json) -> None:
        told = []
        for event in events:
            mark = {} if self.is_old else {"model_id": self.model_id, "assistant_id": "lab"}
            told.append({"timestamp": time.time(), "metadata": mark, **event})
            self.conversations[conversation_id].append(told[-1])
        self.on_events(conversation_id, told)

    def known(self, conversation_id: str) -> list[Json]:
        if conversation_id not in self.conversations:
            raise Refuse(404, "Not found", "Conversation ID not found.")
        return self.conversations[conversation_id]

    def state(self, conversation_id: str, which: str = "AFTER_RESTART") -> Json:
        if which not in {"ALL", "APPLIED", "AFTER_RESTART", "NONE"}:
            raise Refuse(400, "BadRequest", "Invalid parameter value for 'include_events'. Should be one of NONE, …")
        events = self.events_of(conversation_id)
        said = [event for event in events if event["event"] == "user"]
        done = [event for event in events if event["event"] == "action"]
        state: Json = HTTP["tracker NONE"]["body"] | {
            "sender_id": conversation_id,
            "latest_message": said[-1].get("parse_data") if said else {"intent": {}, "entities": [], "text": None},
            "latest_event_time": events[-1].get("timestamp") if events else None,
            "events": None if which == "NONE" else events,
            "latest_input_channel": said[-1].get("input_channel") if said else None,
            "latest_action_name": done[-1].get("name") if done else None,
        }
        return state

    def get_tracker(self, asked: Asked, conversation_id: str) -> Any:
        self.needs_model()
        state = self.state(conversation_id, asked.query.get("include_events", "AFTER_RESTART"))
        if state["events"] is not None and "until" in asked.query:
            until = float(asked.query["until"])
            state["events"] = [event for event in state["events"] if event["timestamp"] <= until]
        return 200, state

    def post_tracker_events(self, asked: Asked, conversation_id: str) -> Any:
        given = asked.json()
        self.events_of(conversation_id)
        self.happens(conversation_id, *(given if isinstance(given, list) else [given]))
        return 200, self.state(conversation_id, asked.query.get("include_events", "AFTER_RESTART"))

    def put_tracker_events(self, asked: Asked, conversation_id: str) -> Any:
        """Its event broker hears of what is new; of a shorter list, nothing."""
        known = len(self.conversations.get(conversation_id, []))
        self.conversations[conversation_id] = list(asked.json())
        self.on_events(conversation_id, self.conversations[conversation_id][known:])
        return 200, self.state(conversation_id, asked.query.get("include_events", "AFTER_RESTART"))

    def post_messages(self, asked: Asked, conversation_id: str) -> Any:
        """What a user said; the bot does nothing yet."""
        given = asked.json() or {}
        if given.get("sender") != "user":
            raise Refuse(400, "BadRequest", "Currently, only user messages can be passed to this endpoint.")
        self.events_of(conversation_id)
        parsed = given.get("parse_data") or self.parsed(given["text"])
        self.happens(conversation_id, {"event": "user", "text": given["text"], "parse_data": parsed})
        return 200, self.state(conversation_id)

    def get_story(self, asked: Asked, conversation_id: str) -> Any:
        steps = []
        for event in self.known(conversation_id):
            if event["event"] == "user":
                steps.append(
                    f"  - intent: {event['parse_data']['intent']['name']}\n    user: |-\n      {event['text']}\n"
                )
            elif event["event"] == "action" and event["name"] not in {"action_listen", "action_session_start"}:
                steps.append(f"  - action: {event['name']}\n")
        text = f'version: "3.1"\nstories:\n- story: {conversation_id}\n  steps:\n{"".join(steps)}'
        return 200, text, "text/plain; charset=utf-8"

    def post_predict(self, asked: Asked, conversation_id: str) -> Any:
        self.known(conversation_id)
        best = self.next_action(conversation_id)
        recorded = HTTP["predict after message"]["body"]
        scores = [
            {"action": best, "score": 1.0},
            *(s for s in recorded["scores"] if s["action"] != best and s["score"] < 1),
        ]
        return 200, recorded | {"scores": scores, "tracker": self.state(conversation_id)}

    def next_action(self, conversation_id: str) -> str:
        last = next(
            (e for e in reversed(self.conversations[conversation_id]) if e["event"] in {"user", "action"}), None
        )
        if last is None or last["event"] == "action":
            return "action_listen"
        return REPLIES.get(last["parse_data"]["intent"]["name"], "action_default_fallback")

    def post_execute(self, asked: Asked, conversation_id: str) -> Any:
        given = asked.json() or {}
        if not given.get("name"):
            return 400, HTTP["execute no name"]["body"]
        if given["name"] == "nope":
            return 500, HTTP["execute unknown action"]["body"]
        self.events_of(conversation_id)
        messages = self.does(conversation_id, given["name"], given.get("policy"), given.get("confidence"))
        return 200, {"tracker": self.state(conversation_id), "messages": messages}

    def post_trigger_intent(self, asked: Asked, conversation_id: str) -> Any:
        name = (asked.json() or {}).get("name")
        if name == "nope":
            return 404, HTTP["trigger_intent unknown"]["body"]
        self.events_of(conversation_id)
        outside = {"event": "user", "text": f"EXTERNAL: {name}", "parse_data": self.parsed(f"/{name}")}
        self.happens(conversation_id, outside | {"input_channel": None, "metadata": {"is_external": True}})
        messages = self.does(conversation_id, REPLIES.get(str(name), "action_default_fallback"))
        return 200, {"tracker": self.state(conversation_id), "messages": messages}

    def does(
        self, conversation_id: str, action: str, policy: str | None = "RulePolicy", confidence: float | None = 1.0
    ) -> list[Json]:
        self.happens(conversation_id, done(action, policy, confidence))
        if not action.startswith("utter_"):
            return []
        said = {"text": "Hey! How are you?" if action == "utter_greet" else action.removeprefix("utter_")}
        buttons = HTTP["execute"]["body"]["messages"][0]["buttons"] if action == "utter_greet" else None
        mark = {"utter_action": action}
        self.happens(conversation_id, {"event": "bot", **said, "data": {"buttons": buttons}, "metadata": mark})
        return [{"recipient_id": conversation_id, **said, **({"buttons": buttons} if buttons else {})}]

    def post_webhooks_rest_webhook(self, asked: Asked) -> Any:
        self.needs_channel("rest", asked)
        given = asked.json()
        channel = given.get("input_channel") or "rest"
        return 200, self.heard(given["sender"], given["message"], channel, given.get("metadata"))

    def needs_channel(self, name: str, asked: Asked) -> None:
        if name not in self.channels:
            raise AttributeError(asked.path)  # there is no such path

    def post_webhooks_rasa_webhook(self, asked: Asked) -> Any:
        self.needs_channel("rasa", asked)
        given, claims = asked.json(), self.claims_of(asked)
        conversation_id = given.get("conversation_id") or claims["username"]
        if conversation_id != claims["username"] and "clientEvents:create" not in claims.get("scopes", []):
            return 401, {"description": "Unauthorized", "status": 401, "message": "Unauthorized"}
        channel = given.get("input_channel") or "rasa"
        return 200, self.heard(conversation_id, given["message"], channel, given.get("metadata"))

    def claims_of(self, asked: Asked) -> Json:
        token = (asked.headers.get("authorization") or asked.query.get("token") or "").removeprefix("Bearer ")
        for key in self._keys:
            with suppress(jwt.InvalidTokenError):
                claims: Json = jwt.decode(token, key, algorithms=["RS256"])
                if "username" in claims:
                    return claims
        raise RuntimeError("The server encountered an internal error and cannot complete your request.")

    def heard(self, conversation_id: str, text: str, channel: str, metadata: Json | None) -> list[Json]:
        """One turn: what was said, what the bot does, and action_listen."""
        self.needs_model()
        time.sleep(self.takes)
        self.events_of(conversation_id)
        user = {"event": "user", "text": text, "parse_data": self.parsed(text), "input_channel": channel}
        user["message_id"] = uuid.uuid4().hex
        if metadata:
            user["metadata"] = metadata
        self.happens(conversation_id, user)
        messages = self.does(conversation_id, self.next_action(conversation_id))
        self.happens(conversation_id, done("action_listen"))
        return messages


def done(action: str, policy: str | None = None, confidence: float | None = None) -> Json:
    told = {"event": "action", "name": action, "policy": policy, "confidence": confidence}
    return told | {"action_text": None, "hide_rule_turn": False}


def session_start() -> tuple[Json, ...]:
    return done("action_session_start", None, 1.0), {"event": "session_started"}, done("action_listen")
