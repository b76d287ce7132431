"""A private PostgreSQL, as durable as a real one."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import psycopg2
from psycopg2 import sql

from tests.servers.process import HOST, INSTALL, Server, ServerError, clean_environment, find_program

BINARIES = "/usr/lib/postgresql/*/bin"


def account() -> str:
    """The account to run as: PostgreSQL refuses to be root; "" when this process is not root."""
    if os.geteuid() != 0:
        return ""
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise ServerError(f"There is no account postgres to run the server as; {INSTALL}") from None


class PostgresServer(Server):
    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": SIGTERM waits for every client to leave
    seconds_to_start: ClassVar[float] = 60

    def __init__(self, folder: Path | None = None, **options: str | int) -> None:
        """Options are those of postgresql.conf, such as fsync="off" or deadlock_timeout="200ms"."""
        super().__init__(folder)
        self.options: dict[str, str | int] = {"max_connections": 200, **options}

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def user(self) -> str:
        return account()

    def environment(self) -> dict[str, str]:
        return clean_environment("PG", "LC_", "LANG")

    def prepare(self) -> None:
        user = self.user()
        if user:
            shutil.chown(self.folder, user, user)
        initdb = [find_program("initdb", BINARIES), "--pgdata", str(self.data), *self.access()]
        # C.UTF-8 knows the case of every letter and needs no locale package. Not syncing here only means that
        # a power cut during initdb would cost this folder.
        initdb += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        as_user: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run(
            initdb, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False, **as_user
        )
        if done.returncode != 0:
            raise ServerError(f"initdb failed in {self.folder}; is it open to {user or 'you'}?\n{done.stderr}")

    def access(self) -> list[str]:
        """Of initdb: who may connect, and how."""
        return ["--username=postgres", "--auth=trust"]

    def command(self) -> list[str]:
        fixed = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            # In its folder, so that a killed server leaves nothing in /dev/shm, which is small in containers.
            "dynamic_shared_memory_type": "mmap",
        }
        command = [find_program("postgres", BINARIES), "-D", str(self.data)]
        for name, value in {**fixed, **self.options}.items():
            command += ["-c", f"{name}={value}"]
        return command

    def answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def kill(self) -> None:
        memory = self._shared_memory()
        super().kill()
        # A killed postmaster leaves its segment to the next one; nobody but us knows that there may be none.
        if memory and shutil.which("ipcrm"):
            subprocess.run(["ipcrm", "-m", memory], check=False, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        if self.running and not self.shared:
            self.kill()  # its data goes with its folder: a last checkpoint would only keep a busy disk busy
        super().close()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """An empty database; returns its URL."""
        connection = self._connect()
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        finally:
            connection.close()
        return self.url(name)

    def _connect(self) -> Any:
        return psycopg2.connect(self.url(), connect_timeout=5)

    def _shared_memory(self) -> str:
        """The id of the segment that guards the data folder: the last number of line 7 of postmaster.pid."""
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[6].split()[-1]
        except (OSError, IndexError):
            return ""
