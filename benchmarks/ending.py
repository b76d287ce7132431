"""A benchmark that is ended (`timeout`, `kill`) ends what it started, as one that is interrupted with Ctrl-C does."""

from __future__ import annotations

import signal
import sys
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


def end_in_order() -> None:
    """From now on these signals unwind the stack, with all that `with` and `finally` have to end."""
    for each in SIGNALS:
        signal.signal(each, _end)


def _end(number: int, frame: Any) -> None:
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # once is enough, and what is being ended must not be left half-way
    sys.exit(128 + number)
