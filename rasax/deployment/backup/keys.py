"""A backup has no keys in it, but shows whether those that are set read what is encrypted in it."""

from __future__ import annotations

from cryptography.fernet import InvalidToken

from rasax.accounts.sealing import Unreadable, seal, unseal
from rasax.accounts.tokens import opening

PROOF = "rasax"
PURPOSE = b"rasax backups"
LOST = {
    "ENCRYPTION_KEYS": "the tokens of Rasa servers, the keys of git repositories and the guest links",
    "SECRET_KEY": "people's second factors, their sessions and the keys that sign JWTs",
}


def proofs() -> dict[str, str]:
    """A known word, encrypted by each setting."""
    return {"ENCRYPTION_KEYS": seal(PROOF), "SECRET_KEY": opening(PURPOSE).encrypt(PROOF.encode()).decode()}


def other_than(proofs: dict[str, str]) -> list[str]:
    """The settings that are not those of the backup."""
    return [name for name, opens in OPENS.items() if not opens(proofs.get(name, ""))]


def _by_encryption_keys(proof: str) -> bool:
    try:
        return unseal(proof) == PROOF
    except Unreadable:
        return False


def _by_secret_key(proof: str) -> bool:
    try:
        return opening(PURPOSE).decrypt(proof.encode()) == PROOF.encode()
    except InvalidToken:
        return False


OPENS = {"ENCRYPTION_KEYS": _by_encryption_keys, "SECRET_KEY": _by_secret_key}
