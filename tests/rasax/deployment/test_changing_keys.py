"""Keys are changed without losing what they encrypted, and what is lost is named."""

import io

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management import CommandError, call_command

from rasax.accounts import second_factor
from rasax.accounts.encrypted import everything, unreadable
from rasax.accounts.models import AuditEntry, SigningKey
from rasax.chat.models import GuestLink
from rasax.deployment.models import RasaServer
from rasax.training.models import GitRepository

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NEW = {"ENCRYPTION_KEYS": "another-key-that-only-the-tests-know-0123", "SECRET_KEY": "another-key-" * 4}


@pytest.fixture
def kept(alice, bob, monkeypatch):
    """One of everything that is encrypted."""
    server = RasaServer.objects.add(alice, name="production", url="https://rasa.example.com", token="tok3n")
    link = GuestLink.objects.share(alice, name="Try Ada", server=server)
    over = GuestLink.objects.share(alice, name="Over", server=server)
    over.revoke(alice)
    repository = GitRepository.objects.connect("https://git.example.com/bot.git", "main", "", "git-t0ken", alice)
    monkeypatch.setattr(second_factor, "validate_totp_code", lambda secret, code: True)
    assert second_factor.set_up(bob, "JBSWY3DPEHPK3PXP", "0")
    return server, link, repository, SigningKey.objects.current(), second_factor.recovery_codes(bob)


def set_new(settings, *, with_old=True):
    old = [*settings.ENCRYPTION_KEYS], settings.SECRET_KEY
    settings.ENCRYPTION_KEYS = [NEW["ENCRYPTION_KEYS"], *(old[0] if with_old else [])]
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW["SECRET_KEY"], [old[1]] if with_old else []


def test_keys_are_changed_by_giving_the_old_ones_for_a_while(kept, settings, bob):
    server, link, repository, key, codes = kept
    set_new(settings)
    assert unreadable() == {}
    call_command("encrypt_anew", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS, settings.SECRET_KEY_FALLBACKS = [NEW["ENCRYPTION_KEYS"]], []
    assert unreadable() == {}
    for row in (server, link, repository):
        row.refresh_from_db()
    assert link.secret
    assert server.rasa()
    assert repository.remote
    assert SigningKey.objects.current() == key
    assert second_factor.recovery_codes(bob) == codes
    assert second_factor.second_factor_ok(bob, codes[0])
    told = AuditEntry.objects.filter(action="encrypted anew").values_list("object_name", flat=True)
    assert sorted(told) == ["1", "Over", "Try Ada", "bob", "bob", "https://git.example.com/bot.git", "production"]


def test_what_no_key_opens_is_named_and_the_rest_is_encrypted_anew(kept, settings, bob):
    set_new(settings, with_old=False)
    lost = {
        "ENCRYPTION_KEYS": [
            "guest link Try Ada",
            "Rasa server production",
            "git repository https://git.example.com/bot.git",
        ],
        "SECRET_KEY": ["second factor of bob"] * 2,
    }
    assert {setting: sorted(names) for setting, names in unreadable().items()} == {
        setting: sorted(names) for setting, names in lost.items()
    }
    before = dict(Authenticator.objects.values_list("pk", "data"))
    server = RasaServer.objects.get()
    server.give_token("new")
    server.save()
    with pytest.raises(CommandError, match=r"ENCRYPTION_KEYS: .*Try Ada.*; SECRET_KEY: second factor of bob"):
        call_command("encrypt_anew")
    assert dict(Authenticator.objects.values_list("pk", "data")) == before
    assert not any("production" in name for name in unreadable()["ENCRYPTION_KEYS"])


def test_every_column_that_looks_encrypted_is_found(kept):
    rows = [row for model in apps.get_models() if model._meta.managed for row in model._base_manager.all()]
    looks = {
        (type(row), field.attname)
        for row in rows
        for field in row._meta.local_fields
        if "gAAAAA" in str(getattr(row, field.attname))
    }
    assert looks == {(each.model, each.column) for each in everything()}
