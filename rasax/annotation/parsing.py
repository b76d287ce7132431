"""What a Rasa server makes of a text that somebody put into the inbox, and nobody said yet."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from django.utils.translation import gettext as _

from events.models import NAME_LENGTH
from events.summary import clean
from events.vocabulary import UserUttered
from rasax.deployment.answers import Parsed
from rasax.deployment.errors import RasaError
from rasax.deployment.servers import RasaServer, Use

WITHIN = 5.0  # seconds
MOST_ASKED = 2  # servers, one after the other
ORDER = [Use.PRODUCTION, Use.DEVELOPMENT, Use.WORKER]


class Understood(NamedTuple):
    """`by` is the environment's name; without `parsed`, `problem` says why for people."""

    parsed: Parsed | None = None
    by: str = ""
    problem: str = ""

    @property
    def intent(self) -> str:
        return clean(self.parsed.intent.name, NAME_LENGTH) or "" if self.parsed else ""

    @property
    def confidence(self) -> float | None:
        return self.parsed.intent.confidence if self.parsed and self.intent else None

    def event(self, text: str) -> str:
        """JSON of the event by which it would have been said."""
        said = {"event": UserUttered.TYPE, "timestamp": 0.0, "text": text, "parse_data": self.parsed}
        return msgspec.json.encode(said).decode() if self.parsed else ""


def understand(text: str) -> Understood:
    """Asks the production server before others, and what has no model or did not answer lately last."""
    problem = _("No environment is connected, so nobody said what it means. Add one under Environments.")
    for server in sorted(RasaServer.objects.all(), key=_place)[:MOST_ASKED]:
        try:
            with server.rasa(timeout=WITHIN) as rasa:
                return Understood(rasa.parse(text), server.name)
        except RasaError as error:
            problem = f"{server.name}: {error}"
    return Understood(problem=problem)


def _place(server: RasaServer) -> tuple[bool, bool, int, str]:
    return bool(server.reason), not server.model_file, ORDER.index(Use(server.use)), server.name
