"""How far it is: a bar that moves on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from shutil import get_terminal_size
from typing import Any

from trackers.moving.tally import Tally

BAR = 10


class Progress:
    """`write` gets the text with its end. `already` is what an earlier, interrupted run did."""

    def __init__(self, write: Callable[[str], Any], *, terminal: bool, already: Tally) -> None:
        self._write = write
        self._terminal = terminal
        self._every = 0.2 if terminal else 5.0
        self._before = (already.conversations, already.events)
        self._started = self._shown_at = time.monotonic()
        self._width = 0

    @property
    def seconds(self) -> float:
        return max(time.monotonic() - self._started, 0.001)

    def rate(self, tally: Tally) -> float:
        """Events a second, of this run."""
        return (tally.events - self._before[1]) / self.seconds

    def show(self, tally: Tally, total: int | None) -> None:
        """`total` is the number of conversations, as soon as it is known."""
        if time.monotonic() - self._shown_at >= self._every:
            self._shown_at = time.monotonic()
            self._put(self._line(tally, total))

    def end(self) -> None:
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _put(self, line: str) -> None:
        if self._terminal:
            line = line[: get_terminal_size().columns - 1]  # a line that breaks could not be written over
            self._write("\r" + line.ljust(self._width))
            self._width = len(line)
        else:
            self._write(line + "\n")

    def _line(self, tally: Tally, total: int | None) -> str:
        parts = [
            f"{tally.conversations:,}{f' of {total:,}' if total else ''} conversations",
            f"{tally.events:,} events",
            f"{self.rate(tally):,.0f} events/s",
        ]
        if total and (left := self._left(tally, total)) is not None:
            parts.append(f"{left} left")
        return (self._bar(tally, total) if self._terminal else "") + ", ".join(parts)

    def _bar(self, tally: Tally, total: int | None) -> str:
        filled = min(BAR, BAR * tally.conversations // total) if total else 0
        return f"[{'#' * filled}{'-' * (BAR - filled)}] "

    def _left(self, tally: Tally, total: int) -> str | None:
        done = tally.conversations - self._before[0]
        return duration(self.seconds * (total - tally.conversations) / done) if done else None


def duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole % 60} s"
