"""A second factor at signing in with a password: codes of an authenticator app, and recovery codes."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from rasax.accounts.models import AuditEntry, User
from rasax.accounts.tokens import cipher

APP, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are kept encrypted, and authenticator apps show them under our name."""

    def encrypt(self, text: str) -> str:
        return cipher(b"rasax second factors").encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher(b"rasax second factors").decrypt(encrypted_text.encode()).decode()

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
    kinds = Authenticator.objects.select_for_update().filter(user=user, type__in=[APP, RECOVERY])
    for each in kinds:
        if code.isascii() and each.wrap().validate_code(code):
            each.record_usage()
            return True
    return False


@transaction.atomic
def set_up(user: User, secret: str, code: str) -> bool:
    if second_factor_needed(user) or not validate_totp_code(secret, "".join(code.split())):
        return False
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    AuditEntry.objects.note(user, "set up a second factor", [user])
    return True


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
