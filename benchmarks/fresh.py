"""From `make run` in a fresh copy of the repository, with nothing in any cache, to the first page."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.ending import end_in_order
from tests.deployment import ROOT
from tests.servers.process import free_port

LONGEST = 900  # seconds


def show() -> None:
    with tempfile.TemporaryDirectory(prefix="rasax-fresh-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "rasax"
        copy.mkdir()
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        packed = subprocess.run(
            ["tar", "--create", "--null", "--files-from=-"], cwd=ROOT, input=names, capture_output=True, check=True
        )
        subprocess.run(["tar", "--extract"], cwd=copy, input=packed.stdout, check=True)
        print(f"From `make run` on a machine with nothing to the first page: {until_the_first_page(copy):.1f} s")
        print(
            f"  what it installed: {size_in_mb(copy / '.venv/lib'):.0f} MB in {n_packages(copy)} packages", flush=True
        )


def until_the_first_page(copy: Path) -> float:
    """With the packages from the registry, whose speed is in it."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RASAX_", "DATABASE_"))}
    home = copy.parent / "home"
    environment = {**kept, "HOME": str(home), "UV_CACHE_DIR": str(home / "uv"), "PORT": str(port)}
    environment |= {"PIP_NO_CACHE_DIR": "1", "DJANGO_SETTINGS_MODULE": "rasax.settings"}
    began = time.monotonic()
    with (copy.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "run"], cwd=copy, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while not answers(port):
            assert process.poll() is None and time.monotonic() - began < LONGEST, (copy.parent / "log").read_text()
            time.sleep(0.05)
        return time.monotonic() - began
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as page:
            return page.status == 200
    except OSError:
        return False


def size_in_mb(folder: Path) -> float:
    return sum(path.lstat().st_size for path in folder.rglob("*")) / 2**20


def n_packages(copy: Path) -> int:
    return len(list((copy / ".venv").glob("lib/*/site-packages/*.dist-info")))


if __name__ == "__main__":
    end_in_order()
    show()
