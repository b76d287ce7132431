"""All that is kept encrypted, whichever app's: what no key opens any more, and encrypting it with the first key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db import models, transaction
from django.db.models import Q

from rasax.accounts.models import AuditEntry, SigningKey
from rasax.accounts.sealing import SealedField, Unreadable, seal_anew
from rasax.accounts.second_factor import encrypted_anew
from rasax.accounts.tokens import KEYS, opening


@dataclass(frozen=True)
class Kept:
    """A column whose values `anew` opens and encrypts. `needed` are the rows of which it matters that it can."""

    model: type[models.Model]
    column: str
    setting: str
    anew: Callable[[Any], Any]
    needed: Q

    def pks(self, needed: Q | None = None) -> list[Any]:
        filled = self.model._default_manager.exclude(**{self.column: ""})
        return list(filled.filter(needed or Q()).order_by("pk").values_list("pk", flat=True))

    def unreadable(self) -> Iterator[str]:
        for pk in self.pks(self.needed):
            row = self.model._default_manager.filter(pk=pk).first()
            if row and not self._opens(row):
                yield name_of(row)

    def _opens(self, row: Any) -> bool:
        try:
            self.anew(getattr(row, self.column))
        except (InvalidToken, Unreadable):
            return False
        return True

    @transaction.atomic
    def encrypt(self, pk: Any) -> None:
        row = self.model._default_manager.select_for_update().filter(pk=pk).first()
        if row and self._opens(row):
            setattr(row, self.column, self.anew(getattr(row, self.column)))
            row.save(update_fields=[self.column])
            AuditEntry.objects.note(None, "encrypted anew", [_whose(row)])


def name_of(row: Any) -> str:
    if isinstance(row, Authenticator):
        return f"second factor of {row.user}"
    return f"{row._meta.verbose_name} {row}"


def _whose(row: Any) -> Any:
    return row.user if isinstance(row, Authenticator) else row


def everything() -> list[Kept]:
    """A signing key that cannot be opened is needed by nobody: another is made."""
    return [
        *(Kept(field.model, field.attname, "ENCRYPTION_KEYS", seal_anew, field.needed) for field in _sealed_fields()),
        Kept(Authenticator, "data", "SECRET_KEY", encrypted_anew, Q()),
        Kept(SigningKey, "private", "SECRET_KEY", _signing_key_anew, Q(pk__in=[])),
    ]


def _sealed_fields() -> Iterator[Any]:
    for model in apps.get_models():
        yield from (field for field in model._meta.local_fields if isinstance(field, SealedField))


def _signing_key_anew(private: str) -> str:
    return opening(KEYS).rotate(private.encode()).decode()


def unreadable() -> dict[str, list[str]]:
    """What is needed and no key opens, by the setting whose key is gone."""
    found: dict[str, list[str]] = {}
    for kept in everything():
        if names := list(kept.unreadable()):
            found.setdefault(kept.setting, []).extend(names)
    return found


def encrypt_anew() -> None:
    """With the first key, what any key opens; the rest stays as it is."""
    for kept in everything():
        for pk in kept.pks():
            kept.encrypt(pk)
