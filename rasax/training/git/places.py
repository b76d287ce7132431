"""Where a repository is: ssh://git@host:22/path, git@host:path, https://host/path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

SHORT = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?!//)(?P<path>[^\s:][^\s]*)")
SPELLED = re.compile(r"[\x21-\x7e\u00a1-\U0010ffff]+")  # neither spaces nor controls
PORTS = {"ssh": 22, "https": 443, "http": 80}

WRONG = _("Write an address such as https://git.example.com/team/bot.git or git@git.example.com:team/bot.git.")


@dataclass(frozen=True)
class Place:
    scheme: str
    host: str
    port: int
    path: str
    user: str = ""

    @property
    def is_ssh(self) -> bool:
        return self.scheme == "ssh"

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/"


def place_of(url: str) -> Place:
    """Raises ValidationError; asks no resolver."""
    if not SPELLED.fullmatch(url):
        raise ValidationError(WRONG, "invalid")
    if short := SHORT.fullmatch(url):
        return Place("ssh", short["host"], 22, short["path"], short["user"] or "git")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValidationError(WRONG, "invalid") from None
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or len(parts.path) < 2:
        raise ValidationError(WRONG, "invalid")
    if parts.query or parts.fragment or parts.password is not None or (parts.username and parts.scheme != "ssh"):
        raise ValidationError(_("Leave names, passwords, ? and # out of the address; use the token."), "invalid")
    if parts.scheme == "http" and not settings.ALLOW_PRIVATE_ADDRESSES:
        raise ValidationError(_("Use https:// or ssh://: over http:// anybody on the way reads the token."), "invalid")
    user = parts.username or ("git" if parts.scheme == "ssh" else "")
    return Place(parts.scheme, parts.hostname, port or PORTS[parts.scheme], parts.path, user)


def validate(url: str) -> None:
    place_of(url)
