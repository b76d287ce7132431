"""What all private servers share: free ports, a temporary folder, start, stop, kill and start again."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from tests.servers import supervisor

HOST = "127.0.0.1"
INSTALL = "tests/servers/install.sh installs what is missing"


class ServerError(RuntimeError):
    """A private server could not be started or stopped; the message ends with its log."""


def free_port() -> int:
    """A free loopback port below the ephemeral range.

    Not one that the kernel hands out: a client that keeps knocking at a killed server's ephemeral port can be
    given that very port as its own, and then talks to itself, while the server cannot bind it again.
    """
    with contextlib.suppress(OSError):
        lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        upper = min(max(lowest_ephemeral, 12_000), 32_768)
        for _ in range(200):
            port = random.randrange(10_240, upper)
            if port_is_free(port):
                return port
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


def port_is_free(port: int) -> bool:
    try:
        with socket.create_server((HOST, port)):
            return True
    except OSError:
        return False


def port_answers(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def find_program(name: str, *folders: str) -> str:
    """The newest program of that name in folders (glob patterns), or else in PATH."""
    for pattern in folders:
        found = [str(path) for path in Path("/").glob(f"{pattern.lstrip('/')}/{name}")]
        if found:
            return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path)])
    if on_path := shutil.which(name):
        return on_path
    raise ServerError(f"{name} is not installed; {INSTALL}")


def clean_environment(*prefixes: str) -> dict[str, str]:
    """This process's environment without what would point a server or its tools at another installation."""
    return {key: value for key, value in os.environ.items() if not key.startswith(prefixes)}


class Server:
    """One private server in a folder of its own. Usable as a context manager; start() may be called again after
    stop() or kill() and finds the same data on the same port."""

    name: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]] = ("main",)
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    seconds_to_start: ClassVar[float] = 30
    seconds_to_stop: ClassVar[float] = 30

    def __init__(self, folder: Path | None = None) -> None:
        """With the folder of a running server, a second handle on it, which cannot stop it."""
        self.shared = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"rasax-{self.name}-"))
        self.log = self.folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        ports = self.folder / "ports.json"
        if not ports.exists():
            ports.write_text(json.dumps({name: free_port() for name in self.port_names}))
        self.ports: dict[str, int] = json.loads(ports.read_text())

    @property
    def port(self) -> int:
        return self.ports["main"]

    @property
    def running(self) -> bool:
        if self._process is None:
            return self.shared and port_answers(self.port)
        return self._process.poll() is None

    def prepare(self) -> None:
        """Make what the server needs in its folder, when it is started for the first time."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def user(self) -> str:
        """The account to run as, or "" for this process's own."""
        return ""

    def answers(self) -> bool:
        """Whether the server does its work already, not only listens."""
        return port_answers(self.port)

    def start(self) -> Self:
        self._refuse_if_shared("start")
        if self.running:
            return self
        marker = self.folder / "prepared"
        if not marker.exists():
            self.prepare()
            marker.touch()
        self._process = self._launch()
        self._wait(self.answers, self.seconds_to_start)
        return self

    def stop(self) -> None:
        """End the server in order."""
        self.thaw()
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server and all its processes with SIGKILL, as the kernel does when memory runs out."""
        self._end(signal.SIGUSR1)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def close(self) -> None:
        """End the server and remove its folder."""
        try:
            self.stop()
        finally:
            if not self.shared:
                shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> list[int]:
        """The ids of the server's processes and of the one that watches over them."""
        if self._process is None:
            return []
        return [self._process.pid, *supervisor.descendants(self._process.pid)]

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _launch(self) -> subprocess.Popen[bytes]:
        options = {
            "--parent": os.getpid(),
            "--folder": self.folder,
            "--stop-signal": int(self.stop_signal),
            "--user": self.user(),
        }
        arguments = [str(word) for option in options.items() for word in option]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, *arguments, "--", *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for the tests, which then end it in order
            )

    def _end(self, how: signal.Signals) -> None:
        self._refuse_if_shared("stop")
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(self.seconds_to_stop)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGUSR1)
            self._process.wait()
            raise self.error(f"did not stop within {self.seconds_to_stop:.0f} s and was killed") from None
        finally:
            self._process = None

    def _signal_all(self, which: signal.Signals) -> None:
        self._refuse_if_shared("freeze")
        for pid in self.processes()[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)

    def _refuse_if_shared(self, verb: str) -> None:
        if self.shared:
            raise ServerError(
                f"Other tests use this {self.name} server; to {verb} one, start a {type(self).__name__}()"
            )

    def _wait(self, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.running:
                raise self.error("ended while it started")
            if time.monotonic() > deadline:
                self.kill()
                raise self.error(f"did not answer within {seconds:.0f} s")
            time.sleep(0.05)

    def error(self, what: str) -> ServerError:
        lines = self.log.read_text(errors="replace").splitlines()[-30:] if self.log.exists() else []
        return ServerError("\n".join([f"The private {self.name} server {what}. The end of its log:", *lines]))
