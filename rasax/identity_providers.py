"""Who may vouch for people, as django-allauth wants it said; read by settings.py, so it loads no models."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

OIDC, SAML = "oidc", "saml"  # the one app of each, in our addresses
HERE = {"localhost", "127.0.0.1", "::1"}
Provider = dict[str, Any]


def openid_connect(url: str, client_id: str, secret: str, name: str) -> Provider:
    if not url:
        return {"APPS": []}
    _refuse_unsafe("OIDC_URL", url)
    if not client_id:
        raise ImproperlyConfigured("OIDC_URL is set, but not OIDC_CLIENT_ID; the provider's administrator knows it.")
    app = {
        "provider_id": OIDC,
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": url, "oauth_pkce_enabled": True},
    }
    return {"APPS": [app]}


def saml(url: str, metadata: str, entity_id: str, name: str) -> Provider:
    """The identity provider by its metadata: from an address, or the XML itself."""
    if not (url or metadata):
        return {"APPS": []}
    if url:
        _refuse_unsafe("SAML_METADATA_URL", url)
        idp: dict[str, str | None] = {"entity_id": entity_id or None, "metadata_url": url}
    else:
        idp = {**_described(metadata, entity_id)}
    # Only what the provider signed itself counts, only once, and only as the answer to our own question.
    advanced = {
        "want_assertion_signed": True,
        "reject_idp_initiated_sso": True,
        "want_attribute_statement": False,  # the name alone will do
        "allow_single_label_domains": True,  # http://rasax/ is a site
    }
    settings = {"idp": idp, "advanced": advanced}
    return {"APPS": [{"provider_id": SAML, "client_id": SAML, "name": name, "settings": settings}]}


def _described(metadata: str, entity_id: str) -> dict[str, str]:
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

    try:
        idp = Parser.parse(metadata, entity_id=entity_id or None)["idp"]
        certificate = idp.get("x509cert") or idp["x509certMulti"]["signing"][0]
        found = {"entity_id": idp["entityId"], "x509cert": certificate, "sso_url": idp["singleSignOnService"]["url"]}
    except Exception as error:  # whatever the parser of XML raises
        raise ImproperlyConfigured(f"SAML_METADATA is no metadata of an identity provider: {error}.") from error
    return found


def _refuse_unsafe(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise ImproperlyConfigured(f"{name} is {url!r}; set it to an address that begins with https://.")
