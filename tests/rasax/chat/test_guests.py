"""Guest links: who gets in, for how long, and what a guest may see."""

import threading
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from events.models import Facet
from rasax.accounts.models import AuditEntry
from rasax.chat import talking
from rasax.chat.models import Chat, GuestLink
from tests.deployment import Deployment
from tests.web import Web

SCRIPT = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def unhurried():
    cache.clear()


@pytest.fixture
def link(server, alice):
    return GuestLink.objects.share(alice, name="Try Ada", description="Ask about <b>pizza</b>", server=server)


def begin(link, guest=None):
    guest = guest or Client()
    return guest, guest.post(f"/guest/{link.secret}/begin/")


@pytest.mark.django_db
def test_a_guest_talks_without_an_account_and_is_marked_as_one(link, arrive):
    guest = Client()
    page = guest.get(f"/guest/{link.secret}/").content.decode()
    assert "Ask about &lt;b&gt;pizza" in page
    assert GuestLink.objects.get().n_uses == 0
    begin(link, guest)
    assert guest.post(f"/guest/{link.secret}/say/", {"text": "hello"}, headers=SCRIPT).status_code == 204
    assert "Hey!" not in guest.get(f"/guest/{link.secret}/").content.decode()
    arrive()
    response = guest.get(f"/guest/{link.secret}/", {"after": 0}, headers=SCRIPT)
    assert "Hey! How are you?" in response.content.decode()
    assert "greet" not in response.content.decode()  # what was understood is the team's business
    assert Chat.objects.get().sender_id.startswith("guest-")
    assert Facet.objects.of(Facet.Kind.CHANNEL).get().value == "guest"
    guest.post(f"/guest/{link.secret}/say/", {"text": "/affirm"}, headers=SCRIPT)
    arrive()
    assert ">great</p>" in guest.get(f"/guest/{link.secret}/").content.decode()  # the button's words


@pytest.mark.django_db
def test_a_guest_sees_their_own_conversation_only(link, arrive, bob):
    ann, _ = begin(link)
    ben, _ = begin(link)
    ann.post(f"/guest/{link.secret}/say/", {"text": "my secret"}, headers=SCRIPT)
    arrive()
    assert "my secret" in ann.get(f"/guest/{link.secret}/").content.decode()
    assert "my secret" not in ben.get(f"/guest/{link.secret}/").content.decode()
    name = f"guest-{link.pk}"
    chat = Chat.objects.order_by("pk").first()
    own = ben.cookies[name].value.partition(":")[2]
    for forged in (f"{chat.pk}:{own}", f"{chat.pk}:", f"{chat.pk}", "x:y", ""):
        ben.cookies[name] = forged
        assert "my secret" not in ben.get(f"/guest/{link.secret}/").content.decode()
    for address in ("/chat/", f"/chat/{chat.pk}/", "/conversations/", f"/conversations/{chat.conversation_id}/"):
        assert ann.get(address).status_code == 302
    bob_pages = Client()
    bob_pages.force_login(bob)
    assert bob_pages.get(f"/chat/{chat.pk}/").status_code == 404


@pytest.mark.django_db
def test_guests_of_a_rasa_that_hangs_hold_no_more_than_their_turns(link, alice, monkeypatch):
    monkeypatch.setattr(talking, "TURN", 0.01)
    guest, _ = begin(link)
    with ExitStack() as held:
        for _ in range(talking.GUESTS_AT_ONCE):
            held.enter_context(talking.turns)
        answer = guest.post(f"/guest/{link.secret}/say/", {"text": "hello"}, headers=SCRIPT)
        assert answer.status_code == 502
        assert "does not answer right now" in answer.content.decode()
        talking.send(Chat.objects.begin(link.server, alice), "hello")  # the team goes on
    assert guest.post(f"/guest/{link.secret}/say/", {"text": "hello"}, headers=SCRIPT).status_code == 204


@pytest.mark.django_db
def test_after_revocation_or_expiry_nobody_gets_in_and_who_was_in_is_out(link, alice):
    guest, _ = begin(link)
    secret = link.secret
    GuestLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert begin(link)[1].status_code == 410
    GuestLink.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    assert guest.get(f"/guest/{secret}/").status_code == 200
    link.revoke(alice)
    for answer in (
        guest.get(f"/guest/{secret}/"),
        guest.post(f"/guest/{secret}/begin/"),
        guest.post(f"/guest/{secret}/say/", {"text": "hello"}, headers=SCRIPT),
        Client().get("/guest/nobody-knows-this/"),
    ):
        assert answer.status_code == 410
    assert GuestLink.objects.get().n_uses == 1
    assert secret not in str(list(AuditEntry.objects.values()))
    assert secret not in str(list(GuestLink.objects.values()))


