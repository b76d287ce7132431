"""A private RabbitMQ, with virtual hosts made in advance."""

import base64
import fcntl
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import ClassVar

import amqp

from tests.servers.process import HOST, Server, clean_environment, find_program
from tests.servers.sharing import locked

BINARIES = "/usr/lib/rabbitmq/bin"
NODE = "rasax@localhost"
VHOSTS_AT_ONCE = 24

CONFIGURATION = """\
listeners.tcp.1 = {host}:{port}
load_definitions = {definitions}
vm_memory_high_watermark.relative = 0.8
disk_free_limit.absolute = 20MB
log.file = false
log.console = true
log.console.level = error
"""


def vhost_name(number: int) -> str:
    return f"test-{number}"


def password_hash(password: str) -> str:
    """As RabbitMQ keeps it: base64 of a four byte salt and the SHA-256 of salt and password."""
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(vhosts: list[str]) -> dict[str, list[dict[str, object]]]:
    """What the server makes of itself when it starts: with this, it makes no guest account of its own."""
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    guest = {"name": "guest", "password_hash": password_hash("guest"), "tags": ["administrator"]}
    return {
        "users": [{**guest, "hashing_algorithm": "rabbit_password_hashing_sha256"}],
        "vhosts": [{"name": name} for name in vhosts],
        "permissions": [{"user": "guest", "vhost": name, **everything} for name in vhosts],
    }


class RabbitMQServer(Server):
    name: ClassVar[str] = "rabbitmq"
    port_names: ClassVar[tuple[str, ...]] = ("main", "distribution", "epmd")
    seconds_to_start: ClassVar[float] = 120
    seconds_to_stop: ClassVar[float] = 60

    @property
    def url(self) -> str:
        """Its default virtual host, "/"; the server's tests share it, so prefer new_vhost()."""
        return f"amqp://guest:guest@{HOST}:{self.port}//"

    def new_vhost(self) -> str:
        """The URL of a virtual host that no other test uses: at once, but for every 24th, which takes a second."""
        taken = self.folder / "vhosts.taken"
        with locked(self.folder / "vhosts.lock", fcntl.LOCK_EX):
            number = int(taken.read_text())
            if number and number % VHOSTS_AT_ONCE == 0:
                self.ctl("import_definitions", str(self._write_definitions(number)))
            taken.write_text(str(number + 1))
        return f"amqp://guest:guest@{HOST}:{self.port}/{vhost_name(number)}"

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl (a second); returns what it prints."""
        command = [find_program("rabbitmqctl", BINARIES), "--quiet", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise self.error(f"refused rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def sync(self) -> None:
        """Write what was declared to disk: killed some milliseconds after, RabbitMQ 3.10 forgets a durable queue."""
        self.ctl("eval", "mnesia:sync_log().")

    def prepare(self) -> None:
        (self.folder / "vhosts.taken").write_text("0")
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "environment").touch()
        known = self._write_definitions(0, "/")
        configuration = CONFIGURATION.format(host=HOST, port=self.port, definitions=known)
        (self.folder / "rabbitmq.conf").write_text(configuration)

    def _write_definitions(self, first: int, *others: str) -> Path:
        path = self.folder / f"definitions-{first}.json"
        numbered = (vhost_name(number) for number in range(first, first + VHOSTS_AT_ONCE))
        path.write_text(json.dumps(definitions([*others, *numbered])))
        return path

    def command(self) -> list[str]:
        # Not the script in /usr/sbin, which changes the user and the folder.
        return [find_program("rabbitmq-server", BINARIES)]

    def environment(self) -> dict[str, str]:
        folder = self.folder
        return {
            **clean_environment("RABBITMQ", "ERL"),
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.ports["epmd"]),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_DIST_PORT": str(self.ports["distribution"]),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "logs"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # Lets the script become the server, instead of waiting for it as a shell that holds its signals.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def answers(self) -> bool:
        try:
            with amqp.Connection(f"{HOST}:{self.port}", connect_timeout=2, read_timeout=5):
                return True
        except (OSError, amqp.AMQPError):
            return False
