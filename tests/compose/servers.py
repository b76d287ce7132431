"""The servers of docker/compose.yml as Debian's packages, with the files and variables that their images would get."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar

import amqp
import psycopg2
import redis

from tests.compose.reading import Composed
from tests.servers.postgres import PostgresServer
from tests.servers.process import HOST, Server, find_program, port_answers
from tests.servers.rabbitmq import RabbitMQServer
from tests.servers.redis import RedisServer

NGINX = """
{user}pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/default.conf;
}}
"""


class Composition:
    """Which port and files a server gets; mixed into the private servers of other tests."""

    composed: Composed
    service: ClassVar[str]

    def place(self, composed: Composed) -> None:
        self.composed = composed
        self.variables = composed.environment(self.service)
        self.ports = {**self.ports, "main": composed.ports[self.service]}


class Postgres(Composition, PostgresServer):
    service = "postgres"

    def __init__(self, composed: Composed) -> None:
        super().__init__()
        self.place(composed)
        self.password = Path(self.variables["POSTGRES_PASSWORD_FILE"]).read_text()

    def access(self) -> list[str]:
        readable = self.folder / "password"
        readable.write_text(self.password)
        if self.user():
            shutil.chown(readable, self.user())
        return [f"--username={self.variables['POSTGRES_USER']}", "--auth=scram-sha-256", f"--pwfile={readable}"]

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{self.variables['POSTGRES_USER']}:{self.password}@{HOST}:{self.port}/{database}"

    def start(self) -> Postgres:
        fresh = not (self.folder / "prepared").exists()
        super().start()
        if fresh:  # as the image's entry point
            self.create_database(self.variables["POSTGRES_DB"])
            for script in self.composed.files("postgres"):
                self._run(script.read_text())
        return self

    def _run(self, script: str) -> None:
        connection = psycopg2.connect(self.url(self.variables["POSTGRES_DB"]))
        connection.autocommit = True
        connection.cursor().execute(script)
        connection.close()


class RabbitMQ(Composition, RabbitMQServer):
    service = "rabbitmq"

    def __init__(self, composed: Composed) -> None:
        super().__init__()
        self.place(composed)

    def prepare(self) -> None:
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "environment").touch()
        own = [
            f"listeners.tcp.1 = {HOST}:{self.port}",
            "log.file = false",
            "log.console = true",
            "log.console.level = error",
        ]
        given = [path.read_text() for path in self.composed.files("rabbitmq")]
        (self.folder / "rabbitmq.conf").write_text("\n".join([*own, *given]))

    def answers(self) -> bool:
        password = self.composed.secret("rabbitmq_url").read_text().split(":")[2].split("@")[0]
        try:
            with amqp.Connection(f"{HOST}:{self.port}", "rasax", password, connect_timeout=2, read_timeout=5):
                return True
        except (OSError, amqp.AMQPError):
            return False


class Redis(Composition, RedisServer):
    service = "redis"

    def __init__(self, composed: Composed) -> None:
        super().__init__()
        self.place(composed)

    def command(self) -> list[str]:
        _, *words = self.composed.command("redis")
        return [
            find_program("redis-server"),
            *words,
            "--bind",
            HOST,
            "--port",
            str(self.port),
            "--dir",
            str(self.folder),
        ]

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.composed.secret("redis_url").read_text())
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


class Nginx(Composition, Server):
    name: ClassVar[str] = "nginx"
    service = "nginx"

    def __init__(self, composed: Composed) -> None:
        super().__init__()
        self.place(composed)

    def prepare(self) -> None:
        (template,) = self.composed.files("nginx")
        text = template.read_text()
        for name, value in self.variables.items():  # the image's envsubst leaves other variables alone
            text = text.replace(f"${{{name}}}", value)
        (self.folder / "default.conf").write_text(text)
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(NGINX.format(folder=self.folder, user=user))

    def command(self, *more: str) -> list[str]:
        program = find_program("nginx", "/usr/sbin")
        return [program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;", *more]

    def answers(self) -> bool:
        return port_answers(self.port)


SERVERS = (Postgres, RabbitMQ, Redis, Nginx)
