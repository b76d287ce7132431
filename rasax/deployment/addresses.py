"""Connections to Rasa servers, whose addresses people name: each address is checked as it is connected to.

accounts/addresses.py says which are allowed. Redirects are not followed, proxies of the environment are not asked, and
no socket file is opened.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from rasax.accounts.addresses import check

SPELLED = re.compile(r"[\x21-\x7e\u00a1-\U0010ffff]+")  # neither spaces nor controls


def validate(address: str) -> None:
    """That a text is the address of an HTTP server and holds nothing that belongs elsewhere; asks no resolver."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise ValidationError(_("This is no address; write one such as https://rasa.example.com."), "invalid") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not SPELLED.fullmatch(address):
        raise ValidationError(_("Write an address that begins with http:// or https://."), code="invalid")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("Leave name and password out of the address; use the token."), code="invalid")
    if parts.query or parts.fragment:
        raise ValidationError(_("Write the address without ? and #."), code="invalid")


class Deadline:
    """How long one request may take as a whole, whatever trickles in meanwhile."""

    def __init__(self) -> None:
        self._until = float("inf")

    def start(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self, timeout: float | None, late: type[Exception]) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise late("too late")
        return left if timeout is None else min(left, timeout)


class Door(httpcore.NetworkBackend):
    """Opens connections to allowed addresses alone."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._opens = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = check(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return self._first(addresses, lambda address: self._connect(address, port, timeout, local_address))

    def _connect(
        self, address: str, port: int, timeout: float | None, local_address: str | None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return Timed(self._opens.connect_tcp(address, port, left, local_address, []), self._deadline)

    def _first(self, addresses: list[str], connect: Callable[[str], httpcore.NetworkStream]) -> httpcore.NetworkStream:
        for address in addresses[:-1]:
            try:
                return connect(address)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return connect(addresses[-1])

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("no socket files")


class Timed(httpcore.NetworkStream):
    """A connection that ends at the deadline, even if each of its bytes comes in time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        return Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class CheckedTransport(httpx.HTTPTransport):
    def __init__(self, deadline: Deadline) -> None:
        super().__init__(verify=_certificates(), trust_env=False)
        self._pool = httpcore.ConnectionPool(ssl_context=_certificates(), network_backend=Door(deadline))


@lru_cache
def _certificates() -> ssl.SSLContext:
    """Reading them takes 20 ms; SSL_CERT_FILE names those of an authority of one's own."""
    return httpx.create_ssl_context()


def checked_client(deadline: Deadline, **options: Any) -> httpx.Client:
    """A client of one thread, whose every connection is checked, and ends when its deadline is over."""
    return httpx.Client(transport=CheckedTransport(deadline), follow_redirects=False, trust_env=False, **options)
