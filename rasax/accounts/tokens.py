"""What an API client shows instead of a password: tokens that a person made, and the keys that sign JWTs."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from rasax.accounts.models import User

TOKEN_START = "rasax_"  # noqa: S105 - tells an API token from a JWT, and scanners of leaked secrets what they found
PREFIX_LENGTH = 12
ALGORITHM = "RS256"
JWT_LIFETIME = timedelta(hours=8)
KEYS = b"rasax signing keys"
USED_EVERY = timedelta(minutes=1)  # how exact last_used_at is


def digest_of(secret: str) -> str:
    """SHA-256 without salt: the secret has 256 random bits, so nothing can be looked up or guessed."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    @transaction.atomic
    def make(self, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
        """The token, and its secret, which is never told again."""
        from rasax.accounts.models import AuditEntry

        secret = TOKEN_START + secrets.token_urlsafe(32)
        prefix, digest = secret[:PREFIX_LENGTH], digest_of(secret)
        token = self.create(user=user, name=name, prefix=prefix, digest=digest, expires_at=expires_at)
        AuditEntry.objects.note(user, "made an API token", [token])
        return token, secret

    def holder(self, secret: str) -> User | None:
        """Whose token it is; None if it is nobody's, has expired, or its person is disabled."""
        now = timezone.now()
        valid = self.filter(Q(expires_at=None) | Q(expires_at__gt=now), user__is_active=True)
        token = valid.filter(digest=digest_of(secret)).select_related("user").first()
        if token is None:
            return None
        if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
            self.filter(pk=token.pk).update(last_used_at=now)
        return token.user


class ApiToken(models.Model):
    """Shown once, kept as its hash. It may do what its person may."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, help_text="Its first characters, to tell it from others")
    digest = models.CharField(max_length=64, unique=True, editable=False, help_text="SHA-256 of the token")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @transaction.atomic
    def revoke(self, by: User) -> None:
        from rasax.accounts.models import AuditEntry

        AuditEntry.objects.note(by, "revoked an API token", [self])
        self.delete()


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def verifying(self) -> SigningKeyQuerySet:
        """Those whose signatures still count, the newest first: Rasa servers take the first."""
        return self.filter(Q(retired_at=None) | Q(retired_at__gt=timezone.now())).order_by("-pk")

    def current(self) -> SigningKey:
        """The key that signs; made where there is none yet, or where the SECRET_KEY can no longer open it."""
        newest = self.filter(retired_at=None).order_by("-pk").first()
        return newest if newest and newest.opens() else self._make()

    def _make(self) -> SigningKey:
        """Keys are numbered, so of two processes that make the next one at once both use the one that came first."""
        last = self._last()
        name = str(int(last.name) + 1 if last else 1)
        pair = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private, public = _pem(pair)
        try:
            with transaction.atomic():
                return self.create(name=name, private=opening(KEYS).encrypt(private).decode(), public=public.decode())
        except IntegrityError:
            return self.get(name=name)

    def _last(self) -> SigningKey | None:
        return self.order_by("-pk").first()

    @transaction.atomic
    def rotate(self, by: User | None = None, at_once: bool = False) -> SigningKey:
        """A new key signs from now on; what the old ones signed counts until it expires, or no longer at all."""
        from rasax.accounts.models import AuditEntry

        key = self._make()
        until = timezone.now() + (timedelta() if at_once else JWT_LIFETIME)
        self.exclude(pk=key.pk).filter(Q(retired_at=None) | Q(retired_at__gt=until)).update(retired_at=until)
        AuditEntry.objects.note(by, "rotated the signing key", [key])
        return key

    def claims_of(self, token: str) -> dict[str, Any]:
        """Of a JWT that one of our keys signed and that has not expired; else jwt.InvalidTokenError."""
        name = jwt.get_unverified_header(token).get("kid")
        key = self.verifying().filter(name=name).first() if isinstance(name, str) and name.isdecimal() else None
        if key is None:
            raise jwt.InvalidTokenError("unknown key")
        return jwt.decode(token, key.public, algorithms=[ALGORITHM], options={"require": ["exp", "sub"]})


class SigningKey(models.Model):
    """An RSA key pair that signs JWTs. The newest signs; older ones verify until they are retired."""

    name = models.CharField(max_length=32, unique=True, help_text="The JWT's header kid")
    private = models.TextField(editable=False, help_text="PEM, encrypted with the SECRET_KEY")
    public = models.TextField(editable=False, help_text="PEM")
    made_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.name

    def opens(self) -> bool:
        try:
            self._opened()
        except InvalidToken:
            return False
        return True

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self._opened(), algorithm=ALGORITHM, headers={"kid": self.name})

    def _opened(self) -> rsa.RSAPrivateKey:
        """Its numbers are not checked, which takes a hundred times as long as to sign: it decrypts, so it is ours."""
        pem = opening(KEYS).decrypt(self.private.encode())
        opened = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(opened, rsa.RSAPrivateKey)  # noqa: S101 - _pem writes no other
        return opened


def cipher(purpose: bytes, key: str = "") -> Fernet:
    """A key of its own for each purpose, so that what encrypts here is not what signs sessions."""
    derived = HKDF(hashes.SHA256(), length=32, salt=None, info=purpose)
    return Fernet(base64.urlsafe_b64encode(derived.derive((key or settings.SECRET_KEY).encode())))


def opening(purpose: bytes) -> MultiFernet:
    """Encrypts with the SECRET_KEY, and also opens what one of SECRET_KEY_FALLBACKS encrypted."""
    return MultiFernet([cipher(purpose, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _pem(pair: rsa.RSAPrivateKey) -> tuple[bytes, bytes]:
    private = pair.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = pair.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, public
