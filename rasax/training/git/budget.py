"""How long one exchange with a git server may take, and how much it may send."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rasax.training.git.failures import TOO_LARGE, TOO_LATE, GitFailed

SECONDS = 120.0  # for one exchange as a whole, whatever trickles in
PATIENCE = 20.0  # seconds without a byte
MOST = 256 * 2**20  # bytes of one exchange
LARGEST_OBJECT = 32 * 2**20  # bytes of one object, unpacked


@dataclass
class Budget:
    seconds: float = SECONDS
    patience: float = PATIENCE
    left: int = MOST
    until: float = field(init=False)

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.seconds

    def patience_left(self) -> float:
        """Seconds for the next byte. Raises GitFailed."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise GitFailed(TOO_LATE)
        return min(left, self.patience)

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise GitFailed(TOO_LARGE)
        self.patience_left()
