"""One's own account: details, browsers, API tokens, and a password from somebody else."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from rasax.accounts.models import ApiToken, AuditEntry, Session, User
from rasax.accounts.sessions import name_of

pytestmark = pytest.mark.once

BOBS, NEW = "bob-secret-words", "quite-other-words"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36 Edg/142.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1"


def sign_in(client, **meta):
    assert client.post(reverse("login"), {"username": "bob", "password": BOBS}, **meta).status_code == 302


def change_password(client, new=NEW):
    words = {"old_password": BOBS, "new_password1": new, "new_password2": new}
    return client.post(reverse("password_change"), words)


def test_details_are_saved_and_audited(client, bob):
    client.force_login(bob)
    client.post(reverse("account"), {"first_name": "Robert", "last_name": "", "email": "bob@example.com"})
    bob.refresh_from_db()
    assert (bob.first_name, bob.email) == ("Robert", "bob@example.com")
    assert AuditEntry.objects.get(action="changed").detail == {"fields": ["email", "first_name"]}


@pytest.mark.parametrize(
    ("agent", "name"),
    [(FIREFOX, "Firefox, Linux"), (EDGE, "Edge, Windows"), (IPHONE, "Safari, iPhone"), ("curl/8", "curl/8"), ("", "")],
)
def test_a_browser_is_named_by_what_it_calls_itself(agent, name):
    assert name_of(agent) == name


def test_a_person_sees_where_they_are_signed_in(client, bob):
    sign_in(client, HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="10.1.2.3")
    page = client.get(reverse("own_sessions")).content.decode()
    assert "Firefox, Linux" in page
    assert "10.1.2.3" in page
    assert "this one" in page


def test_a_hostile_name_of_a_browser_is_only_text(client, bob):
    sign_in(client, HTTP_USER_AGENT="\x00<script>alert(1)</script>" + "x" * 5000)
    page = client.get(reverse("own_sessions")).content.decode()
    assert "<script>alert" not in page


def test_another_browser_is_signed_out_and_somebody_else_s_is_not(client, bob, carol, client_of):
    other, carols = client_of(bob), client_of(carol)
    client.force_login(bob)
    mine = {session.key: session.pk for session in Session.objects.all()}
    url = reverse("end_session", args=[mine[other.session.session_key]])
    assert client.post(url).url == reverse("own_sessions")
    assert other.get(reverse("account")).status_code == 302
    assert client.post(reverse("end_session", args=[mine[carols.session.session_key]])).status_code == 404
    assert carols.get(reverse("account")).status_code == 200


def test_all_others_are_signed_out_at_once(client, bob, client_of):
    others = [client_of(bob), client_of(bob)]
    client.force_login(bob)
    page = client.post(reverse("end_other_sessions"), follow=True).content.decode()
    assert "2 other browsers are signed out" in page
    assert [other.get(reverse("account")).status_code for other in others] == [302, 302]


def test_a_new_password_signs_out_the_other_browsers_and_keeps_this_one(client, bob, client_of):
    other = client_of(bob)
    client.force_login(bob)
    change_password(client)
    assert client.get(reverse("account")).status_code == 200
    assert other.get(reverse("account")).status_code == 302
    assert [session.key for session in Session.objects.all()] == [client.session.session_key]


def test_signing_out_ends_the_session(client, bob):
    client.force_login(bob)
    client.post(reverse("logout"))
    assert not Session.objects.exists()


def test_when_somebody_was_seen_is_written_down_each_five_minutes(client, bob, django_assert_num_queries):
    client.force_login(bob)
    with django_assert_num_queries(4):
        client.get(reverse("account"))
    session, long_ago = client.session, timezone.now() - timedelta(minutes=6)
    session["seen"] = long_ago.timestamp()
    session.save()
    Session.objects.update(seen_at=long_ago)
    client.get(reverse("account"))
    assert Session.objects.get().seen_at > timezone.now() - timedelta(minutes=1)


def test_sessions_that_have_expired_are_gone_after_the_next_sign_in(client, bob):
    Session.objects.create(user=bob, key="long-gone", seen_at=timezone.now())
    client.force_login(bob)
    assert [session.key for session in Session.objects.all()] == [client.session.session_key]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(client, bob):
    client.force_login(bob)
    page = client.post(reverse("own_tokens"), {"name": "nightly", "days": 30}).content.decode()
    secret = page.split('<code id="token">')[1].split("<")[0]
    token = ApiToken.objects.get()
    assert (token.expires_at - timezone.now()).days in {29, 30}
    assert ApiToken.objects.holder(secret) == bob
    assert secret not in client.get(reverse("own_tokens")).content.decode()
    client.post(reverse("revoke_token", args=[token.pk]))
    assert ApiToken.objects.holder(secret) is None


def test_nobody_revokes_somebody_else_s_token(client, bob, carol):
    token, _secret = ApiToken.objects.make(bob, "mine")
    client.force_login(carol)
    assert client.post(reverse("revoke_token", args=[token.pk])).status_code == 404


@pytest.mark.parametrize("form", [{"name": ""}, {"name": "x", "days": 0}, {"name": "x", "days": "soon"}])
def test_a_token_without_a_name_or_with_no_time_is_not_made(client, bob, form):
    client.force_login(bob)
    assert client.post(reverse("own_tokens"), form).status_code == 200
    assert not ApiToken.objects.exists()


@pytest.fixture
def newcomer(client, bob):
    """Bob, whose password is from somebody else."""
    User.objects.filter(pk=bob.pk).update(must_change_password=True)
    client.force_login(bob)
    return client


@pytest.mark.parametrize("page", ["conversations", "account", "own_tokens", "home", "jobs"])
def test_until_a_password_of_one_s_own_every_page_leads_to_it(newcomer, page):
    assert newcomer.get(reverse(page)).url == reverse("password_change")


def test_until_then_the_language_and_signing_out_stay_open_and_the_api_says_why(newcomer):
    assert (
        newcomer.post(reverse("set_language"), {"language": "de", "next": "/accounts/password"}).url
        == "/accounts/password"
    )
    answer = newcomer.get("/api/user")
    assert (answer.status_code, answer.json()["code"]) == (403, 403)
    assert newcomer.post(reverse("logout")).url == reverse("login")


def test_a_token_made_before_answers_403_too(client, bob):
    _token, secret = ApiToken.objects.make(bob, "script")
    User.objects.filter(pk=bob.pk).update(must_change_password=True)
    assert client.get("/api/user", HTTP_AUTHORIZATION=f"Bearer {secret}").status_code == 403


def test_the_same_password_again_is_not_one_s_own(newcomer):
    assert "Choose another" in change_password(newcomer, BOBS).content.decode()
    assert change_password(newcomer).url == reverse("password_change_done")
    assert newcomer.get(reverse("conversations")).status_code == 200
