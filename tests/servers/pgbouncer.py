"""A private PgBouncer before a private PostgreSQL: a session for each transaction, and few sessions for everybody."""

from pathlib import Path
from typing import ClassVar

import psycopg2

from tests.servers.postgres import PostgresServer, account
from tests.servers.process import HOST, Server, find_program

CONFIGURATION = """\
[databases]
* = host={host} port={postgres} user=postgres

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


class PgBouncerServer(Server):
    name: ClassVar[str] = "pgbouncer"

    def __init__(self, postgres: PostgresServer, folder: Path | None = None, *, size: int = 3) -> None:
        super().__init__(folder)
        self.postgres, self.size = postgres, size

    def user(self) -> str:
        """It refuses to be root, as PostgreSQL does."""
        return account()

    def prepare(self) -> None:
        text = CONFIGURATION.format(host=HOST, postgres=self.postgres.port, port=self.port, size=self.size)
        (self.folder / "pgbouncer.ini").write_text(text)
        self.folder.chmod(0o755)

    def command(self) -> list[str]:
        return [find_program("pgbouncer", "/usr/sbin"), str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        try:
            psycopg2.connect(self.url("postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{HOST}:{self.port}/{database}"
