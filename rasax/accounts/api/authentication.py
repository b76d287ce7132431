"""Who asks: a session's cookie, or `Authorization: Bearer` with a JWT or an API token."""

from __future__ import annotations

from typing import Any

import jwt
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from rasax.accounts.models import ApiToken, SigningKey, User
from rasax.accounts.tokens import JWT_LIFETIME, TOKEN_START

Found = tuple[User, None] | None

# What a JWT says of its person's permissions, to those who cannot ask here: a Rasa server lets who has
# clientEvents:create speak in any conversation, so it takes the right to read them.
SCOPES = {
    "clientEvents:create": ("accounts.view_chat", "events.view_conversation"),
    "conversations:view": ("events.view_conversation",),
    "conversations:annotate": ("conversations.annotate_conversation",),
    "conversations:export": ("conversations.export_conversation",),
    "conversations:delete": ("events.delete_conversation",),
    "tags:create": ("conversations.add_tag",),
    "chat:view": ("accounts.view_chat",),
    "users:view": ("accounts.view_user",),
    "users:change": ("accounts.change_user",),
    "roles:view": ("auth.view_group",),
    "roles:change": ("auth.change_group",),
    "settings:view": ("accounts.view_settings",),
    "settings:change": ("accounts.change_settings",),
    "audit:view": ("accounts.view_auditentry",),
}


def issue(user: User) -> str:
    """A JWT for this person, which counts until it expires, they are disabled, or they change their password."""
    now = timezone.now()
    claims = {
        "sub": str(user.pk),
        "username": user.username,
        "scopes": [scope for scope, needed in SCOPES.items() if user.has_perms(needed)],
        "iat": now,
        "exp": now + JWT_LIFETIME,
        "password": _mark(user),
    }
    return SigningKey.objects.current().sign(claims)


def _mark(user: User) -> str:
    """Changes with the password; of a keyed hash, so that it says nothing about it."""
    return user.get_session_auth_hash()[:16]


def person_of(token: str) -> User | None:
    """Who may come in with this text, a JWT or an API token."""
    if token.startswith(TOKEN_START):
        return ApiToken.objects.holder(token)
    try:
        claims = SigningKey.objects.claims_of(token)
        user = User.objects.filter(pk=int(claims["sub"]), is_active=True).first()
    except (jwt.InvalidTokenError, ValueError):
        return None
    return user if user and constant_time_compare(str(claims.get("password")), _mark(user)) else None


class BearerAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> Found:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return _found(token.strip().decode(errors="replace"))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="rasax"'


class QueryTokenAuthentication(BaseAuthentication):
    """`?api_token=`, as scripts for Rasa X send it; only for reading, for addresses end up in logs."""

    def authenticate(self, request: Request) -> Found:
        token = request.query_params.get("api_token")
        return _found(token) if token and request.method in {"GET", "HEAD"} else None


def _found(token: str) -> Found:
    user = person_of(token)
    if user is None:
        raise AuthenticationFailed("The token is wrong or counts no longer; sign in again, or make a new API token.")
    return user, None


class _BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        description = "The access_token of POST /api/auth, or an API token of POST /api/user/tokens"
        return {"type": "http", "scheme": "bearer", "description": description}


class _QueryTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = QueryTokenAuthentication
    name = "api_token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "query", "name": "api_token", "description": "As Rasa X took it"}
