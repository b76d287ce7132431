"""Signing in and out, one's password, and one's account."""

import pytest
from django.urls import reverse

from rasax.accounts.models import AuditEntry, User

pytestmark = pytest.mark.once

BOBS = "bob-secret-words"


def audited(action):
    return AuditEntry.objects.filter(action=action)


def test_a_person_signs_in_and_begins_with_the_conversations(client, bob):
    answer = client.post(reverse("login"), {"username": "bob", "password": BOBS})
    assert answer.url == reverse("home")
    assert client.get(answer.url).url == reverse("conversations")
    assert audited("signed in").get().user == bob


def test_a_page_that_was_asked_for_comes_after_signing_in_and_a_foreign_one_does_not(client, bob):
    words = {"username": "bob", "password": BOBS}
    assert client.post(reverse("login"), {**words, "next": "/accounts/password"}).url == "/accounts/password"
    client.logout()
    assert client.post(reverse("login"), {**words, "next": "https://evil.example/"}).url == reverse("home")


def test_who_may_see_no_conversation_begins_with_the_account_page(client, carol):
    client.force_login(carol)
    answer = client.get(reverse("home"))
    assert answer.url == reverse("account")
    page = client.get(answer.url).content.decode()
    assert "tester" in page
    assert "ask an administrator" in page


def test_the_account_page_lists_roles_and_what_they_allow(client, bob):
    client.force_login(bob)
    page = client.get(reverse("account")).content.decode()
    assert "annotator" in page
    assert "Read and search conversations" in page
    assert "Manage people" not in page
    assert reverse("admin:index") not in page


def test_who_is_signed_in_is_not_asked_again(client, bob):
    client.force_login(bob)
    assert client.get(reverse("login")).url == reverse("home")


@pytest.mark.parametrize("page", ["login", "admin:login"])
def test_a_failed_attempt_is_audited_without_the_password(client, bob, page):
    answer = client.post(reverse(page), {"username": "bob", "password": "guessed-words"}, REMOTE_ADDR="10.1.2.3")
    assert answer.status_code == 200
    entry = audited("failed to sign in").get()
    assert (entry.user, entry.object_name, entry.detail) == (None, "bob", {"address": "10.1.2.3"})


def test_an_unknown_name_is_not_kept_for_it_may_be_a_password(client, bob):
    client.post(reverse("login"), {"username": "my-secret-words", "password": "x"})
    entry = audited("failed to sign in").get()
    assert "my-secret-words" not in (entry.username, entry.object_name, entry.object_id)


def test_who_is_not_active_is_kept_out(client, bob):
    User.objects.update(is_active=False)
    assert client.post(reverse("login"), {"username": "bob", "password": BOBS}).status_code == 200
    assert audited("failed to sign in").exists()


def test_signing_out_takes_a_form_and_is_audited(client, bob):
    client.force_login(bob)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).url == reverse("login")
    assert audited("signed out").get().user == bob
    assert client.get(reverse("account")).status_code == 302


def test_a_password_is_changed_audited_and_stays_secret(client, bob):
    client.force_login(bob)
    new = "quite-other-words"
    words = {"old_password": BOBS, "new_password1": new, "new_password2": new}
    assert client.post(reverse("password_change"), words, follow=True).status_code == 200
    bob.refresh_from_db()
    assert bob.check_password(new)
    entry = audited("changed the password").get()
    assert entry.user == bob
    assert new not in str(entry.detail)
    assert client.get(reverse("account")).status_code == 200


def test_a_password_that_is_too_short_is_refused_beside_its_field(client, bob):
    client.force_login(bob)
    words = {"old_password": BOBS, "new_password1": "short", "new_password2": "short"}
    page = client.post(reverse("password_change"), words).content.decode()
    assert "at least 10 characters" in page
    assert not audited("changed the password").exists()
