"""The pages of environments. Alice administers; nobody ever reads a token."""

import re

import pytest

from events.models import Notice
from rasax.accounts.models import AuditEntry
from rasax.deployment.models import RasaServer
from rasax.deployment.polling import look
from tests.rasax.deployment.test_registry import keep
from tests.servers.rasa_models import archive

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ADD, TRY = "/settings/environments/add/", "/settings/environments/try/"


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def page(server):
    return f"/settings/environments/{server.pk}/"


def written(rasa, **changed):
    return {"name": "production", "url": rasa.url, "use": "production", "tag": "production", "token": "tok3n"} | changed


def test_an_empty_list_says_what_to_do(desk):
    assert "No environment yet" in text_of(desk.get("/settings/environments/"))


def test_one_is_added_asked_and_shown(desk, rasa):
    shown = text_of(desk.post(ADD, written(rasa), follow=True))
    assert "production: It answers: Rasa 3.6.21 with the model 20261122-lab.tar.gz." in shown
    assert "answers</span>" in shown
    assert rasa.url in shown
    [entry] = AuditEntry.objects.filter(action="added")
    assert (entry.username, entry.object_name, entry.detail) == ("alice", "production", {"url": rasa.url})


@pytest.mark.parametrize(
    ("fault", "told"),
    [("slow", "did not answer in time"), ("html", "not Rasa&#x27;s HTTP API"), ("error", "no room on disk")],
)
def test_what_is_wrong_is_told_in_words(desk, rasa, monkeypatch, fault, told):
    monkeypatch.setattr("rasax.deployment.polling.WAITS", 0.3)
    rasa.fails("/", fault)
    assert told in text_of(desk.post(ADD, written(rasa), follow=True))
    assert told in text_of(desk.get("/settings/environments/"))


def test_a_wrong_token_is_told_and_not_shown(desk, rasa):
    shown = text_of(desk.post(ADD, written(rasa, token="wr0ng-s3cret"), follow=True))
    assert "It refuses the token" in shown
    assert "wr0ng-s3cret" not in shown


WRONG = {
    "no address": ({"url": "rasa"}, "begins with http"),
    "a password in the address": ({"url": "http://a:b@rasa"}, "use the token"),
    "a name with a slash": ({"name": "a/b"}, "without a slash"),
    "no name": ({"name": ""}, "required"),
    "a token with a line break": ({"token": "a\nb"}, "without spaces"),
    "a tag that is a path": ({"tag": "a/b"}, "letters, digits"),
    "a use that there is not": ({"use": "war"}, "not one of the available choices"),
}


@pytest.mark.parametrize(("changed", "told"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_in_the_form_is_said_there(desk, rasa, changed, told):
    assert told in text_of(desk.post(ADD, written(rasa, **changed)))
    assert not RasaServer.objects.exists()
    assert rasa.asked == []


def test_a_name_is_taken_once(desk, rasa, production):
    assert "already exists" in text_of(desk.post(ADD, written(rasa)))
    assert RasaServer.objects.count() == 1


def test_a_token_is_in_no_page_and_stays_where_nothing_is_written(desk, rasa, production):
    assert "tok3n" not in text_of(desk.get(page(production)))
    desk.post(page(production), written(rasa, name="prod", token=""))
    kept = RasaServer.objects.get()
    assert (kept.name, kept.has_token) == ("prod", True)
    assert kept.is_up
    desk.post(page(production), written(rasa, name="prod", token="", without_token="on"))
    assert not RasaServer.objects.get().has_token


def test_another_address_does_not_get_the_token(desk, rasa, old_rasa, production):
    desk.post(page(production), written(old_rasa, token=""))
    assert not RasaServer.objects.get().has_token
    assert all("token" not in asked.query for asked in old_rasa.asked)


def test_a_connection_is_tried_without_being_kept(desk, rasa, old_rasa, production):
    tried = text_of(desk.post(TRY, written(rasa, name="another"), headers={"HX-Request": "true"}))
    assert "It answers: Rasa 3.6.21" in tried
    assert "<html" not in tried
    # With the token that is kept, at its own address alone.
    kept = {"pk": production.pk, "token": ""}
    assert "It answers" in text_of(desk.post(TRY, written(rasa, **kept)))
    assert "It refuses the token" in text_of(desk.post(TRY, written(old_rasa, **kept)))
    assert all("token" not in asked.query for asked in old_rasa.asked)
    assert RasaServer.objects.get().answered_at is None


def test_a_private_address_is_refused_where_it_is_not_allowed(desk, rasa, settings):
    settings.ALLOW_PRIVATE_ADDRESSES = False
    assert "does not connect to the address" in text_of(desk.post(TRY, written(rasa)))
    assert rasa.asked == []


def test_one_is_tested_from_the_list(desk, rasa, production):
    assert "It answers" in text_of(desk.post(f"{page(production)}test/", follow=True))
    rasa.stop()
    assert "Nothing answers at this address" in text_of(desk.post(f"{page(production)}test/", follow=True))


def test_removing_one_asks_first(desk, production):
    assert "Remove the environment “production”?" in text_of(desk.post(f"{page(production)}remove/"))
    assert RasaServer.objects.exists()
    desk.post(f"{page(production)}remove/", {"confirmed": "1"})
    assert not RasaServer.objects.exists()
    assert AuditEntry.objects.get(action="deleted").object_name == "production"


def test_the_list_says_which_model_it_has_and_which_it_should_have(desk, rasa, production, alice):
    def shown():
        production.saw(look(production))
        return text_of(desk.get("/settings/environments/", headers={"HX-Request": "true"}))

    assert "No model has its tag “production”." in shown()
    content = archive()
    model = keep("first", content=content)
    model.put_tag("production", alice)
    assert "It should have “first”, which has its tag “production”." in shown()
    rasa.load("first.tar.gz", content)
    assert "The one with its tag “production”." in shown()
    keep("old", version="2.8.34").put_tag("production", alice)
    assert "It cannot load “old” of Rasa 2.8.34" in shown()


def test_what_was_not_asked_is_not_known(desk, production):
    assert "It was not asked yet." in text_of(desk.get("/settings/environments/"))


def test_the_page_says_how_it_gets_its_model(desk, production):
    shown = text_of(desk.get(page(production)))
    assert "url: http://testserver/api/projects/default/models/tags/production" in shown
    assert "SERVICE_TOKEN is not set" in shown


def test_the_page_never_shows_the_service_token(desk, production, service):
    shown = text_of(desk.get(page(production)))
    assert "SERVICE_TOKEN is not set" not in shown
    assert service not in shown


def test_those_who_may_only_see_change_nothing(client, bob, production, django_user_model):
    from django.contrib.auth.models import Permission

    bob.user_permissions.add(Permission.objects.get(codename="view_environments"))
    client.force_login(bob)
    shown = text_of(client.get("/settings/environments/"))
    assert "production" in shown
    assert "Test the connection" not in shown
    for path in (page(production), f"{page(production)}test/", f"{page(production)}remove/", ADD, TRY):
        assert client.post(path).status_code == 403


def test_a_change_tells_the_pages(desk, rasa):
    desk.post(ADD, written(rasa))
    assert any("environments" in topics for topics in Notice.objects.values_list("topics", flat=True))
