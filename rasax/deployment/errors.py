"""Everything that goes wrong between rasax and a Rasa server, as one error with a reason, in words for people."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

WORDS_KEPT = 2_000


class Reason(TextChoices):
    """Why it went wrong, and what to do."""

    ADDRESS = (
        "address",
        _("rasax does not connect to the address where this name leads. An operator may allow private addresses."),
    )
    UNREACHABLE = (
        "unreachable",
        _("Nothing answers at this address. See that Rasa runs there, and that rasax can reach it."),
    )
    SLOW = "slow", _("It did not answer in time. See whether the server is overloaded.")
    TOO_LARGE = "too_large", _("Its answer is larger than rasax takes.")
    REDIRECT = "redirect", _("It sends rasax on to another address. Enter the one where Rasa itself answers.")
    NOT_RASA = (
        "not_rasa",
        _("This is not Rasa's HTTP API. See that the address is right, and that Rasa was started with --enable-api."),
    )
    TOKEN = "token", _("It refuses the token. Enter the one that Rasa was started with (--auth-token).")
    NO_MODEL = "no_model", _("It has no model loaded. Activate a model for it.")
    SEALED = (
        "sealed",
        _("Its token was encrypted with a key that is no longer in ENCRYPTION_KEYS. Enter the token again."),
    )
    UNKNOWN = "unknown", _("It does not know this.")
    REFUSED = "refused", _("It refused the request.")
    BROKEN = "broken", _("It failed. Its log says more.")


class RasaError(Exception):
    """`reason` is why, `words` are Rasa's own (English, may be empty), `status` is the HTTP status, if there was one.

    Its text is for people, in the language that is active when it is asked for.
    """

    def __init__(self, reason: Reason, words: str = "", status: int | None = None) -> None:
        self.reason, self.words, self.status = Reason(reason), words.strip()[:WORDS_KEPT], status
        super().__init__(self.reason.value, self.words, status)

    def __str__(self) -> str:
        return in_words(self.reason, self.words)


def in_words(reason: str, words: str) -> str:
    """What is told to people, of what is kept."""
    label = Reason(reason).label
    return _("%(label)s Rasa says: %(words)s") % {"label": label, "words": words} if words else str(label)


def failure_of(status: int, body: bytes) -> RasaError:
    """What an answer with such a status means: of Rasa, of the Sanic beneath it, or of a proxy before it."""
    words = words_of(body)
    reason = {401: Reason.TOKEN, 403: Reason.TOKEN, 404: Reason.UNKNOWN}.get(status)
    if reason is None:
        reason = Reason.BROKEN if status >= 500 else Reason.REFUSED
    if status == 409 and "agent" in words:
        reason = Reason.NO_MODEL
    if status < 500 and not words:
        reason = Reason.NOT_RASA
    if 300 <= status < 400:
        reason = Reason.REDIRECT
    return RasaError(reason, words, status)


def words_of(body: bytes) -> str:
    """Rasa's own words in an answer that says what went wrong; nothing where it is a web page or the like."""
    said: Any = None
    with suppress(ValueError, RecursionError):
        said = json.loads(body)
    message = said.get("message") if isinstance(said, dict) else None
    return message.replace("\x00", "") if isinstance(message, str) else ""
