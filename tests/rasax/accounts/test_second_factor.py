"""A code counts once, whichever process it reaches, with Redis and without."""

from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.core.cache import cache
from django.urls import reverse

from rasax.accounts import second_factor
from rasax.accounts.models import AuditEntry, User
from tests.together import at_once

SECRET, BOBS = "JBSWY3DPEHPK3PXP", "bob-secret-words"


@pytest.fixture
def clock(monkeypatch):
    """Stands still at the time that is put into it."""
    shown = [1_000_000_020.0]
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: shown[0]))
    return shown


def code_at(time):
    return auth.format_hotp_value(auth.hotp_value(SECRET, int(time) // 30))


@pytest.fixture
def bobs(bob, clock):
    """Bob, whose app has been set up."""
    assert second_factor.set_up(bob, SECRET, code_at(clock[0]))
    return bob


def ok(person, code):
    return second_factor.second_factor_ok(person, code)


def test_a_code_counts_once_though_no_two_processes_share_a_cache(bobs, clock):
    code = code_at(clock[0])
    assert ok(bobs, f" {code[:3]} {code[3:]}")
    cache.clear()
    assert not ok(bobs, code)
    clock[0] += 30
    assert ok(bobs, code_at(clock[0]))


def test_a_code_that_is_older_than_one_which_counted_counts_no_more(bobs, clock, settings):
    settings.MFA_TOTP_TOLERANCE = 1
    assert ok(bobs, code_at(clock[0] + 30))
    assert not ok(bobs, code_at(clock[0]))
    clock[0] += 60
    assert ok(bobs, code_at(clock[0]))


@pytest.mark.parametrize("code", ["", "000000", "١٢٣٤٥٦", "no code"])
def test_a_wrong_code_counts_never_and_spoils_none(bobs, clock, code):
    assert not ok(bobs, code)
    assert ok(bobs, code_at(clock[0]))


def test_a_recovery_code_counts_once(bobs):
    spare = second_factor.recovery_codes(bobs)[0]
    assert ok(bobs, spare)
    assert not ok(bobs, spare)
    assert spare not in second_factor.recovery_codes(bobs)


def test_somebody_else_s_code_is_none(bobs, carol, clock):
    assert not ok(carol, code_at(clock[0]))


def test_the_secret_is_kept_encrypted(bobs):
    assert SECRET not in str(Authenticator.objects.values_list("data", flat=True))


def test_with_another_secret_key_no_code_is_right(bobs, clock, settings):
    spare = second_factor.recovery_codes(bobs)[0]
    settings.SECRET_KEY = "another-key-" * 4
    assert not ok(bobs, code_at(clock[0]))
    assert not ok(bobs, spare)
    second_factor.turn_off(bobs, bobs)
    assert second_factor.set_up(bobs, SECRET, code_at(clock[0]))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_one_code_at_once_one_comes_in(bobs, clock):
    spare, came_in = second_factor.recovery_codes(bobs)[0], []
    for code in (code_at(clock[0]), spare):
        cache.clear()
        at_once(*[lambda code=code: came_in.append(ok(User.objects.get(pk=bobs.pk), code))] * 4)
    assert sorted(came_in) == [False] * 6 + [True] * 2


def test_who_gave_the_password_is_asked_for_the_code(client, bobs, clock):
    answer = client.post(reverse("login"), {"username": "bob", "password": BOBS})
    assert answer.url == reverse("second_factor_ask")
    assert client.get(reverse("account")).status_code == 302
    assert "This code is wrong" in client.post(answer.url, {"code": "000000"}).content.decode()
    assert client.post(answer.url, {"code": code_at(clock[0])}).url == reverse("home")
    assert AuditEntry.objects.filter(action="signed in", user=bobs).count() == 1
