"""People for whom an identity provider vouches: who they are here, or who they become."""

from __future__ import annotations

from typing import Any

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rasax.accounts import people
from rasax.accounts.models import AuditEntry, User
from rasax.identity_providers import SAML

SAML_VERIFIED = "http://schemas.auth0.com/email_verified"  # the attribute that some providers send

log = structlog.get_logger()


def offered() -> list[tuple[str, str]]:
    """The name and the address of each provider that may vouch."""
    providers = settings.SOCIALACCOUNT_PROVIDERS
    addresses = {
        "openid_connect": reverse("openid_connect_login"),
        "saml": reverse("saml_login", args=[SAML]),
    }
    return [(app["name"], addresses[kind]) for kind, provider in providers.items() for app in provider["APPS"]]


class PersonAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_login_stages(self) -> list[str]:
        """The provider has asked for what it wants to see; the second factor here belongs to the password here."""
        return []

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """The page itself says who is signed in."""


class IdentityAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        if not sociallogin.is_existing:
            _link(request, sociallogin)
        if not sociallogin.user.is_active:
            _refuse(request, _("Your account here is not active; an administrator can change that."))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False  # pre_social_login has decided

    def on_authentication_error(self, request: HttpRequest, provider: Any, error: Any = None, **kwargs: Any) -> None:
        log.warning("single sign-on failed", provider=str(provider), error=str(error), **_reasons(kwargs))
        _refuse(request, _("The identity provider did not confirm who you are. Try again."))


def _reasons(told: dict[str, Any]) -> dict[str, str]:
    context = told.get("extra_context") or {}
    return {"exception": repr(told.get("exception")), "reason": str(context.get("saml_last_error_reason", ""))}


def _refuse(request: HttpRequest, why: str) -> None:
    page = render(request, "registration/not_let_in.html", {"why": why}, status=403)
    raise ImmediateHttpResponse(page)


@transaction.atomic
def _link(request: HttpRequest, login: SocialLogin) -> None:
    """The one person with the address that the provider has verified, or somebody new, if those may come."""
    person = _person_of(_verified_address(login)) or _newcomer(login)
    if person is None:
        _refuse(request, _("Nobody has an account here under your name; ask an administrator for one."))
        return
    login.connect(request, person)
    AuditEntry.objects.note(person, "linked to an identity provider", [person], provider=login.account.provider)


def _verified_address(login: SocialLogin) -> str:
    """Of SAML each address counts but one that is said not to be verified: the operator chose the provider, and there
    is no standard for saying so. Some OpenID providers say it in words, "false" not being false."""
    is_saml = login.account.provider == SAML
    if is_saml and "false" in str(login.account.extra_data.get(SAML_VERIFIED, "")).lower():
        return ""
    claimed = (each for each in login.email_addresses if is_saml or str(each.verified).lower() == "true")
    return next((each.email for each in claimed), "")


def _person_of(email: str) -> User | None:
    found = list(User.objects.filter(email__iexact=email)[:2]) if email else []
    return found[0] if len(found) == 1 else None


def _newcomer(login: SocialLogin) -> User | None:
    role = Group.objects.filter(name=settings.SSO_DEFAULT_ROLE).first() if settings.SSO_DEFAULT_ROLE else None
    if role is None:
        if settings.SSO_DEFAULT_ROLE:
            log.error("SSO_DEFAULT_ROLE names no role", role=settings.SSO_DEFAULT_ROLE)
        return None
    claimed = login.user
    names = {"first_name": claimed.first_name, "last_name": claimed.last_name}
    person = User.objects.create_user(_free_name(claimed), email=_verified_address(login), **names)
    people.give(person, [role])
    AuditEntry.objects.note(None, "added", [person], roles=[role.name], provider=login.account.provider)
    return person


def _free_name(claimed: User) -> str:
    wanted = claimed.username or claimed.email.partition("@")[0] or "person"
    start = "".join(letter if letter.isalnum() or letter in "@.+-_" else "-" for letter in wanted)[:140]
    names = (start, *(f"{start}-{number}" for number in range(2, 1_000)))
    return next(name for name in names if not User.objects.filter(username__iexact=name).exists())


class Adapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    def _decode_id_token(self, app: SocialApp, id_token: str) -> Any:
        """Its signature counts even where the token came straight from the provider."""
        config = self.openid_config
        return jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=config["jwks_uri"],
            issuer=config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
        )


@login_not_required
def oidc_login(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _oidc(OAuth2LoginView, request, provider_id)


@login_not_required
def oidc_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _oidc(OAuth2CallbackView, request, provider_id)


def _oidc(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        answer: HttpResponse = view.adapter_view(Adapter(request, provider_id))(request)
    except SocialApp.DoesNotExist as error:
        raise Http404 from error
    return answer
