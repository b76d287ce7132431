"""Holds the demo conversations with a Rasa server, through its REST channel and HTTP API.

python drive.py http://127.0.0.1:5005 [--count 240] [--seed 7] [--threads 6]

What customers say is in phrases.yml, what they come for in journeys.yml. The same seed makes the same choices.
"""

import argparse
import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import Any

import requests
import yaml

HERE = Path(__file__).parent
FORMS = {"track_form", "return_form", "delivery_form"}
FREE_TEXT = {"item", "reason"}
ANSWERS = {"neighbour": ["affirm", "deny"]}
LOCALES = {
    "en": ["en-GB", "en-US", "en-IE"],
    "de": ["de-DE", "de-AT"],
    "es": ["es-ES", "es-MX"],
    "ar": ["ar"],
    "ja": ["ja-JP"],
}
PAGES = ["/", "/basket", "/orders", "/returns", "/kitchen/teapots", "/living/lamps?sort=price", "/help"]
EMOJI = ["🙂", "😅", "🙏", "!", "!!", " :)", "...", "😊"]
AREAS = [202, 303, 404, 512, 617, 702]
LENGTHS = {1: 20, 2: 26, 3: 23, 4: 13, 5: 8, 6: 5, 8: 3, 10: 2}
LONG = {23: 50, 118: 20}  # conversation number: journeys

Step = dict[str, Any]


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


PHRASES = load("phrases.yml")
JOURNEYS = load("journeys.yml")


def weighted(rng: random.Random, weights: dict[Any, int]) -> Any:
    return rng.choices(list(weights), list(weights.values()))[0]


class Rasa:
    """The few calls of Rasa's HTTP API that a conversation needs."""

    def __init__(self, url: str, sender: str, channel: str):
        self.url, self.sender, self.channel = url, sender, channel
        self.http = requests.Session()

    def post(self, path: str, body: Any, **params: str) -> Any:
        answer = self.http.post(self.url + path, json=body, params=params, timeout=120)
        answer.raise_for_status()
        return answer.json()

    def message(self, text: str, metadata: dict[str, Any] | None) -> list[dict[str, Any]]:
        body = {"sender": self.sender, "message": text, "input_channel": self.channel}
        return self.post("/webhooks/rest/webhook", body | ({"metadata": metadata} if metadata else {}))

    def about(self, action: str, body: Any) -> Any:
        return self.post(f"/conversations/{self.sender}/{action}", body, include_events="NONE")

    def state(self) -> tuple[str | None, str | None]:
        """The running form (or other loop) and the slot it asks for."""
        path = f"{self.url}/conversations/{self.sender}/tracker"
        tracker = self.http.get(path, params={"include_events": "NONE"}, timeout=120).json()
        return (tracker.get("active_loop") or {}).get("name"), tracker["slots"].get("requested_slot")


