"""Invitations: a link, shown once, with which one stranger makes an account."""

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from rasax.accounts.invitations import VALID_FOR
from rasax.accounts.models import AuditEntry, Invitation, User

WORDS = {"username": "erin", "password1": "erin-secret-words", "password2": "erin-secret-words"}


@pytest.fixture
def link(alice, client_of):
    """What Alice's browser shows after she invited an annotator."""
    form = {"roles": [Group.objects.get(name="annotator").pk], "email": "erin@example.com"}
    page = client_of(alice).post(reverse("invitations"), form).content.decode()
    return page.split('<code id="link">')[1].split("<")[0]


def test_a_stranger_makes_an_account_with_the_roles_and_is_signed_in(client, link):
    assert link.startswith("http://testserver/")
    assert client.get(link).status_code == 200
    assert client.post(link, WORDS).url == reverse("home")
    erin = User.objects.get(username="erin")
    assert [role.name for role in erin.groups.all()] == ["annotator"]
    assert (erin.email, erin.must_change_password) == ("erin@example.com", False)
    assert client.get(reverse("conversations")).status_code == 200
    assert AuditEntry.objects.get(action="accepted an invitation").user == erin


def test_a_link_works_once(client, link):
    client.post(link, WORDS)
    client.logout()
    assert client.get(link).status_code == 404
    assert "does not work" in client.post(link, {**WORDS, "username": "mallory"}).content.decode()
    assert not User.objects.filter(username="mallory").exists()


def test_a_link_is_kept_as_its_hash_and_shown_once(link, alice, client_of):
    secret = link.rsplit("/", 1)[1]
    assert secret not in str([list(model.objects.values()) for model in (Invitation, AuditEntry)])
    page = client_of(alice).get(reverse("invitations")).content.decode()
    assert secret not in page
    assert "erin@example.com" in page


def test_a_link_ends_after_seven_days(client, link):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert timedelta(days=7) == VALID_FOR
    assert client.get(link).status_code == 404


def test_a_revoked_link_opens_nothing(client, link, alice, client_of):
    url = reverse("revoke_invitation", args=[Invitation.objects.get().pk])
    assert client_of(alice).post(url).url == reverse("invitations")
    assert client.post(link, WORDS).status_code == 404
    assert AuditEntry.objects.filter(action="revoked an invitation").exists()


def test_a_name_that_is_taken_and_a_weak_password_are_refused_and_the_link_stays_good(client, link, bob):
    assert "Somebody has this name already" in client.post(link, {**WORDS, "username": "Bob"}).content.decode()
    weak = {**WORDS, "password1": "short", "password2": "short"}
    assert "at least 10 characters" in client.post(link, weak).content.decode()
    assert Invitation.objects.open().exists()


def test_a_made_up_link_opens_nothing(client, db):
    assert client.get(reverse("accept_invitation", args=["no-such-secret"])).status_code == 404


def test_of_two_who_read_the_page_before_either_accepts_one_gets_in(alice):
    Invitation.objects.invite([], by=alice)
    first, second = Invitation.objects.get(), Invitation.objects.get()
    assert first.accept("erin", "erin-secret-words").username == "erin"
    assert second.accept("frank", "frank-secret-words") is None
    assert not User.objects.filter(username="frank").exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_accept_at_once_one_gets_in(alice):
    invitation, _secret = Invitation.objects.invite([], by=alice)
    start, made = threading.Barrier(2), []

    def accept(name):
        start.wait()
        made.append(invitation.accept(name, "erin-secret-words"))
        connection.close()

    threads = [threading.Thread(target=accept, args=[name]) for name in ("erin", "frank")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(person is None for person in made) == [False, True]
    assert User.objects.filter(username__in=["erin", "frank"]).count() == 1
