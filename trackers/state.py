"""What the events that count add up to. Pure Python 3.8, because Rasa servers import it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trackers.applied import LISTEN, AppliedEvents, handlers

if TYPE_CHECKING:
    from collections.abc import Mapping

    Event = dict[str, Any]


def _parse_data(user: Event) -> dict[str, Any]:
    parse_data = user.get("parse_data")
    given = parse_data if isinstance(parse_data, dict) else {}
    return {
        "intent": given.get("intent") or {},
        "entities": [],
        "text": user.get("text"),
        "message_id": user.get("message_id"),
        "metadata": user.get("metadata") or {},
        **given,
    }


def list_of(value: Any) -> Any:
    return [value] if value and not isinstance(value, list) else value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class State:
    """What the applied events add up to."""

    def __init__(self, slots: Mapping[str, Any] | None) -> None:
        self.lists: frozenset[str] = getattr(slots, "lists", frozenset())
        self.initial = None if slots is None else dict(slots)
        self.cuts = self.folded = 0
        self._reset(AppliedEvents())

    def catch_up(self, applied: AppliedEvents) -> None:
        if applied.cuts != self.cuts:
            self.cuts, self.folded = applied.cuts, 0
            self._reset(applied)
        if self.folded < len(applied.log):
            for event in applied.log[self.folded :]:
                effect = _EFFECTS.get(event.get("event"))
                if effect is not None:
                    effect(self, event)
            self.folded = len(applied.log)

    def _reset(self, applied: AppliedEvents) -> None:
        self.slots: dict[str, Any] = dict.fromkeys(applied.slot_names) if self.initial is None else dict(self.initial)
        self.paused = False
        self.latest_action: dict[str, Any] = {}
        self.latest_user_uttered: Event = {}
        self.added_entities: list[Any] = []
        self.latest_bot_utterance: Event | None = None
        self.followup_action: Any = applied.followup
        self.active_loop: dict[str, Any] = {}

    @property
    def latest_action_name(self) -> Any:
        return next(iter(self.latest_action.values()), None)

    @property
    def latest_message(self) -> dict[str, Any]:
        message = _parse_data(self.latest_user_uttered)
        entities = list(_listed(message["entities"]))
        for entity in self.added_entities:
            if entity not in entities:
                entities.append(entity)
        return {**message, "entities": entities}

    @property
    def active_loop_name(self) -> Any:
        name = self.active_loop.get("name")
        return None if name == "should_not_be_set" else name  # Rasa's word for no loop, in training data

    def on_user(self, event: Event) -> None:
        self.latest_user_uttered = event
        self.added_entities = []
        self.followup_action = None

    def on_action(self, event: Event) -> None:
        name = event.get("name")
        self.latest_action = {"action_name": name} if name else {"action_text": event.get("action_text")}
        self.followup_action = None
        if self.active_loop:
            if self.active_loop_name:
                self._mark_loop(is_interrupted=False)
            if (name or None) == self.active_loop_name:
                self._mark_loop(rejected=False)

    def _mark_loop(self, **marks: Any) -> None:
        self.active_loop = {**self.active_loop, **marks} if self.active_loop else {}

    def on_bot(self, event: Event) -> None:
        self.latest_bot_utterance = event

    def on_slot(self, event: Event) -> None:
        name, value = event.get("name"), event.get("value")
        if isinstance(name, str) and (self.initial is None or name in self.initial):
            self.slots[name] = list_of(value) if name in self.lists else value

    def on_reset_slots(self, _: Event) -> None:
        self.slots = dict.fromkeys(self.slots) if self.initial is None else dict(self.initial)

    def on_followup(self, event: Event) -> None:
        self.followup_action = event.get("name")

    def on_pause(self, event: Event) -> None:
        self.paused = event["event"] == "pause"

    on_resume = on_pause

    def on_active_loop(self, event: Event) -> None:
        name = event.get("name")
        loop = {"name": name, "is_interrupted": False, "rejected": False}
        self.active_loop = {} if name is None else {**loop, "trigger_message": _parse_data(self.latest_user_uttered)}

    on_form = on_active_loop

    def on_loop_interrupted(self, event: Event) -> None:
        self._mark_loop(is_interrupted=event.get("is_interrupted", False))

    def on_form_validation(self, event: Event) -> None:
        self._mark_loop(is_interrupted=not event.get("validate", True))

    def on_action_execution_rejected(self, event: Event) -> None:
        if event.get("name") == self.active_loop_name:
            self._mark_loop(rejected=True)

    def on_entities(self, event: Event) -> None:
        if self.latest_action_name == LISTEN:  # Rasa changes the message, which so keeps even what is reverted later
            self.added_entities += _listed(event.get("entities"))


_EFFECTS = handlers(State)
