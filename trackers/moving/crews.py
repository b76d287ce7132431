"""Who does the work: this thread, some threads, or some processes. All take pages and give back tallies."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol

from django.db import Error, connections

from trackers.moving.tally import Tally
from trackers.stores import TrackerStoreMisconfigured, TrackerStoreUnavailable

EXPECTED = (TrackerStoreUnavailable, TrackerStoreMisconfigured, Error)
Page = tuple[int, list[str]]


class WorkFailed(Exception):
    """A worker could not go on; the text says why."""


class Worker(Protocol):
    def take(self, sender_ids: list[str]) -> Tally: ...

    def close(self) -> None: ...


class Crew(Protocol):
    @property
    def is_free(self) -> bool: ...

    def submit(self, number: int, sender_ids: list[str]) -> None: ...

    def results(self, seconds: float) -> Iterator[tuple[int, Tally]]:
        """What was done meanwhile; waits that long if it is nothing."""

    def close(self) -> None: ...


class Alone:
    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._done: list[tuple[int, Tally]] = []

    @property
    def is_free(self) -> bool:
        return not self._done

    def submit(self, number: int, sender_ids: list[str]) -> None:
        self._done.append((number, self._worker.take(sender_ids)))

    def results(self, seconds: float) -> Iterator[tuple[int, Tally]]:
        while self._done:
            yield self._done.pop(0)

    def close(self) -> None:
        self._worker.close()


class Threads:
    """Share one worker, whose stores must be fit for that."""

    def __init__(self, number: int, worker: Worker) -> None:
        self._number, self._worker = number, worker
        self._pool = ThreadPoolExecutor(number)
        self._running: dict[Future[Tally], int] = {}

    @property
    def is_free(self) -> bool:
        return len(self._running) < self._number

    def submit(self, number: int, sender_ids: list[str]) -> None:
        self._running[self._pool.submit(self._take, sender_ids)] = number

    def _take(self, sender_ids: list[str]) -> Tally:
        try:
            return self._worker.take(sender_ids)
        finally:
            connections.close_all()  # of this thread; nobody else could

    def results(self, seconds: float) -> Iterator[tuple[int, Tally]]:
        for future in wait(self._running, seconds, FIRST_COMPLETED).done:
            yield self._running.pop(future), future.result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._worker.close()


class Processes:
    """`hire` makes a worker in each. They are forked here, so before anybody has connected to anything."""

    def __init__(self, number: int, hire: Callable[[], Worker]) -> None:
        connections.close_all()
        context = get_context("fork")
        self._busy: dict[Any, int] = {}
        self._idle: list[Any] = []
        self._processes: list[Any] = []
        for _ in range(number):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, os.getpid(), hire), daemon=True)
            process.start()
            theirs.close()
            self._idle.append(ours)
            self._processes.append(process)

    @property
    def is_free(self) -> bool:
        return bool(self._idle)

    def submit(self, number: int, sender_ids: list[str]) -> None:
        pipe = self._idle.pop()
        self._busy[pipe] = number
        try:
            pipe.send(sender_ids)
        except OSError as error:
            raise self._death() from error

    def results(self, seconds: float) -> Iterator[tuple[int, Tally]]:
        for pipe in wait_for(list(self._busy), seconds):
            yield self._busy.pop(pipe), self._receive(pipe)
            self._idle.append(pipe)

    def _receive(self, pipe: Any) -> Tally:
        try:
            result: Tally | str = pipe.recv()
        except (EOFError, OSError) as error:
            raise self._death() from error
        if isinstance(result, str):
            raise WorkFailed(result)
        return result

    def _death(self) -> WorkFailed:
        for process in self._processes:
            process.join(0.2)
        codes = {process.exitcode for process in self._processes} - {None, 0}
        if -signal.SIGKILL in codes:
            return WorkFailed("a worker process was killed; was there memory enough? Fewer --processes take less")
        return WorkFailed(f"a worker process ended with status {max(codes, default='unknown')}; its error stands above")

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def _work(pipe: Connection, parent: int, hire: Callable[[], Worker]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it as well, and ends us
    _collect_less_garbage()
    worker = None
    while sender_ids := _next(pipe, parent):
        try:
            worker = worker or hire()
            pipe.send(worker.take(sender_ids))
        except EXPECTED as error:
            pipe.send(str(error).strip() or type(error).__name__)


def _collect_less_garbage() -> None:
    """Events are many objects and no cycles; looking for some takes a fifth of the time."""
    gc.freeze()
    gc.set_threshold(200_000)


def _next(pipe: Connection, parent: int) -> list[str] | None:
    """None when the parent is gone: the other children, too, hold its end of the pipe, so it would stay open."""
    while not pipe.poll(1):
        if os.getppid() != parent:
            return None
    try:
        return pipe.recv()  # type: ignore[no-any-return]
    except EOFError:
        return None
