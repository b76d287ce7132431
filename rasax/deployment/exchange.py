"""One request to a Rasa server and its answer, bounded in time and size; whatever goes wrong is a RasaError."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from rasax.accounts.addresses import AddressRefused
from rasax.deployment.addresses import Deadline, checked_client
from rasax.deployment.errors import RasaError, Reason, failure_of

TO_CONNECT = 5.0  # seconds
LARGEST = 64 * 2**20  # bytes of an answer: a tracker of 100,000 events has some 50 MB
JSON = "application/json"
YAML = "application/x-yaml"  # what 2.8 wants to hear; 3.x does not mind


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        """Python's own reader: what people said may hold half a surrogate pair, and a confidence may be NaN."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise RasaError(Reason.NOT_RASA, "", self.status) from error

    def text(self) -> str:
        return self.body.decode(errors="replace")


class Exchange:
    """With one server, from one thread. Connections are kept between requests."""

    def __init__(self, url: str, token: str = "", largest: int = LARGEST) -> None:
        self._url, self._token, self._largest = url.rstrip("/"), token, largest
        self._deadline = Deadline()
        # Rasa compresses nothing; what a small answer would unpack to need not be found out.
        self._client = checked_client(self._deadline, headers={"Accept-Encoding": "identity", "User-Agent": "rasax"})

    def close(self) -> None:
        self._client.close()

    def ask(  # noqa: PLR0913 - what a request is
        self,
        method: str,
        path: str,
        *,
        within: float,
        query: dict[str, Any] | None = None,
        body: Any = None,
        yaml: bytes | None = None,
        headers: dict[str, str] | None = None,
        with_token: bool = True,
    ) -> Answer:
        """The answer to a request that Rasa took: 200 or 204. `within` is seconds, from first to last byte."""
        told = {name: _written(value) for name, value in (query or {}).items() if value is not None}
        if with_token and self._token:
            told["token"] = self._token
        content = yaml if yaml is not None else None if body is None else json.dumps(body).encode()
        sent = {"Accept": JSON, **({"Content-Type": YAML if yaml is not None else JSON} if content else {})}
        with _told():
            timeout = httpx.Timeout(within, connect=min(TO_CONNECT, within))
            request = self._client.build_request(
                method, self._url + path, params=told, content=content, headers=sent | (headers or {}), timeout=timeout
            )
            self._deadline.start(within)
            answer = self._read(request)
        if answer.status not in {200, 204}:
            raise failure_of(answer.status, answer.body)
        return answer

    def _read(self, request: httpx.Request) -> Answer:
        response = self._client.send(request, stream=True)
        try:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise RasaError(Reason.NOT_RASA, "", response.status_code)
            return Answer(response.status_code, self._bounded(response))
        finally:
            response.close()

    def _bounded(self, response: httpx.Response) -> bytes:
        body = bytearray()
        announced = response.headers.get("Content-Length", "0")
        if announced.isdecimal() and int(announced[:18]) > self._largest:
            raise RasaError(Reason.TOO_LARGE, "", response.status_code)
        for part in response.iter_raw():
            body += part
            if len(body) > self._largest:
                raise RasaError(Reason.TOO_LARGE, "", response.status_code)
        return bytes(body)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the way there, told without the address: the token is in it."""
    try:
        yield
    except AddressRefused as error:
        raise RasaError(Reason.ADDRESS) from error
    except httpx.TimeoutException:
        raise RasaError(Reason.SLOW) from None
    except (httpx.RemoteProtocolError, httpx.DecodingError):
        raise RasaError(Reason.NOT_RASA) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        raise RasaError(Reason.UNREACHABLE) from None
