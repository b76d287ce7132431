import pytest
from celery.exceptions import WorkerTerminate
from celery.worker import state

from events import configured, worker
from events.service import EventServiceFailed
from events.worker import EventServiceStep


@pytest.fixture(autouse=True)
def lasting_worker(monkeypatch):
    monkeypatch.setattr(state, "should_terminate", None)


class Service:
    def __init__(self, error=None):
        self.error = error

    def run(self):
        if self.error:
            raise self.error


def step():
    return EventServiceStep(parent=object())


def test_a_worker_ends_when_its_event_service_fails():
    step()._run(Service(EventServiceFailed("Could not store events for 60 s")))
    assert state.should_terminate == worker.EXIT_FAILURE


def test_a_worker_lives_on_when_its_event_service_was_told_to_stop():
    step()._run(Service())
    assert state.should_terminate is None


def test_a_worker_without_a_usable_broker_does_not_start(settings):
    settings.EVENT_BROKER_URL = "carrier-pigeon"
    with pytest.raises(WorkerTerminate):
        step().start(parent=object())


def test_a_worker_beside_event_services_of_their_own_takes_no_events(settings):
    assert step().include_if(object())
    settings.EVENT_SERVICE_IN_WORKER = False
    assert not step().include_if(object())


def test_the_broker_comes_from_the_url_or_from_rasa_s_endpoints(settings, tmp_path):
    settings.EVENT_BROKER_URL = f"file://{tmp_path}/a.log"
    assert str(configured.event_broker().path) == f"{tmp_path}/a.log"
    endpoints = tmp_path / "endpoints.yml"
    endpoints.write_text(f"event_broker:\n  type: file\n  path: {tmp_path}/b.log\n")
    settings.EVENT_BROKER_URL, settings.RASA_ENDPOINTS = "", str(endpoints)
    assert str(configured.event_broker().path) == f"{tmp_path}/b.log"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tracker_store:\n  type: SQL\n", "no event_broker section"),
        ("event_broker: [\n", "endpoints.yml"),
        (None, "endpoints.yml"),
    ],
)
def test_endpoints_without_a_broker_are_refused_with_one_line(settings, tmp_path, text, says):
    if text:
        (tmp_path / "endpoints.yml").write_text(text)
    settings.EVENT_BROKER_URL, settings.RASA_ENDPOINTS = "", str(tmp_path / "endpoints.yml")
    with pytest.raises(configured.BrokerMisconfigured, match=says) as refused:
        configured.event_broker()
    assert "\n" not in str(refused.value)
