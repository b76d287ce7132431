"""The events between the bubbles, one line each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from events import vocabulary
from events.models import Event
from rasax.conversations.wording import UNSURE, moment, percent, timestamp

VALUE_LENGTH = 300
JSON_LENGTH = 4_000

# People show and hide them by these families. What Rasa does for itself is hidden until asked for.
FAMILIES = {
    "action": gettext_lazy("Actions"),
    "slot": gettext_lazy("Slots"),
    "loop": gettext_lazy("Forms"),
    "course": gettext_lazy("Sessions and reminders"),
    "other": gettext_lazy("Other events"),
    "internal": gettext_lazy("Rasa's internals"),
}


class Shown:
    """What every event of a transcript shows."""

    event: Event

    @property
    def id(self) -> str:
        return str(self.event.pk)

    @property
    def at(self) -> str:
        """For links: all digits, so that it names the same message again."""
        return repr(self.event.timestamp)

    @cached_property
    def time(self) -> str:
        return timestamp(self.event.timestamp)

    @property
    def date(self) -> str:
        return self.time[:10]

    @property
    def day(self) -> str:
        return date_format(moment(self.event.timestamp), "DATE_FORMAT")

    @property
    def clock(self) -> str:
        return self.time[11:19]

    @property
    def sure(self) -> str:
        return percent(self.event.confidence) if self.event.confidence is not None else ""

    @property
    def unsure(self) -> bool:
        return self.event.confidence is not None and self.event.confidence < UNSURE


@dataclass
class Line(Shown):
    event: Event
    family: str
    icon: str
    title: str
    detail: str = ""
    note: str = ""
    json: str = ""
    cut: bool = False


def plain(value: object) -> str:
    """As text that a page can carry: no NUL, no half of a surrogate pair."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def pretty(value: object, length: int) -> str:
    """As JSON over several lines, cut to a length."""
    try:
        text = plain(json.dumps(value, indent=2, ensure_ascii=False))
    except RecursionError:
        return _("nested too deeply to be shown")
    return text if len(text) <= length else f"{text[:length]}…"


def line(event: Event, typed: vocabulary.Event, raw: dict[str, Any]) -> Line:  # noqa: PLR0911
    match typed:
        case vocabulary.ActionExecuted():
            return _action(event, typed)
        case vocabulary.ActionExecutionRejected():
            return Line(event, "action", "x-lg", plain(typed.name), _("rejected"), plain(typed.policy))
        case vocabulary.SlotSet():
            value = json.dumps(typed.value, ensure_ascii=False) if typed.value is not None else _("empty")
            return Line(event, "slot", "tag", plain(typed.name), "= " + plain(value)[:VALUE_LENGTH])
        case vocabulary.ActiveLoop() | vocabulary.LegacyForm():
            title = _("Form started") if typed.name else _("Form ended")
            return Line(event, "loop", "ui-checks", title, plain(typed.name))
        case vocabulary.ReminderScheduled():
            detail = " · ".join(plain(part) for part in (typed.intent, typed.name, typed.date_time) if part)
            return Line(event, "course", "alarm", _("Reminder scheduled"), detail)
        case vocabulary.FollowupAction():
            return Line(event, "internal", "arrow-down", _("Next action asked for"), plain(typed.name))
        case vocabulary.UnknownEvent():
            return Line(event, "other", "braces", plain(event.type), json=pretty(raw, JSON_LENGTH))
    family, icon, title = _SIMPLE.get(event.type, ("other", "braces", event.type))
    return Line(event, family, icon, _(title))


def _action(event: Event, typed: vocabulary.ActionExecuted) -> Line:
    name = plain(typed.name or typed.action_text or _("an action without a name"))
    internal = name in {"action_listen", "action_session_start"}
    return Line(event, "internal" if internal else "action", "lightning-charge", name, note=plain(typed.policy))


_SIMPLE = {
    "loop_interrupted": ("loop", "ui-checks", gettext_noop("Form interrupted or resumed")),
    "form_validation": ("loop", "ui-checks", gettext_noop("Form validation switched")),
    "session_started": ("course", "play", gettext_noop("Session started")),
    "restart": ("course", "arrow-counterclockwise", gettext_noop("Conversation restarted")),
    "cancel_reminder": ("course", "alarm", gettext_noop("Reminders cancelled")),
    "rewind": ("course", "arrow-counterclockwise", gettext_noop("The user's message was taken back")),
    "undo": ("course", "arrow-counterclockwise", gettext_noop("The latest action was taken back")),
    "pause": ("course", "headset", gettext_noop("Conversation paused")),
    "resume": ("course", "headset", gettext_noop("Conversation resumed")),
    "reset_slots": ("slot", "tag", gettext_noop("All slots reset")),
    "entities": ("internal", "tag", gettext_noop("Entities added")),
    "user_featurization": ("internal", "gear", gettext_noop("User message featurized")),
    "export": ("internal", "gear", gettext_noop("Story exported")),
}