class Customer:
    """One conversation: who it is, in which language, and what is said."""

    def __init__(self, url: str, number: int, seed: int, gap: float):
        self.rng = random.Random(f"{seed}-{number}")
        self.number, self.gap = number, gap
        self.language = "en" if number in LONG else weighted(self.rng, JOURNEYS["languages"])
        self.channel = weighted(self.rng, JOURNEYS["channels"])
        self.rasa = Rasa(url, self.new_id(), self.channel)
        self.metadata = self.new_metadata()
        self.buttons: list[dict[str, str]] = []
        self.said: set[str] = set()
        self.values: dict[str, str] = {}

    # -- who ------------------------------------------------------------------------------------------------------
    def new_id(self) -> str:
        """An id as the channel's users have them; telephone numbers are from the range for fiction, 555-01xx."""
        rng = self.rng
        token = f"{rng.getrandbits(128):032x}"
        return {
            "webchat": f"web-{token[:12]}",
            "whatsapp": f"whatsapp:+1{AREAS[self.number // 100 % len(AREAS)]}55501{self.number * 37 % 100:02d}",
            "telegram": str(rng.randrange(10**8, 10**10)),
            "facebook": str(rng.randrange(10**15, 10**16)),
            "slack": "U0" + token[:9].upper(),
        }.get(self.channel) or str(uuid.UUID(token))

    def new_metadata(self) -> dict[str, Any] | None:
        if self.language == "en" and self.rng.random() < 0.4:
            return None
        metadata: dict[str, Any] = {"locale": self.rng.choice(LOCALES[self.language])}
        if self.channel == "webchat":
            metadata["page"] = "https://shop.example.com" + self.rng.choice(PAGES)
        if self.channel == "facebook" and self.rng.random() < 0.5:
            metadata["referral"] = {"source": "ADS", "ref": f"campaign-{self.rng.randrange(1, 6)}"}
        return metadata

    def new_values(self) -> None:
        """Another order and another product for each journey; the name stays."""
        rng, words = self.rng, PHRASES["values"][self.language]

        def two(key: str) -> list[str]:
            return rng.sample(words[key], 2) if key in words else ["", ""]

        name = self.values.get("name") or rng.choice(words["name"])
        nick = rng.choice(PHRASES["values"]["en"]["name"]).lower()
        self.values = {
            "name": name,
            "mail": f"{nick}{rng.randrange(1, 99)}@example.{rng.choice(['com', 'org', 'net'])}",
            "order": f"N-{rng.randrange(10000, 99999)}",
            "order2": f"N-{rng.randrange(10000, 99999)}",
            "short": str(rng.randrange(100, 9999)),
        }
        for key in ("product", "colour", "city"):
            self.values[key], self.values[key + "2"] = two(key)
        for key in ("quantity", "day", "window", "item", "reason"):
            self.values[key] = Template(rng.choice(words.get(key, [""]))).safe_substitute(self.values)

    # -- saying ---------------------------------------------------------------------------------------------------
    def phrase(self, keys: str | list[str]) -> str:
        """One of the phrases, if possible one not said before."""
        key = self.rng.choice(keys) if isinstance(keys, list) else keys
        phrases = PHRASES["phrases"][key][self.language]
        template = self.rng.choice([p for p in phrases if p not in self.said] or phrases)
        self.said.add(template)
        return Template(template).safe_substitute(self.values)

    def texture(self, text: str) -> str:
        """People make typing errors, and are not always careful with capitals."""
        rng = self.rng
        if self.language not in ("en", "de", "es") or any(c in text for c in "@/<{\n") or "N-" in text:
            return text
        if rng.random() < 0.12:
            text = text.lower() if rng.random() < 0.5 else text[:1].upper() + text[1:]
        if rng.random() < 0.06:
            words = text.split(" ")
            at = max(range(len(words)), key=lambda i: len(words[i]))
            word = words[at]
            if len(word) > 4 and word.isalpha():
                cut = rng.randrange(1, len(word) - 2)
                words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
            text = " ".join(words)
        if rng.random() < 0.06 and text[-1].isalnum():
            text += rng.choice(EMOJI)
        return text

    def tell(self, text: str) -> None:
        self.hear(self.rasa.message(text, self.metadata))

    def hear(self, messages: list[dict[str, Any]]) -> None:
        self.buttons = [button for message in messages for button in message.get("buttons") or []]

    def say(self, keys: str | list[str]) -> None:
        self.tell(self.texture(self.phrase(keys)))
        self.settle()

    def press(self, _which: str) -> None:
        if self.buttons:
            self.tell(self.rng.choice(self.buttons)["payload"])
            self.settle()

    def settle(self) -> None:
        """Answers the two-stage fallback: the guess is right, or wrong, or the question is put in other words."""
        for _ in range(4):
            if self.rasa.state()[0] != "action_two_stage_fallback":
                return
            if len(self.buttons) > 1:
                self.tell(self.buttons[self.rng.random() < 0.6]["payload"])
            else:
                self.tell(self.phrase(self.rng.choice(["faq", "track_order", "nonsense", "return_item"])))

    # -- steps ----------------------------------------------------------------------------------------------------
    def fill(self, how: dict[str, str]) -> None:
        """Answers whatever the form asks, once wrongly, with an interruption or a correction, or stops on the way."""
        how = dict(how)
        for _ in range(12):
            form, slot = self.rasa.state()
            if form not in FORMS or slot is None:
                return
            if how.get("stop") == slot:
                del how["stop"]
                self.stop()
            elif how.get("wrong") == slot:
                del how["wrong"]
                self.say("wrong_number")
            elif self.now(how, form, slot):
                self.say(how.pop("interrupt"))
            elif how.get("correct") == slot and self.language in PHRASES["phrases"]["correct"]:
                del how["correct"]
                self.say("correct")
            else:
                self.answer(slot)

    def stop(self) -> None:
        self.say("stop")
        if self.rasa.state()[0] == "delivery_form":  # which asks back
            self.say(["deny", "affirm"])

    def now(self, how: dict[str, str], form: str, slot: str) -> bool:
        """Whether to interrupt here: not where any text would be taken for the answer."""
        safe = how.get("interrupt") == "faq" or slot not in FREE_TEXT
        return "interrupt" in how and safe and (form == "track_form" or self.rng.random() < 0.5)

    def answer(self, slot: str) -> None:
        keys = ANSWERS.get(slot, [slot])
        known = [key for key in keys if self.language in PHRASES["phrases"].get(key, {})]
        if self.buttons and (not known or self.rng.random() < 0.5):
            self.press("any")
        elif slot in FREE_TEXT:
            self.tell(self.phrase(slot))
        else:
            self.say(known)

    def agent(self, key: str) -> None:
        text = self.phrase(key)
        self.rasa.about("tracker/events", {"event": "agent", "text": text, "data": {"agent": "Dana", "team": "care"}})

    def post(self, events: list[dict[str, Any]]) -> None:
        filled = [{k: Template(v).safe_substitute(self.values) for k, v in event.items()} for event in events]
        self.rasa.about("tracker/events", filled)

    def trigger(self, intent: str) -> None:
        entities = {"order_number": self.values["order"]}
        self.hear(self.rasa.about("trigger_intent", {"name": intent, "entities": entities})["messages"])

    def execute(self, action: str) -> None:
        if not self.said:  # Rasa executes nothing in a conversation that it does not know
            self.say("greet")
        self.hear(self.rasa.about("execute", {"name": action})["messages"])

    def raw(self, text: str) -> None:
        self.tell(text)

    def wait(self, what: str) -> None:
        time.sleep(self.gap if what == "session" else 4)

    # -- the whole ------------------------------------------------------------------------------------------------
    def can(self, steps: list[Step]) -> bool:
        """Whether there are words for these steps in this language."""
        keys = [step[verb] for step in steps for verb in ("say", "agent") if verb in step]
        flat = [key for entry in keys for key in (entry if isinstance(entry, list) else [entry])]
        return all(self.language in PHRASES["phrases"][key] for key in flat)

    def travel(self, name: str) -> None:
        self.new_values()
        for step in JOURNEYS["journeys"][name]["steps"]:
            if self.rng.random() < step.get("p", 1):
                verb = next(key for key in step if key != "p")
                getattr(self, verb)(step[verb])
        if self.rasa.state()[0] in FORMS:
            if self.rng.random() < 0.4:
                self.stop()
            self.fill({})

    def converse(self) -> None:
        journeys = {n: j["weight"] for n, j in JOURNEYS["journeys"].items() if self.can(j["steps"])}
        count = LONG.get(self.number) or weighted(self.rng, LENGTHS)
        self.new_values()
        if self.rng.random() < 0.75:
            self.say("greet")
        for left in range(count, 0, -1):
            name = weighted(self.rng, journeys)
            self.travel(name)
            if self.number not in LONG:
                journeys.pop(name)
            if left > 1 and self.rng.random() < (0.04 if self.number in LONG else 0.24):
                self.wait("session")
                if self.rng.random() < 0.6:
                    self.say("greet")
        if self.rng.random() < 0.6:
            self.say("goodbye")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--first", type=int, default=0, help="number of the first conversation")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--gap", type=float, default=12.5, help="seconds until a session has expired")
    given = parser.parse_args()
    started = time.time()
    customers = [
        Customer(given.url.rstrip("/"), number, given.seed, given.gap)
        for number in range(given.first, given.first + given.count)
    ]
    with ThreadPoolExecutor(given.threads) as pool:
        list(pool.map(Customer.converse, customers))
    print(f"{len(customers)} conversations in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
