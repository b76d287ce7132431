"""HTTP for dulwich, by urllib3: checked addresses, no redirects, no proxies, bounded answers."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import urllib3
from dulwich.client import Urllib3HttpGitClient
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from rasax.training.git.budget import Budget
from rasax.training.git.connecting import connected
from rasax.training.git.failures import BROKEN, NO_REDIRECT, NO_REPOSITORY, REFUSED, GitFailed


class CheckedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return connected(self._dns_host, self.port, self.timeout)


class CheckedSecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return connected(self._dns_host, self.port, self.timeout)


class CheckedPool(HTTPConnectionPool):
    ConnectionCls = CheckedConnection


class CheckedSecurePool(HTTPSConnectionPool):
    ConnectionCls = CheckedSecureConnection


class Pools(urllib3.PoolManager):
    def __init__(self, budget: Budget) -> None:
        super().__init__(retries=False, timeout=budget.patience)
        self.pool_classes_by_scheme = {"http": CheckedPool, "https": CheckedSecurePool}

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> Any:  # type: ignore[override]
        return super().urlopen(method, url, redirect=False, **options)


class HttpClient(Urllib3HttpGitClient):
    """`token` goes as a password, as GitHub, GitLab, Gitea and Bitbucket take it."""

    def __init__(self, origin: str, user: str, token: str, budget: Budget) -> None:
        name, password = (user or "git", token) if token else (None, None)
        super().__init__(origin, pool_manager=Pools(budget), quiet=True, username=name, password=password)
        self._budget = budget

    def _http_request(self, *args: Any, **options: Any) -> tuple[Any, Callable[[int], bytes]]:
        self._budget.patience_left()
        response, read = super()._http_request(*args, **{**options, "raise_for_status": False})
        if 300 <= response.status < 400:
            raise GitFailed(NO_REDIRECT, response.headers.get("Location", ""))
        _raise(response.status)

        def bounded(size: int) -> bytes:
            part = read(size)
            self._budget.spend(len(part))
            return part

        return response, bounded


def _raise(status: int) -> None:
    if status in {401, 403, 407}:
        raise GitFailed(REFUSED, f"HTTP {status}")
    if status == 404:
        raise GitFailed(NO_REPOSITORY, f"HTTP {status}")
    if status != 200:
        raise GitFailed(BROKEN, f"HTTP {status}")
