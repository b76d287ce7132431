"""Single sign-on with OpenID Connect, against a provider of our own."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.urls import reverse

from rasax.accounts import second_factor
from rasax.accounts.models import AuditEntry, User
from rasax.identity_providers import openid_connect
from tests.rasax.accounts.openid_provider import CLIENT, SECRET, OpenIdProvider

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def provider(settings):
    provider = OpenIdProvider()
    offered = {"openid_connect": openid_connect(provider.url, CLIENT, SECRET, "Our directory"), "saml": {"APPS": []}}
    settings.SOCIALACCOUNT_PROVIDERS = offered
    yield provider
    provider.stop()


def come_in(client, provider, **query):
    """From the button on our page to the provider, and back to where it leads."""
    there = client.get(reverse("openid_connect_login"), query)
    return client.get(provider.authorize(there.url))


def signed_in(client):
    key = client.session.get("_auth_user_id")
    return User.objects.get(pk=key) if key else None


def test_the_button_is_there_only_where_a_provider_is_configured(client, request):
    assert "Our directory" not in client.get(reverse("login")).content.decode()
    assert client.get(reverse("openid_connect_login")).status_code == 404
    request.getfixturevalue("provider")
    assert "Our directory" in client.get(reverse("login")).content.decode()


def test_a_known_person_is_linked_by_the_verified_address_and_then_known_by_the_provider_s_id(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="Bob@example.com")
    assert come_in(client, provider, next="/accounts/tokens").url == "/accounts/tokens"
    assert signed_in(client) == bob
    assert AuditEntry.objects.filter(action="linked to an identity provider", user=bob).count() == 1
    client.logout()
    User.objects.filter(pk=bob.pk).update(email="other@example.com")
    assert come_in(client, provider).url == reverse("home")
    assert signed_in(client) == bob
    assert AuditEntry.objects.filter(action="signed in", user=bob).count() == 2


@pytest.mark.parametrize("verified", [False, "false", "False", None, "", 0, 1, "yes", [True], {}])
def test_an_address_that_is_not_verified_links_to_nobody_and_is_not_kept(client, provider, settings, bob, verified):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    provider.person["email_verified"] = verified
    assert come_in(client, provider).status_code == 403
    settings.SSO_DEFAULT_ROLE = "tester"
    come_in(client, provider)
    newcomer = signed_in(client)
    assert newcomer != bob
    assert newcomer.email == ""


def test_an_address_that_is_verified_in_words_links(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    provider.person["email_verified"] = "true"
    come_in(client, provider)
    assert signed_in(client) == bob


def test_nobody_takes_an_address_to_wait_for_whoever_has_it(client, provider, bob):
    client.force_login(bob)
    assert "an administrator changes it" in client.get(reverse("account")).content.decode()
    client.post(reverse("account"), {"first_name": "Bob", "email": "alice@example.com"})
    answer = client.patch("/api/user", {"email": "alice@example.com"}, content_type="application/json")
    assert answer.status_code == 409
    bob.refresh_from_db()
    assert (bob.first_name, bob.email) == ("Bob", "")
    assert client.patch("/api/user", {"email": ""}, content_type="application/json").status_code == 200


@pytest.mark.parametrize("change", [{"email": "somebody@example.com"}, {"email": None}])
def test_who_is_not_known_is_refused(client, provider, bob, change):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    provider.person.update(change)
    assert come_in(client, provider).status_code == 403
    assert signed_in(client) is None
    assert User.objects.get() == bob


def test_an_address_that_two_people_have_links_to_neither(client, provider, bob, carol):
    User.objects.update(email="bob@example.com")
    assert come_in(client, provider).status_code == 403


def test_who_is_not_known_gets_an_account_with_the_default_role(client, provider, settings, bob):
    settings.SSO_DEFAULT_ROLE = "tester"
    provider.person.update(email="new@example.com", given_name="Nora")
    assert come_in(client, provider).url == reverse("home")
    nora = signed_in(client)
    assert (nora.username, nora.first_name, nora.has_usable_password()) == ("bob-2", "Nora", False)
    assert [group.name for group in nora.groups.all()] == ["tester"]


def test_who_is_not_active_stays_out(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com", is_active=False)
    assert come_in(client, provider).status_code == 403
    assert signed_in(client) is None


def test_a_wrong_signature_audience_or_issuer_is_refused(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    for claims in ({"aud": "another"}, {"iss": "http://elsewhere"}, {"exp": 1}):
        provider.claims = claims
        assert come_in(client, provider).status_code == 403
    provider.claims = {}
    provider.signing = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert come_in(client, provider).status_code == 403
    assert signed_in(client) is None


def test_an_answer_that_was_not_asked_for_is_refused(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    address = provider.authorize(client.get(reverse("openid_connect_login")).url)
    client.cookies.clear()
    assert client.get(address).status_code == 403
    assert signed_in(client) is None


def test_a_foreign_page_is_not_led_to(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    assert come_in(client, provider, next="https://evil.example/").url == reverse("home")


def test_a_second_factor_here_is_not_asked_for_by_the_provider_s_door(client, provider, bob):
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    second_factor.TOTP.activate(bob, "JBSWY3DPEHPK3PXP")
    come_in(client, provider)
    assert signed_in(client) == bob


def test_with_sso_only_no_password_counts(client, provider, settings, bob):
    settings.SSO_ONLY = True
    page = client.post(reverse("login"), {"username": "bob", "password": "bob-secret-words"})
    assert page.status_code == 200
    assert signed_in(client) is None
    answer = client.post(
        "/api/auth", {"username": "bob", "password": "bob-secret-words"}, content_type="application/json"
    )
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "page", ["signup", "signup/", "email/", "password/reset/", "social/signup/", "3rdparty/", "2fa/"]
)
def test_allauth_s_own_pages_are_not_there(client, page):
    assert client.get(f"/accounts/{page}").status_code == 404
