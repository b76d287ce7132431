"""`make run`: everything in one place, without a server to install. `python -m rasax.start`.

SQLite, a file as the event broker, a folder as Celery's; web and worker are two processes that this one watches.
"""

from __future__ import annotations

import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from dotenv import load_dotenv

ROOT = Path(__file__).resolve().parent.parent
load_dotenv(ROOT / ".env")
RUN = Path(os.environ.setdefault("RASAX_RUN_DIR", str(ROOT / ".run")))
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = os.environ.get("PORT", "8000")
URL = f"http://127.0.0.1:{PORT}/"


def main() -> None:
    _refuse_a_port_in_use()
    embedded = _embedded_defaults()
    _prepare_database()
    if embedded and os.environ.get("DEMO", "1") != "0":
        _load_demo()
    _run_until_one_ends(
        [sys.executable, "-m", "celery", "--quiet", "-A", "rasax", "worker", "--loglevel", "ERROR", "--without-gossip"],
        [
            sys.executable,
            "-m",
            "uvicorn",
            "rasax.asgi:application",
            "--host",
            HOST,
            "--port",
            PORT,
            "--log-level",
            "warning",
        ],
    )


def _refuse_a_port_in_use() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(PORT)))
        except (OSError, ValueError):
            sys.exit(f"Port {PORT} cannot be used here; choose another: make run PORT=8001")


def _embedded_defaults() -> bool:
    """Fills in what the environment leaves open; False where it names an event broker of the user's own."""
    (RUN / "static").mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rasax.settings")
    if not (os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")):
        os.environ["SECRET_KEY_FILE"] = str(_secret("secret_key"))
    if not (os.environ.get("ENCRYPTION_KEYS") or os.environ.get("ENCRYPTION_KEYS_FILE")):
        os.environ["ENCRYPTION_KEYS_FILE"] = str(_secret("encryption_key"))
    os.environ.setdefault("RASAX_URL", URL)
    if not (os.environ.get("SERVICE_TOKEN") or os.environ.get("SERVICE_TOKEN_FILE")):
        os.environ["SERVICE_TOKEN_FILE"] = str(_secret("service_token"))
    os.environ.setdefault("ALLOW_PRIVATE_ADDRESSES", "1")  # the Rasa that is tried out runs on this machine, too
    if any(os.environ.get(name) for name in ("EVENT_BROKER_URL", "EVENT_BROKER_URL_FILE", "RASA_ENDPOINTS")):
        return False
    os.environ["EVENT_BROKER_URL"] = f"file://{RUN / 'rasa_event.log'}"
    return True


def _secret(name: str) -> Path:
    path = RUN / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path


def _prepare_database() -> None:
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError

    try:
        django.setup()
        call_command("check", stdout=io.StringIO())
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.exit(f"rasax cannot start: {error}")
    _refuse_a_wrong_database()
    call_command("migrate", verbosity=0)
    call_command("create_first_admin")


def _refuse_a_wrong_database() -> None:
    from events.schema.versions import WrongSchema
    from events.schema.waiting import DatabaseIsAway, look

    try:
        look()
    except (WrongSchema, DatabaseIsAway) as error:
        sys.exit(f"rasax cannot start: {error}")


def _load_demo() -> None:
    from django.core.management import call_command

    from events.models import BrokerPosition, Conversation

    if not (Conversation.objects.exists() or BrokerPosition.objects.exists()):
        call_command("load_demo")


def _run_until_one_ends(*commands: list[str]) -> None:
    processes = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        _announce_when_it_answers()
        while all(process.poll() is None for process in processes):
            time.sleep(0.5)
        ended = next(p for p in processes if p.poll() is not None)
        sys.exit(f"{' '.join(map(str, ended.args[1:4]))} ended with code {ended.returncode}; see its output above.")  # type: ignore[index]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _announce_when_it_answers() -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", int(PORT))) == 0:
                print(f"\nrasax is ready: {URL}\n(Ctrl+C stops it)", flush=True)  # noqa: T201
                return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
