"""Guessing passwords: five wrong ones, then a quarter of an hour of silence for that name from that address."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from rasax.accounts.models import AuditEntry

pytestmark = pytest.mark.once

BOBS = "bob-secret-words"
LOGIN, ADMIN, API = "/accounts/login", "/admin/login/", "/api/auth"


@pytest.fixture(autouse=True)
def nobody_was_here_in_this_minute():
    cache.clear()  # it counts an address's requests to the API


def attempt(client, page, name="bob", password="guessed-words", address="10.0.0.1", **meta):
    words = {"username": name, "password": password}
    kind = {"content_type": "application/json"} if page == API else {}
    return client.post(page, words, REMOTE_ADDR=address, **kind, **meta)


def guess(client, page, times=5, **who):
    return [attempt(client, page, **who).status_code for _ in range(times)]


@pytest.mark.parametrize(("page", "refused"), [(LOGIN, 200), (ADMIN, 200), (API, 401)])
def test_the_fifth_wrong_password_locks_even_for_the_right_one(client, bob, page, refused):
    assert guess(client, page) == [refused] * 4 + [429]
    answer = attempt(client, page, password=BOBS)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "sessionid" not in client.cookies


def test_the_page_is_calm_and_the_api_answers_in_its_own_shape(client, bob):
    guess(client, LOGIN)
    assert "Too many attempts to sign in" in attempt(client, LOGIN).content.decode()
    body = attempt(client, API).json()
    assert (body["status"], body["code"]) == ("failure", 429)


def test_the_doors_count_together(client, bob):
    guess(client, LOGIN, 2)
    guess(client, API, 2)
    assert attempt(client, ADMIN).status_code == 429


def test_others_and_the_same_person_elsewhere_still_get_in(client, bob, carol):
    guess(client, LOGIN)
    assert attempt(client, LOGIN, "carol", "carol-secret-words").status_code == 302
    client.logout()
    assert attempt(client, LOGIN, password=BOBS, address="10.0.0.2").status_code == 302


def test_a_quarter_of_an_hour_later_it_opens_again(client, bob):
    guess(client, LOGIN)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert attempt(client, LOGIN, password=BOBS).status_code == 302


def test_the_right_password_clears_what_was_wrong_before(client, bob):
    guess(client, LOGIN, 4)
    assert attempt(client, LOGIN, password=BOBS).status_code == 302
    client.logout()
    assert guess(client, LOGIN, 4) == [200] * 4


def test_a_name_in_other_letters_is_the_same_name(client, bob):
    guess(client, LOGIN, 4)
    assert attempt(client, LOGIN, "BOB").status_code == 429


@pytest.mark.parametrize("page", [LOGIN, API])
def test_who_is_not_there_is_answered_as_who_is(client, bob, page):
    there = [attempt(client, page, "bob") for _ in range(6)]
    not_there = [attempt(client, page, "bib") for _ in range(6)]
    assert [answer.status_code for answer in there] == [answer.status_code for answer in not_there]
    assert [said(answer) for answer in there] == [said(answer).replace("bib", "bob") for answer in not_there]


def said(answer):
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())


def test_who_is_not_active_takes_as_long_and_reads_the_same(client, bob, hashed):
    bob.is_active = False
    bob.save()
    inactive, nobody = attempt(client, LOGIN, password=BOBS), attempt(client, LOGIN, "nobody")
    assert "Please enter a correct username" in inactive.content.decode()
    assert "Please enter a correct username" in nobody.content.decode()
    assert len(hashed) == 2


@pytest.fixture
def hashed(monkeypatch):
    """Counts the slow part of signing in: once for each attempt, whoever tries."""
    salts, encode = [], MD5PasswordHasher.encode

    def counted(self, password, salt):
        salts.append(salt)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return salts


def test_a_name_that_was_tried_is_not_kept_for_it_may_be_a_password(client, db):
    attempt(client, LOGIN, "my-secret-words")
    assert "my-secret-words" not in str(list(AccessAttempt.objects.values()))


def test_the_address_is_what_our_own_proxy_saw(client, bob, settings):
    settings.TRUSTED_PROXIES = 1
    for forged in ("1.1.1.1", "2.2.2.2", "3.3.3.3", "4.4.4.4", "5.5.5.5"):
        answer = attempt(client, LOGIN, address="127.0.0.1", HTTP_X_FORWARDED_FOR=f"{forged}, 10.0.0.9")
    assert answer.status_code == 429
    assert AuditEntry.objects.filter(action="failed to sign in").first().detail == {"address": "10.0.0.9"}


def test_without_a_proxy_of_ours_nobody_s_word_for_an_address_counts(client, bob):
    attempt(client, LOGIN, address="10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1")
    assert AccessAttempt.objects.get().ip_address == "10.0.0.1"


def test_pages_of_who_is_signed_in_ask_nothing_of_it(client, bob, django_assert_num_queries):
    client.force_login(bob)
    client.get(reverse("account"))
    with django_assert_num_queries(4):  # session, person, permissions, roles
        client.get(reverse("account"))
