"""Runs one server for a test process, and ends it with all its children when that process is gone.

Started as a script of its own (`python supervisor.py --parent PID … -- command`), because a test process that is
killed cannot clean up, and a server must outlive the thread that started it, which rules out a parent death
signal alone. It imports nothing of the project.

SIGTERM asks the server to stop; SIGUSR1 kills it and its children at once.
"""

import argparse
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SECONDS_TO_STOP_WHEN_ABANDONED = 10
WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD}


def descendants(pid: int) -> list[int]:
    """The ids of the living children of a process, and of theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name in parentheses may itself hold spaces and parentheses.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def kill_descendants() -> None:
    """Kill all that this process ever started; daemons too, since orphans are handed to a subreaper."""
    while below := descendants(os.getpid()):
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def prepare_child(libc: ctypes.CDLL, death_signal: int) -> Callable[[], None]:
    """What the child does before it becomes the server."""

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return prepare


def start(arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    # A blocked signal waits for sigtimedwait(), so none is lost between two looks.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    user: dict[str, Any] = {}
    if arguments.user:
        user = {"user": arguments.user, "group": arguments.user, "extra_groups": []}
    server: subprocess.Popen[bytes] = subprocess.Popen(
        arguments.command,
        stdin=subprocess.DEVNULL,
        preexec_fn=prepare_child(libc, arguments.stop_signal),  # noqa: PLW1509 - this process has one thread
        **user,
    )
    return server


def abandon(server: subprocess.Popen[bytes], stop_signal: int, folder: str) -> None:
    """The test process is gone: end the server in order, so that it gives back its shared memory, and clean up."""
    server.send_signal(stop_signal)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(SECONDS_TO_STOP_WHEN_ABANDONED)
    kill_descendants()
    shutil.rmtree(folder, ignore_errors=True)


def supervise(server: subprocess.Popen[bytes], arguments: argparse.Namespace) -> None:
    while server.poll() is None:
        received = signal.sigtimedwait(WATCHED, 0.5)
        if os.getppid() != arguments.parent:
            abandon(server, arguments.stop_signal, arguments.folder)
        elif received and received.si_signo == signal.SIGUSR1:
            kill_descendants()
        elif received and received.si_signo != signal.SIGCHLD:
            server.send_signal(arguments.stop_signal)
    kill_descendants()
    # In a container, the process that inherits them may never ask for their ends.
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True, help="the test process")
    parser.add_argument("--folder", required=True, help="removed when the test process is gone")
    parser.add_argument("--stop-signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--user", default="", help="the account to run the server as")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    server = start(arguments)
    supervise(server, arguments)
    return abs(int(server.returncode))


if __name__ == "__main__":
    sys.exit(main())
