"""Single sign-on with SAML: responses as an identity provider signs them."""

import base64
import zlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Saml

from rasax.accounts.models import User
from rasax.identity_providers import saml

pytestmark = [pytest.mark.django_db, pytest.mark.once]

OURSELVES = "http://testserver/accounts/sso/saml/metadata"
IDP = "https://idp.example/metadata"
MAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
METADATA = """<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{idp}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
</ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService
 Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/></md:IDPSSODescriptor>
</md:EntityDescriptor>"""
RESPONSE = """<samlp:Response
 xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
 ID="_r{asked}" Version="2.0" IssueInstant="{now}" Destination="{acs}" InResponseTo="{asked}">
<saml:Issuer>{idp}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
{assertion}</samlp:Response>"""
ASSERTION = """<saml:Assertion
 xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_a{asked}" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{idp}</saml:Issuer><saml:Subject><saml:NameID Format="{mail}">{name}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
<saml:SubjectConfirmationData NotOnOrAfter="{until}" Recipient="{acs}" InResponseTo="{asked}"/>
</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{now}" NotOnOrAfter="{until}">
<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="1"><saml:AuthnContext><saml:AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
{attributes}</saml:Assertion>"""
VERIFIED = """<saml:AttributeStatement><saml:Attribute Name="http://schemas.auth0.com/email_verified">
<saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"""


def pair():
    """A key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.example")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode(), certificate.decode()


OURS, STRANGERS = pair(), pair()


@pytest.fixture
def browser(settings, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    metadata = METADATA.format(idp=IDP, certificate="".join(OURS[1].splitlines()[1:-1]))
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}, "saml": saml("", metadata, "", "Our directory")}
    return Client(headers={"host": "testserver"})


def ask(browser):
    """The id of the request with which our page leads to the provider."""
    query = parse_qs(urlsplit(browser.get(reverse("saml_login", args=["saml"])).url).query)
    request = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
    return ElementTree.fromstring(request).attrib["ID"]


def vouched(asked, *, by=OURS, name="bob@example.com", audience=OURSELVES, age=0, attributes=""):
    moment = datetime.now(UTC) - timedelta(seconds=age)
    words = {
        "asked": asked, "idp": IDP, "mail": MAIL, "name": name, "audience": audience,
        "attributes": attributes,
        "acs": "http://testserver/accounts/sso/saml/acs",
        "now": (moment - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "until": (moment + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    assertion = ASSERTION.format(**words)
    if by:
        assertion = Saml.add_sign(assertion, *by).decode()
    return RESPONSE.format(**words, assertion=assertion)


def come_back(browser, response):
    form = {"SAMLResponse": base64.b64encode(response.encode()).decode()}
    return browser.get(browser.post(reverse("saml_acs", args=["saml"]), form).url)


def signed_in(browser):
    key = browser.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def test_a_signed_answer_signs_in_whom_it_names(browser, bob):
    assert come_back(browser, vouched(ask(browser))).url == reverse("home")
    assert signed_in(browser) == bob


@pytest.mark.parametrize(("verified", "who"), [("true", "bob"), ("false", None), (" FALSE ", None)])
def test_an_address_that_is_said_not_to_be_verified_links_to_nobody(browser, bob, verified, who):
    come_back(browser, vouched(ask(browser), attributes=VERIFIED.format(verified)))
    assert getattr(signed_in(browser), "username", None) == who


BAD = {
    "a stranger's signature": {"by": STRANGERS},
    "no signature": {"by": None},
    "for another site": {"audience": "https://another.example"},
    "too old": {"age": 3600},
}


@pytest.mark.parametrize("fault", BAD.values(), ids=BAD)
def test_an_answer_that_cannot_be_trusted_is_refused(browser, fault):
    assert come_back(browser, vouched(ask(browser), **fault)).status_code == 403
    assert signed_in(browser) is None


def test_an_answer_whose_words_were_changed_is_refused(browser, carol):
    User.objects.filter(pk=carol.pk).update(email="carol@example.com")
    changed = vouched(ask(browser)).replace("bob@example.com", "carol@example.com")
    assert come_back(browser, changed).status_code == 403
    assert signed_in(browser) is None


def test_an_answer_counts_once_and_in_no_other_browser(browser, bob):
    answer = vouched(ask(browser))
    come_back(browser, answer)
    browser.logout()
    assert come_back(browser, answer).status_code == 403
    assert come_back(Client(headers={"host": "testserver"}), answer).status_code == 403
    assert signed_in(browser) is None


def test_an_answer_that_nobody_asked_for_is_refused(browser):
    unasked = vouched("_x").replace(' InResponseTo="_x"', "")
    assert come_back(browser, unasked).status_code == 403
    assert come_back(browser, vouched("_never")).status_code == 403


def test_our_own_metadata_is_there_for_the_provider(browser):
    answer = browser.get(reverse("saml_metadata", args=["saml"]))
    assert b"http://testserver/accounts/sso/saml/acs" in answer.content


@pytest.mark.parametrize("metadata", ["no XML", "<a/>"])
def test_metadata_that_is_none_is_said_at_the_start(metadata):
    with pytest.raises(ImproperlyConfigured, match="SAML_METADATA"):
        saml("", metadata, "", "SAML")
