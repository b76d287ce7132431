"""SSH for dulwich, by paramiko: no shell, no agent, no files of a home folder, one pinned host key."""

from __future__ import annotations

import io
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import Any

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dulwich.client import SSHVendor

from rasax.training.git.budget import Budget
from rasax.training.git.connecting import connected
from rasax.training.git.failures import BROKEN, HOST_KEY, NO_KEY, REFUSED, TOO_LATE, GitFailed

KEYS: tuple[Any, ...] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


def new_key() -> str:
    """A private key as OpenSSH writes it."""
    private = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def read_key(text: str) -> paramiko.PKey:
    """Raises GitFailed."""
    for kind in KEYS:
        try:
            key: paramiko.PKey = kind.from_private_key(io.StringIO(text.strip() + "\n"))
        except (paramiko.SSHException, ValueError, UnicodeError, IndexError):
            continue
        return key
    raise GitFailed(NO_KEY)


def public_half(private: str) -> str:
    """As a git server is given it."""
    key = read_key(private)
    return f"{key.get_name()} {key.get_base64()} rasax"


def fingerprint(host_key: str) -> str:
    """Of a host key as it is pinned, "ssh-ed25519 AAAA…", in OpenSSH's way to show it."""
    raw = b64decode(host_key.partition(" ")[2])
    return f"SHA256:{b64encode(sha256(raw).digest()).decode().rstrip('=')}" if raw else ""


class Vendor(SSHVendor):
    """`host_key` is what the server must show; empty until the first time. `seen` is what it showed."""

    def __init__(self, private_key: str, host_key: str, budget: Budget) -> None:
        self._private_key, self._host_key, self._budget = private_key, host_key, budget
        self.seen = host_key

    def run_command(  # type: ignore[override]
        self, host: str, command: bytes, username: str | None = None, port: int | None = None, **_: Any
    ) -> Any:
        key = read_key(self._private_key)
        transport = paramiko.Transport(connected(host, port or 22, self._budget.patience_left()))
        try:
            return self._session(transport, command, username or "git", key)
        except BaseException:
            transport.close()
            raise

    def _session(self, transport: paramiko.Transport, command: bytes, user: str, key: paramiko.PKey) -> Session:
        transport.banner_timeout = transport.auth_timeout = self._budget.patience
        self._greet(transport)
        try:
            transport.auth_publickey(user, key)
        except paramiko.SSHException as error:
            raise GitFailed(REFUSED, str(error)) from error
        channel = transport.open_session(timeout=self._budget.patience_left())
        channel.set_environment_variable("GIT_PROTOCOL", "version=2")
        channel.exec_command(command)
        return Session(transport, channel, self._budget)

    def _greet(self, transport: paramiko.Transport) -> None:
        if self._host_key:
            kind = self._host_key.partition(" ")[0]
            transport.get_security_options().key_types = _first(kind, transport.get_security_options().key_types)
        try:
            transport.start_client(timeout=self._budget.patience_left())
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise GitFailed(BROKEN, str(error)) from error
        shown = transport.get_remote_server_key()
        self.seen = f"{shown.get_name()} {shown.get_base64()}"
        if self._host_key and self.seen != self._host_key:
            raise GitFailed(HOST_KEY, fingerprint(self.seen))


def _first(kind: str, kinds: Any) -> tuple[str, ...]:
    """A server has several host keys; it is asked for the one that is known."""
    wanted = [each for each in kinds if each == kind or (kind == "ssh-rsa" and each.startswith("rsa-"))]
    return (*wanted, *(each for each in kinds if each not in wanted))


class Session:
    """What dulwich reads from and writes to; every wait is bounded."""

    def __init__(self, transport: paramiko.Transport, channel: paramiko.Channel, budget: Budget) -> None:
        self._transport, self._channel, self._budget = transport, channel, budget
        self.stderr = channel.makefile_stderr("rb")

    def read(self, size: int | None = None) -> bytes:
        parts, wanted = [], size or 2**15
        while wanted > 0 and (part := self._part(wanted)):
            parts.append(part)
            wanted -= len(part)
            if size is None:
                break
        return b"".join(parts)

    def _part(self, size: int) -> bytes:
        self._channel.settimeout(self._budget.patience_left())
        try:
            part = self._channel.recv(min(size, 2**16))
        except TimeoutError as error:
            raise GitFailed(TOO_LATE) from error
        self._budget.spend(len(part))
        return part

    def write(self, data: bytes) -> int:
        self._channel.settimeout(self._budget.patience_left())
        try:
            self._channel.sendall(data)
        except TimeoutError as error:
            raise GitFailed(TOO_LATE) from error
        return len(data)

    def can_read(self) -> bool:
        return self._channel.recv_ready()

    def shutdown_write(self) -> None:
        self._channel.shutdown_write()

    def close(self) -> None:
        self._channel.close()
        self._transport.close()
