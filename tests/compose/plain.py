"""Starts what docker/compose.yml says as plain processes, and starts again what ends, as its restart policies say."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.compose.reading import Composed
from tests.compose.servers import SERVERS
from tests.deployment import ROOT
from tests.servers.process import Server

PROGRAMS = Path(sys.executable).parent


class PlainCompose:
    def __init__(self, composed: Composed) -> None:
        self.composed = composed
        self.servers: dict[str, Server] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = threading.Event()
        self.watch = threading.Thread(target=self._restart_what_ends)
        self.restarts: dict[str, int] = {}

    def __enter__(self) -> PlainCompose:
        try:
            self._up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _up(self) -> None:
        for kind in SERVERS:
            if kind.service in self.composed.services:
                self.servers[kind.service] = kind(self.composed)
        starting = [threading.Thread(target=server.start) for server in self.servers.values()]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        for name, service in self.composed.services.items():
            if "rasax" in service["image"] and name not in self.servers:
                self._start(name)
        self.watch.start()

    def __exit__(self, *args: object) -> None:
        self.stopping.set()
        with contextlib.suppress(RuntimeError):
            self.watch.join()
        for name in self.processes:
            self.kill(name)
        for server in self.servers.values():
            with contextlib.suppress(Exception):
                server.kill()
            server.close()

    def _start(self, name: str) -> None:
        environment = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "TMPDIR": str(self.composed.temporary(name))}
        environment |= {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **self.composed.environment(name)}
        with (self.composed.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.composed.command(name), cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def run(self, name: str, *command: str) -> str:
        """As `docker compose exec`."""
        environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **self.composed.environment(name)}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        return done.stdout

    def kill(self, name: str) -> None:
        """At once, with all that belongs to it; what its restart policy says follows by itself."""
        if name in self.servers:
            self.servers[name].kill()
            self.servers[name].start()
        elif self.processes[name].poll() is None:
            os.killpg(self.processes[name].pid, signal.SIGKILL)
            self.processes[name].wait()

    def _restart_what_ends(self) -> None:
        while not self.stopping.wait(0.2):
            for name, process in list(self.processes.items()):
                policy, code = self.composed.services[name]["restart"], process.poll()
                if code is not None and (policy == "unless-stopped" or (policy == "on-failure" and code)):
                    self.restarts[name] = self.restarts.get(name, 0) + 1
                    self._start(name)

    def is_healthy(self, name: str) -> bool:
        """By the service's own health check; the servers' need their images, so these answer for themselves."""
        if name in self.servers:
            return self.servers[name].answers()
        environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", **self.composed.environment(name)}
        check = self.composed.health_check(name)
        return subprocess.run(check, cwd=ROOT, env=environment, capture_output=True, check=False).returncode == 0

    def wait_until(self, true: Callable[[], Any], what: str, seconds: float = 90) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if found := true():
                    return found
            time.sleep(0.2)
        raise AssertionError(f"No {what} within {seconds:.0f} s.\n{self.log()}")

    def log(self) -> str:
        logs = sorted(self.composed.folder.glob("*.log"))
        return "\n".join(f"{path.name}: {path.read_text(errors='replace')[-1500:]}" for path in logs)
