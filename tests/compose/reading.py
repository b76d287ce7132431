"""docker/compose.yml as Compose reads it, but with every container's address on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from ruamel.yaml import YAML

from tests.deployment import ROOT
from tests.servers.process import free_port

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<how>:?[-?])(?P<other>[^}]*))?\})")
# Who listens where inside its container.
PORTS = {
    "rasax": 5002, "all-in-one": 5002, "event-service": 5673, "celery-worker": 5673, "celery-beat": 5673,
    "worker in all-in-one": 5673, "db-migration-service": 8000, "nginx": 8080,
    "postgres": 5432, "rabbitmq": 5672, "redis": 6379, "rasa-production": 5005,
}  # fmt: skip


def interpolated(value: Any, variables: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: interpolated(entry, variables) for key, entry in value.items()}
    if isinstance(value, list):
        return [interpolated(entry, variables) for entry in value]
    return VARIABLE.sub(lambda found: _meant(found, variables), value) if isinstance(value, str) else value


def _meant(found: re.Match[str], variables: dict[str, str]) -> str:
    name, how, other = found["name"], found["how"], found["other"]
    if name is None:
        return "$"
    if name not in variables or (how == ":-" and not variables[name]):
        assert how in {"-", ":-"}, f"{name} has no value"
        return str(other)
    return variables[name]


class Composed:
    """The services of some profiles, with secrets of their own, in a folder."""

    def __init__(self, folder: Path, *profiles: str) -> None:
        self.folder, self.docker = folder, folder / "docker"
        shutil.copytree(ROOT / "docker", self.docker, ignore=shutil.ignore_patterns("secrets", ".env"))
        subprocess.run([self.docker / "init-secrets"], check=True, capture_output=True)
        variables = {name: value or "" for name, value in dotenv_values(self.docker / ".env").items()}
        self.document = interpolated(YAML(typ="safe").load(self.docker / "compose.yml"), variables)
        chosen = {"", *profiles}
        self.services: dict[str, dict[str, Any]] = {
            name: service
            for name, service in self.document["services"].items()
            if chosen & set(service.get("profiles", [""]))
        }
        self.ports = {name: free_port() for name in PORTS}
        if "all-in-one" in self.services:
            self.ports["rasax"] = self.ports["all-in-one"]  # its alias in the network
        self.image = _variables_of_the_image()

    def on_this_machine(self, text: str, service: str) -> str:
        """With what here stands for a container's addresses, secrets, volumes and temporary folder."""
        text = re.sub(r"^/tmp\b", str(self.temporary(service)), text)
        for name, port in PORTS.items():
            text = re.sub(rf"(?<![\w-]){name}:{port}\b", f"127.0.0.1:{self.ports[name]}", text)
        if own := PORTS.get(service):
            text = re.sub(rf"(127\.0\.0\.1:|^){own}\b", rf"\g<1>{self.ports[service]}", text)
        if service == "all-in-one":
            text = re.sub(r"^5673$", str(self.ports["worker in all-in-one"]), text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("/var/lib/rasax", str(self.folder / "models"))
        return re.sub(r"/run/secrets/([\w.]+)", lambda found: str(self.secret(found[1])), text)

    def secret(self, name: str) -> Path:
        """A copy that names the addresses here."""
        copy = self.folder / "secrets" / name
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            source = self.docker / self.document["secrets"][name]["file"]
            copy.write_text(self.on_this_machine(source.read_text(), ""))
        return copy

    def temporary(self, service: str) -> Path:
        folder = self.folder / "tmp" / service
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def environment(self, service: str) -> dict[str, str]:
        given = self.services[service].get("environment", {})
        both = {**(self.image if "rasax" in self.services[service]["image"] else {}), **given}
        return {name: self.on_this_machine(value, service) for name, value in both.items()}

    def command(self, service: str) -> list[str]:
        return [self.on_this_machine(word, service) for word in self.services[service]["command"]]

    def health_check(self, service: str) -> list[str]:
        kind, *words = self.services[service]["healthcheck"]["test"]
        words = [self.on_this_machine(word, service) for word in words]
        return ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words

    def files(self, service: str) -> list[Path]:
        """Its configs and secrets that are put to a place of their own, and what is mounted from docker/."""
        mounted = [volume.split(":")[0] for volume in self.services[service].get("volumes", [])]
        configs = [
            self.document["configs"][entry["source"]]["file"] for entry in self.services[service].get("configs", [])
        ]
        placed = [entry["source"] for entry in self.services[service].get("secrets", []) if isinstance(entry, dict)]
        return [
            *(self.docker / path for path in [*configs, *mounted] if path.startswith("./")),
            *(self.secret(name) for name in placed),
        ]


def _variables_of_the_image() -> dict[str, str]:
    """What docker/Dockerfile sets for its last stage, but for the path of its programs."""
    line = re.search(r"^ENV (.*)$", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE)
    assert line
    pairs = (pair.split("=", 1) for pair in line[1].split())
    return {name: value for name, value in pairs if name != "PATH"}
