"""A server loads the model with its tag when somebody says so, from the model server here; what goes wrong is told."""

import pytest
from django.core.exceptions import PermissionDenied

from rasax.accounts.models import AuditEntry, Job
from rasax.deployment.loading import ask_to_load
from rasax.deployment.polling import look
from tests.rasax.deployment.test_registry import keep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def tagged(alice):
    model = keep("20261125-new")
    model.put_tag("production", alice)
    return model


@pytest.fixture
def load_now(desk, production, run_sent):
    """Presses the button, and does what a worker does; the job."""

    def press():
        answer = desk.post(f"/settings/environments/{production.pk}/load/")
        job = run_sent()
        assert answer["Location"] == f"/jobs/{job.pk}/"
        return job

    return press


@pytest.fixture
def reached(live_server, settings, service):
    """rasax at an address that Rasa reaches, with a token that Rasa knows."""
    settings.RASAX_URL = live_server.url
    return settings


def test_the_model_with_its_tag_is_loaded_now(load_now, rasa, production, tagged, reached):
    job = load_now()
    assert (job.state, job.line) == (Job.State.DONE, "production has loaded the model 20261125-new.")
    assert rasa.model == "20261125-new.tar.gz"
    production.refresh_from_db()
    assert tagged.is_loaded_by(production)
    put = next(asked for asked in rasa.asked if (asked.method, asked.path) == ("PUT", "/model"))
    assert put.json()["model_server"]["wait_time_between_pulls"] == 30
    entry = AuditEntry.objects.get(action="started")
    assert (entry.username, entry.detail["server"]) == ("alice", "production")
    assert reached.SERVICE_TOKEN not in str(entry.detail) + job.log + job.line


def test_what_would_cost_a_server_its_model_is_not_asked(load_now, rasa, production, reached, alice):
    assert "No model has the tag" in load_now().line
    keep("old", version="2.8.34").put_tag("production", alice)
    production.saw(look(production))
    assert "cannot load the model" in load_now().line
    keep("new").put_tag("production", alice)
    reached.SERVICE_TOKEN = ""
    assert "SERVICE_TOKEN is not set" in load_now().line
    reached.RASAX_URL = ""
    assert "RASAX_URL is not set" in load_now().line
    assert not [asked for asked in rasa.asked if asked.method == "PUT"]


def test_rasas_own_words_are_told(load_now, rasa, tagged, reached):
    rasa.fails("/model", "error")
    assert "no room on disk" in load_now().line


def test_a_server_that_got_none_is_told_as_such(load_now, tagged, reached):
    reached.RASAX_URL += "/not-here"
    assert "did not load the model" in load_now().line


def test_it_is_for_those_who_may_change_environments(production, bob):
    with pytest.raises(PermissionDenied):
        ask_to_load(production, bob)
