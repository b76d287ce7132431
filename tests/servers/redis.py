"""A private Redis that keeps its data over a restart."""

from typing import ClassVar

import redis

from tests.servers.process import HOST, Server, find_program


class RedisServer(Server):
    name: ClassVar[str] = "redis"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def command(self) -> list[str]:
        command = [find_program("redis-server"), "--bind", HOST, "--port", str(self.port), "--dir", str(self.folder)]
        return [*command, "--save", "", "--appendonly", "yes", "--appendfsync", "always"]

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
