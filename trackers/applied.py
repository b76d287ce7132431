"""Which events of a conversation still count. Pure Python 3.8, because Rasa servers import it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Event = dict[str, Any]

LISTEN, SESSION_START = "action_listen", "action_session_start"
REJECTED = "action_execution_rejected"


def handlers(cls: type) -> dict[Any, Callable[[Any, Event], None]]:
    """The class's methods by the event type that they are for: `on_user` by "user"."""
    return {name[3:]: method for name, method in vars(cls).items() if name.startswith("on_")}


_GONE: Event = {}  # stands where a reverted event stood; having no type, it changes nothing


class AppliedEvents:
    """Which events still count after rewinds, undos, restarts and repeated loops, kept up event by event.

    The state is folded from `log`. That still holds what a repeated loop made void, until the next rewind or undo:
    Rasa, too, replays only then.
    """

    def __init__(self, loops: Iterable[str] = ()) -> None:
        self.log: list[Event] = []
        self.loops = list(loops)  # a list, since a name in an odd event may be unhashable
        self.slot_names: dict[str, None] = {}
        self.cuts = 0
        self.followup = LISTEN
        self._void: list[int] = []
        self._marks: list[int] = []  # where in the log the events are that rewinds and loops look for

    @classmethod
    def of(cls, events: Iterable[Event]) -> AppliedEvents:
        loops = (event.get("name") for event in events if event.get("event") in ("active_loop", "form"))
        applied = cls(dict.fromkeys(name for name in loops if name and isinstance(name, str)))
        for event in events:
            applied.add(event)
        return applied

    def add(self, event: Event) -> None:
        try:
            step = _STEPS.get(event.get("event"))
        except TypeError:
            return  # with a list for its type it is no event
        if step is None:
            self.log.append(event)
        else:
            step(self, event)

    def events(self) -> list[Event]:
        void = set(self._void)
        return [event for at, event in enumerate(self.log) if event is not _GONE and at not in void]

    def on_user(self, event: Event) -> None:
        self._marks.append(len(self.log))
        self.log.append(event)

    on_user_featurization = on_action_execution_rejected = on_user

    def on_action(self, event: Event) -> None:
        name = event.get("name")
        if name in self.loops and self._is_repetition(name):
            self._void_turns_since(name)
            self._void.append(len(self.log))
        else:
            self._marks.append(len(self.log))
        self.log.append(event)

    def on_slot(self, event: Event) -> None:
        name = event.get("name")
        if isinstance(name, str):
            self.slot_names[name] = None
        self.log.append(event)

    def on_active_loop(self, event: Event) -> None:
        name = event.get("name")
        if name is None:
            self._marks.append(len(self.log))
        elif name and isinstance(name, str) and name not in self.loops:
            self.loops.append(name)
        self.log.append(event)

    on_form = on_active_loop

    def on_undo(self, _: Event) -> None:
        self._cut("action")

    def on_rewind(self, _: Event) -> None:
        self._cut("user", "action")  # the second is the action_listen before the message

    def on_restart(self, event: Event) -> None:
        self.log, self._void, self._marks = [], [], []
        self.cuts += 1
        self.followup = SESSION_START if event["event"] == "restart" else LISTEN

    on_session_started = on_restart

    def _cut(self, *kinds: str) -> None:
        for at in self._void:
            self.log[at] = _GONE
        self._void.clear()
        for kind in kinds:
            del self.log[self._pop_mark(kind) :]
        self.cuts += 1
        self.followup = LISTEN

    def _pop_mark(self, kind: str) -> int:
        while self._marks:
            at = self._marks.pop()
            if self.log[at]["event"] == kind:
                return at
        return 0

    def _is_repetition(self, loop: str) -> bool:
        """Whether the loop ran before, and nothing since ended it or led off its happy path."""
        next_action = None
        for at in reversed(self._marks):
            kind, name = self.log[at]["event"], self.log[at].get("name")
            if kind == "action" and name == loop:
                return True
            unhappy = (kind == REJECTED and name == loop) or (kind == "user" and next_action is not None)
            if unhappy or kind in ("active_loop", "form"):
                return False
            next_action = name if kind == "action" else next_action
        return False

    def _void_turns_since(self, loop: str) -> None:
        kept: list[int] = []  # other loops look for their rejections
        at = self._marks.pop()
        while self.log[at]["event"] != "action" or self.log[at].get("name") != loop:
            (kept if self.log[at]["event"] == REJECTED else self._void).append(at)
            at = self._marks.pop()
        self._marks += [at, *reversed(kept)]


_STEPS = handlers(AppliedEvents)