@pytest.mark.django_db
def test_a_link_that_is_used_up_lets_those_go_on_who_are_in(link):
    GuestLink.objects.update(limit=1)
    guest, answer = begin(link)
    assert answer.status_code == 302
    assert begin(link)[1].status_code == 410
    assert "used as often as it may be" in Client().get(f"/guest/{link.secret}/").content.decode()
    assert guest.post(f"/guest/{link.secret}/say/", {"text": "hello"}, headers=SCRIPT).status_code == 204
    begin(link, guest)  # once more by the same browser: it is the same conversation
    assert Chat.objects.count() == 1


@pytest.mark.django_db
def test_too_many_at_once_are_asked_to_wait(link, settings):
    settings.GUEST_REQUESTS_PER_MINUTE = {"link": 4, "address": 100}
    guest, _ = begin(link)
    answers = [guest.post(f"/guest/{link.secret}/say/", {"text": "hi"}, headers=SCRIPT) for _ in range(4)]
    assert [answer.status_code for answer in answers].count(429) in {1, 4}  # a minute may end in between
    assert answers[-1]["Retry-After"] == "60"
    cache.clear()
    settings.GUEST_REQUESTS_PER_MINUTE = {"link": 100, "address": 0}
    assert begin(link)[1].status_code == 429


@pytest.mark.django_db
def test_a_guest_hears_nothing_of_the_teams_troubles(link, rasa):
    guest, _ = begin(link)
    rasa.stop()
    answer = guest.post(f"/guest/{link.secret}/say/", {"text": "hello"}, headers=SCRIPT)
    assert answer.status_code == 502
    assert "does not answer right now" in answer.content.decode()
    assert "credentials" not in answer.content.decode()


@pytest.mark.django_db
def test_who_may_share_makes_and_revokes_links(client, server, alice, bob, carol):
    client.force_login(carol)
    assert client.get("/chat/guests/").status_code == 403
    client.force_login(bob)
    fields = {"name": "Try Ada", "server": server.pk, "limit": "3", "expires_at": "2000-01-01T10:00"}
    assert "This time has passed" in client.post("/chat/guests/", fields).content.decode()
    assert client.post("/chat/guests/", {**fields, "expires_at": ""}).status_code == 302
    link = GuestLink.objects.get()
    assert f"/guest/{link.secret}/" in client.get("/chat/guests/").content.decode()
    client.post(f"/chat/guests/{link.pk}/revoke/")
    page = client.get("/chat/guests/").content.decode()
    assert link.secret not in page
    assert "revoked" in page


ONE_LINK = """
from rasax.chat.models import GuestLink
from rasax.deployment.models import RasaServer
server = RasaServer.objects.create(name="r", url="http://127.0.0.1:1")
print(GuestLink.objects.share(None, name="once", server=server, limit=1).secret)
"""
COUNT = "from rasax.chat.models import Chat, GuestLink; print(Chat.objects.count(), GuestLink.objects.get().n_uses)"


def knock(url, statuses):
    try:
        csrf = "t" * 32
        request = urllib.request.Request(
            f"{url}begin/", f"csrfmiddlewaretoken={csrf}".encode(), {"Cookie": f"csrftoken={csrf}"}, method="POST"
        )
        opener = urllib.request.build_opener(NoRedirect)
        with opener.open(request, timeout=60) as answer:
            statuses.append(answer.status)
    except urllib.error.HTTPError as error:
        statuses.append(error.code)
        error.close()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_of_fifty_at_once_one_gets_in(database, tmp_path, request):
    """Real requests to a web process, whose threads have their own connections."""
    if database == "postgresql":
        url = request.getfixturevalue("postgres").create_database(f"guests{time.time_ns()}")
    else:
        url = f"sqlite:///{tmp_path / 'site.sqlite3'}"
    with Deployment(url) as deployment, Web(deployment) as web:
        secret = deployment.manage("shell", "-c", ONE_LINK).stdout.strip().splitlines()[-1]
        statuses = []
        address = f"{web.url}/guest/{secret}/"
        threads = [threading.Thread(target=knock, args=(address, statuses)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert deployment.manage("shell", "-c", COUNT).stdout.split()[-2:] == ["1", "1"]
    assert (statuses.count(302), len(statuses)) == (1, 50)
    assert set(statuses) <= {302, 410, 429}
