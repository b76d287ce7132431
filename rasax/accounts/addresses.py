"""Where rasax may connect to when a person names an address: a Rasa server, a git repository.

A name is resolved once, each address that it has is checked, and the connection goes to what was checked, so a name
that leads elsewhere a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings

Address = IPv4Address | IPv6Address

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
