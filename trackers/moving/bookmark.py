"""Where an import, a copy or an export was interrupted, kept in the database beside the brokers' positions."""

from __future__ import annotations

import json
import re
import time
from hashlib import blake2b
from typing import Any

from events.endpoints import EndpointConfig
from events.models import BrokerPosition
from trackers.moving.tally import Tally

SAVE_EVERY = 1.0  # seconds; what was done since is done again, which changes nothing


class Bookmark:
    """`purpose` names the task; with it goes a digest of all that makes it this one: addresses and options."""

    def __init__(self, purpose: str, *task: object) -> None:
        self.name = f"{purpose}:{blake2b(repr(task).encode(errors='replace'), digest_size=16).hexdigest()}"
        self._saved_at = 0.0
        self._unsaved: dict[str, Any] | None = None

    def load(self) -> tuple[str | None, Tally]:
        """The position, None at the beginning, and what was done until there."""
        row = BrokerPosition.objects.filter(broker=self.name).first()
        if row is None:
            return None, Tally()
        saved = json.loads(row.position)
        return saved["position"], Tally.from_text(saved["tally"])

    def move(self, position: str, tally: Tally) -> None:
        self._unsaved = {"position": position, "tally": tally.to_text()}
        if time.monotonic() - self._saved_at > SAVE_EVERY:
            self.save()

    def save(self) -> None:
        if self._unsaved:
            text = json.dumps(self._unsaved)
            BrokerPosition.objects.update_or_create(broker=self.name, defaults={"position": text})
            self._saved_at, self._unsaved = time.monotonic(), None

    def remove(self) -> None:
        """The next time it begins anew."""
        self._unsaved = None
        BrokerPosition.objects.filter(broker=self.name).delete()


def address(section: EndpointConfig) -> tuple[Any, ...]:
    """What tells one server from another, without passwords."""
    url = re.sub(r"://[^/@]*@", "://", section.url or "")
    return (section.type, url, sorted((k, str(v)) for k, v in section.params.items() if "password" not in k))
