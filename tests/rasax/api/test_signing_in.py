"""Who may come in: with a JWT, an API token or a session, and until when."""

from datetime import timedelta

import jwt
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from rasax.accounts.models import ApiToken, AuditEntry, SigningKey, User
from rasax.accounts.tokens import SigningKeyQuerySet, digest_of
from tests.rasax.api.conftest import Api

JSON = "application/json"


def sign_in(name="alice", password="alice-secret-words"):
    return Api().send("POST", "auth", {"username": name, "password": password})


def me(token):
    return Client(headers={"authorization": f"Bearer {token}"}).get("/api/user")


def test_a_name_and_a_password_give_a_token_that_tells_a_rasa_server_who_it_is(alice):
    token = sign_in().json()["access_token"]
    key = Client().get("/api/version").json()["keys"][0]
    claims = jwt.decode(token, key["key"], algorithms=[key["alg"]])
    assert claims["username"] == "alice"
    assert "clientEvents:create" in claims["scopes"]
    assert timedelta(hours=7) < timedelta(seconds=claims["exp"] - claims["iat"]) <= timedelta(hours=8)
    assert me(token).json()["username"] == "alice"
    assert AuditEntry.objects.filter(user=alice, action="signed in").exists()


def test_a_tester_may_not_speak_in_the_conversations_of_others(carol):
    token = sign_in("carol", "carol-secret-words").json()["access_token"]
    assert "clientEvents:create" not in jwt.decode(token, options={"verify_signature": False})["scopes"]


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", "alice-secret-words")])
def test_a_wrong_password_and_a_wrong_name_are_the_same(alice, name, password):
    answer = sign_in(name, password)
    assert answer.status_code == 401
    assert answer.json() | {"version": ""} == {
        "version": "", "status": "failure", "reason": "Unauthorized", "message": "Wrong name or password.",
        "details": {}, "code": 401,
    }  # fmt: skip
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_who_must_change_the_password_does_so_first(alice):
    token = sign_in().json()["access_token"]
    User.objects.update(must_change_password=True)
    assert sign_in().status_code == 403
    assert "change your password" in me(token).json()["message"]


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "md5$salt$other"}], ids=["disabled", "password"])
def test_a_token_counts_no_longer_once_its_person_is_disabled_or_changes_the_password(alice, change):
    token = sign_in().json()["access_token"]
    User.objects.filter(pk=alice.pk).update(**change)
    assert me(token).status_code == 401


def test_a_forged_token_is_refused(alice):
    key = SigningKey.objects.current()
    claims = jwt.decode(sign_in().json()["access_token"], options={"verify_signature": False})
    nobodys = {
        "unsigned": jwt.encode(claims, None, algorithm="none", headers={"kid": key.name}),
        "by the public key": jwt.encode(claims, b"x" * 40, algorithm="HS256", headers={"kid": key.name}),
        "by no key of ours": jwt.encode(claims, b"x" * 40, algorithm="HS256", headers={"kid": "../1"}),
        "expired": key.sign({**claims, "exp": 1}),
        "of nobody": key.sign({**claims, "sub": "x"}),
        "no JWT": "a.b", "empty": "", "an API token": "rasax_x", "odd": "\xff\x00",
    }  # fmt: skip
    assert {name: me(token).status_code for name, token in nobodys.items()} == dict.fromkeys(nobodys, 401)


def test_the_signing_key_is_made_once_and_kept_encrypted(db, settings):
    key = SigningKey.objects.current()
    assert SigningKey.objects.current() == key
    assert "PRIVATE" not in key.private
    settings.SECRET_KEY = "another-long-text-that-nobody-knows"
    assert SigningKey.objects.current() != key


def test_two_processes_that_make_the_first_key_at_once_use_one(db, monkeypatch):
    """The slower one, which saw none, finds the name taken."""
    first = SigningKey.objects.current()
    monkeypatch.setattr(SigningKeyQuerySet, "_last", lambda self: None)
    assert SigningKey.objects.all()._make() == first


def test_after_a_rotation_the_old_key_counts_until_it_is_retired(alice, capsys):
    token = sign_in().json()["access_token"]
    call_command("rotate_signing_key")
    published = Client().get("/api/version").json()["keys"]
    assert len(published) == 2
    assert jwt.decode(sign_in().json()["access_token"], published[0]["key"], algorithms=["RS256"])
    assert me(token).status_code == 200
    call_command("rotate_signing_key", at_once=True)
    assert me(token).status_code == 401
    assert len(Client().get("/api/version").json()["keys"]) == 1


def test_an_api_token_is_shown_once_and_kept_as_its_hash(api, alice):
    made = api.send("POST", "user/tokens", {"name": "script", "expires_in_days": 1}).json()
    token = ApiToken.objects.get()
    assert token.digest == digest_of(made["token"])
    assert made["token"].startswith(token.prefix)
    assert made["token"] not in api.ask("user/tokens").content.decode()
    assert me(made["token"]).json()["username"] == "alice"
    token.refresh_from_db()
    assert token.last_used_at
    assert api.send("DELETE", f"user/tokens/{token.pk}").status_code == 204
    assert me(made["token"]).status_code == 401
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"made an API token", "revoked an API token"}


def test_an_api_token_ends_with_its_time_and_with_its_person(alice):
    _, secret = ApiToken.objects.make(alice, "script", timezone.now() + timedelta(days=1))
    assert me(secret).status_code == 200
    ApiToken.objects.update(expires_at=timezone.now())
    assert me(secret).status_code == 401
    ApiToken.objects.update(expires_at=None)
    User.objects.update(is_active=False)
    assert me(secret).status_code == 401


def test_a_token_notes_its_use_once_a_minute(alice, django_assert_num_queries):
    _, secret = ApiToken.objects.make(alice, "script")
    ApiToken.objects.holder(secret)
    with django_assert_num_queries(1):
        assert ApiToken.objects.holder(secret) == alice


def test_nobody_sees_or_revokes_the_tokens_of_others(api, bob):
    token, _ = ApiToken.objects.make(bob, "script")
    assert api.ask("user/tokens").json() == []
    assert api.send("DELETE", f"user/tokens/{token.pk}").status_code == 404


def test_a_token_in_the_address_is_taken_where_rasa_x_took_it(alice, conversations):
    _, secret = ApiToken.objects.make(alice, "script")
    nobody = Api()
    assert nobody.ask("conversations/ann", api_token=secret).status_code == 200
    assert nobody.ask("users", api_token=secret).status_code in {400, 401}
    assert nobody.send("DELETE", "conversations/ann", api_token=secret).status_code == 401


def test_a_session_may_read_and_needs_a_csrf_token_to_write(bob, conversations):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(bob)
    assert browser.get("/api/user").json()["username"] == "bob"
    refused = browser.put("/api/conversations/ann/reviewStatus", {"review_status": "reviewed"}, content_type=JSON)
    assert refused.status_code == 403
    assert refused.json()["code"] == 403


def test_who_asks_too_often_is_told_when_to_come_again(alice, settings):
    settings.API_REQUESTS_PER_MINUTE = {"person": 1, "anonymous": 1, "auth": 1}
    answers = [sign_in(password="wrong"), sign_in()]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert 0 < int(answers[1]["Retry-After"]) <= 60
    assert answers[1].json()["reason"] == "TooManyRequests"
