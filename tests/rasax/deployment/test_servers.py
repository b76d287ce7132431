"""Rasa servers: kept with their token encrypted, asked by workers, and what is known of them."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.checks import ERROR
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from rasax.accounts.models import AuditEntry
from rasax.accounts.sweeping import CHORES
from rasax.deployment import checks
from rasax.deployment.errors import RasaError, Reason
from rasax.deployment.models import RasaServer
from rasax.deployment.polling import poll_servers

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def server(rasa, alice):
    return RasaServer.objects.add(alice, name="production", url=rasa.url, token="tok3n", use="production")


def polled(server):
    RasaServer.objects.update(look_after=timezone.now())
    poll_servers()
    server.refresh_from_db()
    return server


def test_the_token_is_kept_encrypted_and_not_in_the_audit_log(server):
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed_token FROM deployment_rasaserver")
        [(kept,)] = cursor.fetchall()
    assert kept
    assert "tok3n" not in kept
    assert "tok3n" not in str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.get(action="added").object_name == "production"


def test_a_key_is_changed_by_putting_a_new_one_first(server, settings):
    old = settings.ENCRYPTION_KEYS[0]
    settings.ENCRYPTION_KEYS = ["another-key-that-only-the-tests-know-0123", old]
    assert polled(server).is_up
    call_command("encrypt_anew", stdout=io.StringIO())
    settings.ENCRYPTION_KEYS = ["another-key-that-only-the-tests-know-0123"]
    assert polled(server).is_up


def test_a_token_whose_key_is_gone_is_told(server, settings):
    settings.ENCRYPTION_KEYS = ["another-key-that-only-the-tests-know-0123"]
    assert polled(server).reason == Reason.SEALED
    assert "ENCRYPTION_KEYS" in server.problem
    with pytest.raises(RasaError):
        server.rasa()
    with pytest.raises(CommandError, match="production"):
        call_command("encrypt_anew")


def test_without_keys_it_is_found_outside_debugging(settings):
    settings.ENCRYPTION_KEYS = []
    [found] = checks.check_encryption_keys()
    assert (found.id, found.level) == ("deployment.E001", ERROR)
    assert found.hint
    settings.DEBUG = True
    assert list(checks.check_encryption_keys()) == []


def test_a_short_key_is_found(settings):
    settings.ENCRYPTION_KEYS = ["a-key-that-only-the-tests-know-0123456789", "short"]
    assert [found.id for found in checks.check_encryption_keys()] == ["deployment.E002"]


def test_a_worker_asks_each_server_how_it_is(server, rasa):
    assert poll_servers in CHORES
    assert not server.is_up
    rasa.jobs = 1
    polled(server)
    assert server.is_up
    assert (server.version, server.minimum_compatible_version) == ("3.6.21", "3.6.21")
    assert (server.model_file, server.model_id) == (rasa.model, rasa.model_id)
    assert server.n_training_jobs == 1
    assert server.problem == ""


def test_one_of_2_8_is_asked_too(old_rasa, alice):
    server = RasaServer.objects.add(alice, name="old", url=old_rasa.url, token="tok3n")
    assert polled(server).version == "2.8.34"
    assert (server.model_file, server.model_id) == ("20261122-lab.tar.gz", "")


def test_one_without_a_model_is_up(server, rasa):
    rasa.model = None
    assert polled(server).is_up
    assert server.model_file == ""


def test_of_one_that_is_down_it_is_known_since_when_and_what_it_was(server, rasa):
    polled(server)
    rasa.stop()
    polled(server)
    since = server.failing_since
    assert (server.is_up, server.reason, server.version) == (False, Reason.UNREACHABLE, "3.6.21")
    assert server.answered_at < since
    assert polled(server).failing_since == since
    rasa.start()
    assert polled(server).is_up
    assert server.failing_since is None


def test_its_own_words_are_kept(server, rasa):
    rasa.fails("/status", "error")
    assert "no room on disk" in polled(server).problem


def test_one_that_hangs_does_not_keep_the_others_waiting(server, rasa, old_rasa, alice, monkeypatch):
    monkeypatch.setattr("rasax.deployment.polling.WAITS", 0.5)
    rasa.fails("/", "slow")
    others = [
        RasaServer.objects.add(alice, name=f"old {number}", url=old_rasa.url, token="tok3n") for number in range(5)
    ]
    began = timezone.now()
    polled(server)
    assert (timezone.now() - began).total_seconds() < 2
    assert server.reason == Reason.SLOW
    assert all(RasaServer.objects.get(pk=other.pk).is_up for other in others)


def test_a_server_is_asked_by_one_worker_at_a_time(server, rasa):
    poll_servers()
    poll_servers()
    assert [asked.path for asked in rasa.asked] == ["/version", "/status"]


def test_what_was_not_looked_at_lately_is_not_known(server):
    polled(server)
    RasaServer.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
    server.refresh_from_db()
    assert server.is_stale
    assert not server.is_up


def test_another_address_forgets_what_was_known_and_the_token(server, rasa, alice):
    """Or whoever may change an address would have the token sent to a server of their own."""
    polled(server)
    server.change(alice, url="http://elsewhere.example.com")
    server.refresh_from_db()
    assert (server.version, server.answered_at, server.has_token) == ("", None, False)


def test_the_token_stays_where_the_address_does(server, alice):
    server.change(alice, name="prod", use="development")
    assert polled(server).is_up
    assert AuditEntry.objects.get(action="changed").detail["fields"] == ["name", "use"]
    server.change(alice, token="another")
    assert polled(server).reason == Reason.TOKEN


def test_an_answer_about_another_address_is_not_kept(server, rasa, alice):
    """Somebody changed the address while the worker asked."""
    asked = RasaServer.objects.get()
    server.change(alice, url="http://elsewhere.example.com")
    from rasax.deployment.polling import look

    asked.saw(look(asked))
    server.refresh_from_db()
    assert server.version == ""


def test_a_change_is_announced_and_sameness_is_not(server, django_capture_on_commit_callbacks):
    from events.models import Notice

    def notices():
        return Notice.objects.filter(topics__icontains="environments").count()

    polled(server)
    told = notices()
    assert told
    polled(server)
    assert notices() == told


def test_the_worker_is_the_first_that_answers(server, rasa, alice):
    assert RasaServer.objects.worker() is None
    RasaServer.objects.add(alice, name="a", url="http://127.0.0.1:9", use="worker")
    second = RasaServer.objects.add(alice, name="b", url=rasa.url, token="tok3n", use="worker")
    polled(server)
    assert RasaServer.objects.worker() == second


def test_removing_one_is_audited(server, alice):
    server.remove(alice)
    assert not RasaServer.objects.exists()
    assert AuditEntry.objects.get(action="deleted").object_name == "production"


def test_many_clients_do_not_disturb_each_other(server):
    """Each thread has its own."""
    found = []

    def ask():
        with server.rasa() as rasa:
            found.extend(rasa.version().version for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["3.6.21"] * 40
