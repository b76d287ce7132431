"""Kills and restarts what it can while events arrive, and then counts."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable

from tests.chaos.publisher import Publisher
from tests.deployment import Deployment

WORKS_AGAIN_WITHIN = 15.0  # seconds


class Chaos:
    """Two Celery workers under load. `recovery` holds the seconds from each blow to the next new event."""

    def __init__(self, deployment: Deployment, publisher: Publisher, *, seed: int) -> None:
        self.deployment, self.publisher = deployment, publisher
        self.chance = random.Random(seed)
        self.recovery: list[float] = []
        self.workers = [deployment.start_worker() for _ in range(2)]

    def kill_a_worker(self) -> None:
        victim = self.chance.randrange(2)
        self.workers[victim] = self._replace(self.workers[victim])

    def _replace(self, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Only a worker that already works is killed: one that still starts has nothing to lose."""
        self.deployment.wait_until(lambda: self._beats() >= 2, "two working workers")
        self.deployment.kill(worker)
        return self.deployment.start_worker()

    def _beats(self) -> int:
        names = [f"%:{worker.pid}" for worker in self.workers]
        return int(self.deployment.ask("SELECT count(*) FROM events_heartbeat WHERE name LIKE ANY(%s)", names)[0][0])

    def strike(self, blow: Callable[[], object], *, times: int, apart: float) -> None:
        """Each blow falls at a random instant; the next only once events that were published after it are kept."""
        for _ in range(times):
            time.sleep(self.chance.uniform(0.2, apart))
            blow()
            self.recovery.append(self._seconds_until_new_events_are_kept())

    def _seconds_until_new_events_are_kept(self) -> float:
        struck = time.monotonic()
        awaited = len(self.publisher.confirmed) + 5
        self.deployment.wait_until(lambda: len(self.publisher.confirmed) > awaited, "confirmed events")
        number = self.publisher.confirmed[awaited]
        self.deployment.wait_until(lambda: number in kept_numbers(self.deployment, since=number), f"event {number}")
        return time.monotonic() - struck

    def ensure_workers_live(self) -> None:
        for worker in self.workers:
            assert worker.poll() is None, f"A worker ended by itself.\n{self.deployment.log()[-6000:]}"


def kept_numbers(deployment: Deployment, since: int = 0) -> Counter[int]:
    """How often each numbered event is kept."""
    rows = deployment.ask("SELECT data FROM events_event WHERE type = 'slot' AND timestamp >= %s", 1e9 + since / 1000)
    return Counter(int(re.search(r'"value": (\d+)', data)[1]) for (data,) in rows)  # type: ignore[index]


def lost_and_doubled(
    deployment: Deployment, publisher: Publisher, *, patience: float = 60
) -> tuple[set[int], set[int]]:
    """Of what was confirmed, the missing and the repeated, once nothing more arrives."""
    deadline = time.monotonic() + patience
    while True:
        kept = kept_numbers(deployment)
        lost = set(publisher.confirmed) - kept.keys()
        if not lost or time.monotonic() > deadline:
            return lost, {number for number, times in kept.items() if times > 1}
        time.sleep(0.5)
