"""Connections to git servers, to checked addresses alone."""

from __future__ import annotations

import socket

from rasax.accounts.addresses import AddressRefused, check
from rasax.training.git.failures import ADDRESS, UNREACHABLE, GitFailed


def connected(host: str, port: int, timeout: float | None) -> socket.socket:
    """To the first of the name's checked addresses that answers. Raises GitFailed."""
    try:
        addresses = check(host, port)
    except AddressRefused as error:
        raise GitFailed(ADDRESS, str(error)) from error
    except OSError as error:
        raise GitFailed(UNREACHABLE, str(error)) from error
    failure: OSError | None = None
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise GitFailed(UNREACHABLE, str(failure))
