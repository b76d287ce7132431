"""Where rasax connects to when a person names an address: checked at each connection, and nowhere else.

A name is resolved once, each address that it has is checked, and the connection goes to what was checked, so a name
that leads elsewhere a moment later (DNS rebinding) gains nothing. Redirects are not followed, proxies of the
environment are not asked, and no socket file is opened.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

Address = IPv4Address | IPv6Address
SPELLED = re.compile(r"[\x21-\x7e\u00a1-\U0010ffff]+")  # neither spaces nor controls

# Allowed where ALLOW_PRIVATE_ADDRESSES is set: loopback, RFC 1918, carrier-grade NAT (RFC 6598), RFC 4193.
PRIVATE = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
# Never: where clouds tell a machine its secrets, outside link-local. AWS, Alibaba, Azure, Oracle's first.
METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")))
# Never, though Python's `is_global` may say otherwise: 6to4 and Teredo, which carry an IPv4 address to wherever a
# gateway takes it (RFC 3056, 4380, 7526), and RFC 6890's addresses for protocols.
SPECIAL = tuple(map(ip_network, ("2002::/16", "2001::/32", "192.88.99.0/24", "192.0.0.0/24")))
# All others of IPv6 are no public ones (RFC 4291), among them IPv4-mapped addresses and NAT64's.
PUBLIC_IPV6 = ip_network("2000::/3")


class AddressRefused(Exception):
    """Rasax does not connect there. `address` is the one that is refused."""

    def __init__(self, address: Address) -> None:
        super().__init__(str(address))
        self.address = address


def is_allowed(address: Address) -> bool:
    if address in METADATA or address.is_multicast:
        return False
    if any(address in network for network in PRIVATE):
        return bool(settings.ALLOW_PRIVATE_ADDRESSES)
    if address.version == 6 and address not in PUBLIC_IPV6:
        return False
    return address.is_global and not any(address in network for network in SPECIAL)


def check(host: str, port: int) -> list[str]:
    """What the name leads to now, every address of it allowed; else AddressRefused, or OSError from the resolver."""
    found = [ip_address(text.partition("%")[0]) for text in _resolve(host, port)]
    for address in found:
        if not is_allowed(address):
            raise AddressRefused(address)
    return list(dict.fromkeys(map(str, found)))


def _resolve(host: str, port: int) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # a name that IDNA has none for
        raise OSError(str(error)) from error
    return [str(row[4][0]) for row in rows]


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
