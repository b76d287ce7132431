"""A second factor at signing in with a password: codes of an authenticator app, and recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    validate_totp_code,
    yield_hotp_counters_from_time,
)
from allauth.mfa.utils import decrypt
from cryptography.fernet import InvalidToken
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from rasax.accounts.models import AuditEntry, User
from rasax.accounts.tokens import opening

PURPOSE = b"rasax second factors"
ENCRYPTED = {"secret", "seed"}  # of what allauth keeps of an app, and of recovery codes
APP, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are kept encrypted, and authenticator apps show them under our name."""

    def encrypt(self, text: str) -> str:
        return opening(PURPOSE).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return opening(PURPOSE).decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: AbstractBaseUser) -> str:
        return user.get_username()

    def get_totp_issuer(self) -> str:
        return "rasax"


def second_factor_needed(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type=APP).exists())


@transaction.atomic
def second_factor_ok(user: User, code: str) -> bool:
    """Whether this is the code of their app or one of their recovery codes; each counts once."""
    code = "".join(code.split())
    kinds = Authenticator.objects.select_for_update().filter(user=user, type__in=[APP, RECOVERY]).order_by("pk")
    for each in kinds:
        if _use(each, code):
            each.record_usage()
            return True
    return False


def _use(kept: Authenticator, code: str) -> bool:
    try:
        if kept.type == APP:
            return _use_app(kept, code)
        return code.isascii() and bool(kept.wrap().validate_code(code))
    except InvalidToken:  # encrypted with another SECRET_KEY: no code is right, until somebody turns the factor off
        return False


def _use_app(app: Authenticator, code: str) -> bool:
    """Remembered in the row, which is locked: allauth would do so in the cache, which not all processes share. Nor does
    a code count that is older than one which counted (RFC 6238, 5.2)."""
    secret, used = decrypt(app.data["secret"]), app.data.get("counter", -1)
    shown = {counter: format_hotp_value(hotp_value(secret, counter)) for counter in yield_hotp_counters_from_time()}
    fresh = (counter for counter, right in shown.items() if counter > used)
    counter = next((each for each in fresh if compare_user_code(actual=code, expected=shown[each])), None)
    if counter is None:
        return False
    app.data["counter"] = counter
    app.save(update_fields=["data"])
    return True


@transaction.atomic
def set_up(user: User, secret: str, code: str) -> bool:
    if second_factor_needed(user) or not validate_totp_code(secret, "".join(code.split())):
        return False
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    AuditEntry.objects.note(user, "set up a second factor", [user])
    return True


def encrypted_anew(data: dict[str, Any]) -> dict[str, Any]:
    """With the SECRET_KEY. Raises InvalidToken where no key opens it."""
    anew = {name: opening(PURPOSE).rotate(data[name].encode()).decode() for name in ENCRYPTED & data.keys()}
    return {**data, **anew}


@transaction.atomic
def turn_off(user: User, by: User) -> None:
    Authenticator.objects.filter(user=user).delete()
    AuditEntry.objects.note(by, "turned off the second factor", [user])


def recovery_codes(user: User) -> list[str]:
    kept = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    return kept.wrap().get_unused_codes() if kept else []


@transaction.atomic
def new_recovery_codes(user: User) -> None:
    Authenticator.objects.filter(user=user, type=RECOVERY).delete()
    RecoveryCodes.activate(user)
    AuditEntry.objects.note(user, "made new recovery codes", [user])
