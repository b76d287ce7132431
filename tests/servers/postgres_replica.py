"""A standby that streams from a private PostgreSQL."""

from __future__ import annotations

import subprocess
from typing import Any, ClassVar

import psycopg2

from tests.servers.postgres import BINARIES, PostgresServer
from tests.servers.process import HOST, ServerError, find_program


class PostgresReplica(PostgresServer):
    name: ClassVar[str] = "postgres-replica"

    def __init__(self, primary: PostgresServer, **options: str | int) -> None:
        super().__init__(None, **options)
        self.primary = primary

    def prepare(self) -> None:
        as_user: dict[str, Any] = {}
        if user := self.user():
            subprocess.run(["chown", f"{user}:{user}", str(self.folder)], check=True)
            as_user = {"user": user, "group": user, "extra_groups": []}
        copy = [
            find_program("pg_basebackup", BINARIES),
            "--pgdata",
            str(self.data),
            "--write-recovery-conf",
            "--no-sync",
        ]
        copy += ["--checkpoint=fast", "--host", HOST, "--port", str(self.primary.port), "--username=postgres"]
        done = subprocess.run(
            copy, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False, **as_user
        )
        if done.returncode != 0:
            raise ServerError(f"pg_basebackup failed in {self.folder}.\n{done.stderr}")

    def pause(self) -> None:
        """Stays up, and falls behind."""
        self._run("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        self._run("SELECT pg_wal_replay_resume()")

    def _run(self, sql: str) -> None:
        connection = psycopg2.connect(self.url(), connect_timeout=5)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()
