"""Training at a worker server: asked once, answered to a secret address once, and whatever goes wrong is told."""

import threading
import urllib.error
import urllib.request
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from rasax.accounts.models import AuditEntry, Job
from rasax.accounts.sweeping import CHORES
from rasax.deployment import plain_yaml, received, training, worker_tasks
from rasax.deployment.models import Model, RasaServer, WorkerTask
from rasax.deployment.worker_tasks import look_after_worker_tasks
from tests.rasax.deployment.conftest import PROJECT
from tests.servers import rasa_models

pytestmark = pytest.mark.django_db(transaction=True)
State = Job.State


def only_on_postgresql():
    """The live server's threads share one connection to SQLite in memory, and with it one transaction."""
    if connection.vendor != "postgresql":
        pytest.skip("runs with TEST_DATABASE=postgresql, as make test does, too")


@pytest.fixture
def site(live_server, settings):
    """rasax, at an address that the stand-in reaches."""
    settings.RASAX_URL = live_server.url
    return live_server


@pytest.fixture
def train(site, rasa, worker, project, alice):
    rasa.training_takes = 0.3  # the worker has let go of the job before Rasa answers

    def ask(**arguments):
        return WorkerTask.objects.ask(training.TRAIN, alice, **{"source": project, **arguments}).job

    return ask


def post(address, body=b"", kind="application/x-tar"):
    request = urllib.request.Request(address, body, {"Content-Type": kind}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def address_of(rasa):
    return [asked for asked in rasa.asked if asked.path == "/model/train"][-1].query["callback_url"]


def test_a_model_is_trained_called_back_and_filed(train, rasa, run_sent, alice):
    train(force=True)
    job = run_sent()
    assert (job.state, job.lease_until) == (State.WAITING, None) or job.state == State.DONE
    rasa.wait()
    job.refresh_from_db()
    assert (job.state, job.message) == (State.DONE, "")
    [model] = Model.objects.all()
    assert model.name in job.line
    assert (model.by, model.size) == (alice, job.done)
    assert rasa_models.id_of(model.file.read())
    asked = next(asked for asked in rasa.asked if asked.path == "/model/train")
    assert asked.query["force_training"] == "true"
    assert plain_yaml.read(asked.body.decode())["intents"] == ["greet", "goodbye"]
    assert [line.split(" ", 2)[2].split(" ")[0] for line in job.log.splitlines()] == [
        "Joined", "Handed", "Rasa", "Filed",
    ]  # fmt: skip
    assert AuditEntry.objects.filter(action="started", user=alice).exists()


def test_the_secret_is_kept_as_its_hash(train, rasa, run_sent):
    rasa.training = "never"
    train()
    job = run_sent()
    secret = address_of(rasa).rpartition("/")[2]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM deployment_workertask")
        assert secret not in str(cursor.fetchall())
    assert secret not in str(Job.objects.values())
    assert str(job.pk) in address_of(rasa)


def test_what_rasa_says_of_a_failure_is_told_as_it_said_it(train, rasa, run_sent):
    rasa.training = "error"
    train()
    run_sent()
    rasa.wait()
    job = Job.objects.get()
    assert job.state == State.FAILED
    assert "Ran training, but it finished without a trained model." in job.line
    assert not Model.objects.exists()


@pytest.mark.parametrize("fault", ["error", "html", "garbage", "redirect", "cut"])
def test_a_rasa_that_does_not_take_it_fails_the_job(train, rasa, run_sent, fault):
    rasa.fails("/model/train", fault)
    train()
    job = run_sent()
    assert job.state in {State.FAILED, State.WAITING}  # a page of 200 is taken for a yes; nothing comes then
    if fault != "html":
        assert job.state == State.FAILED
        assert job.line


def test_a_faulty_project_is_told_with_its_place(train, rasa, run_sent, alice):
    from rasax.deployment.models import UploadedProject
    from tests.rasax.deployment.conftest import zipped

    upload = UploadedProject.objects.keep("bad.zip", zipped(PROJECT | {"data/nlu.yml": "nlu:\n- a: ["}), alice)
    train(source=f"upload:{upload.pk}")
    job = run_sent()
    assert job.state == State.FAILED
    assert "data/nlu.yml:2" in job.line
    assert "expected the node content" in job.line
    assert not any(asked.path == "/model/train" for asked in rasa.asked)


def test_a_model_that_comes_twice_is_filed_once(train, rasa, run_sent):
    rasa.training = "twice"
    train()
    run_sent()
    rasa.wait()
    assert [status for _, status in rasa.called_back] == [204, 410]
    assert Model.objects.count() == 1


def test_of_many_who_know_the_secret_one_is_heard(train, rasa, run_sent):
    only_on_postgresql()
    rasa.training = "never"
    train()
    run_sent()
    address, archive, found = address_of(rasa), rasa_models.archive(), []
    threads = [threading.Thread(target=lambda: found.append(post(address, archive))) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(found) == [204] + [410] * 11
    assert Model.objects.count() == 1


def test_a_wrong_an_old_and_a_used_secret_change_nothing(train, rasa, run_sent):
    rasa.training = "never"
    train()
    job, archive = run_sent(), rasa_models.archive()
    address = address_of(rasa)
    assert post(address[:-1] + ("A" if address[-1] != "A" else "B"), archive) == 404
    assert post(address.replace(str(job.pk), "0" * 8 + str(job.pk)[8:]), archive) == 404
    assert post(address.rpartition("/")[0] + "/", archive) == 404
    WorkerTask.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert post(address, archive) == 410
    assert (Model.objects.count(), Job.objects.get().state) == (0, State.WAITING)
    WorkerTask.objects.update(expires_at=timezone.now() + timedelta(hours=1))
    assert [post(address, archive) for _ in range(2)] == [204, 410]


def test_a_secret_is_claimed_once(train, rasa, run_sent):
    rasa.training = "never"
    train()
    job, found = run_sent(), []
    secret = address_of(rasa).rpartition("/")[2]

    def claim():
        found.append(WorkerTask.objects.claim(job.pk, secret) is not None)
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(found) == [False] * 7 + [True]


def test_the_secret_of_one_job_does_not_open_another(train, rasa, run_sent):
    rasa.training = "never"
    first = train()
    run_sent()
    secret = address_of(rasa).rpartition("/")[2]
    Job.objects.get(pk=first.pk).cancel()
    look_after_worker_tasks()
    second = train()
    run_sent()
    assert post(address_of(rasa).replace(address_of(rasa).rpartition("/")[2], secret), b"x") == 404
    assert Job.objects.get(pk=second.pk).state == State.WAITING


@pytest.mark.parametrize("body", [b"hello" * 100, b"PK\x03\x04" + bytes(100)])
def test_what_is_no_model_is_not_filed(train, rasa, run_sent, body):
    rasa.training = "never"
    train()
    run_sent()
    assert post(address_of(rasa), body) == 422
    job = Job.objects.get()
    assert (job.state, Model.objects.count()) == (State.FAILED, 0)
    assert job.message


def test_a_model_that_is_too_large_or_broken_off_is_not_filed(train, rasa, run_sent, settings):
    rasa.training = "never"
    settings.MODEL_SIZE_LIMIT = 1000
    train()
    run_sent()
    assert post(address_of(rasa), b"\x1f\x8b" + bytes(2000)) == 422
    assert Job.objects.get().message == received.TOO_LARGE
    look_after_worker_tasks()
    train()
    run_sent()
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(address_of(rasa))
    cut = http.client.HTTPConnection(parts.hostname, parts.port, timeout=5)
    cut.putrequest("POST", parts.path)
    cut.putheader("Content-Length", "900")
    cut.endheaders(b"\x1f\x8b" + bytes(100))
    cut.close()
    deadline = timezone.now() + timedelta(seconds=10)
    while Job.objects.filter(state__in=["waiting", "running"]).exists() and timezone.now() < deadline:
        threading.Event().wait(0.05)
    assert Job.objects.order_by("queued_at").last().message == worker_tasks.BROKE_OFF
    assert not Model.objects.exists()


def test_a_cancelled_training_takes_no_model(train, rasa, run_sent):
    rasa.training = "never"
    train()
    assert run_sent().cancel()
    assert post(address_of(rasa), rasa_models.archive()) == 410
    assert (Job.objects.get().state, Model.objects.count()) == (State.CANCELLED, 0)


def test_two_trainings_queue_up(train, rasa, run_sent, sent):
    rasa.training = "never"
    first, second = train(), train()
    assert sent == [first.pk]
    run_sent()
    look_after_worker_tasks()
    assert sent == []
    assert "worker is busy" in Job.objects.get(pk=second.pk).line
    assert post(address_of(rasa), rasa_models.archive()) == 204
    assert sent == [second.pk]
    run_sent()
    assert post(address_of(rasa), rasa_models.archive()) == 204
    assert Model.objects.count() == 2


def test_of_many_who_ask_at_once_one_has_its_turn(train, worker, sent):
    only_on_postgresql()
    threads = [threading.Thread(target=lambda: (train(), connection.close())) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert WorkerTask.objects.filter(has_turn=True).count() == len(sent) == 1
    assert WorkerTask.objects.count() == 6


def test_a_server_that_trains_for_somebody_else_is_waited_for(train, worker, sent):
    RasaServer.objects.update(n_training_jobs=1)
    job = train()
    look_after_worker_tasks()
    assert sent == []
    RasaServer.objects.update(n_training_jobs=0)
    look_after_worker_tasks()
    assert sent == [job.pk]


def after(**past):
    """When the server was last asked, it said this."""
    RasaServer.objects.update(**past)
    look_after_worker_tasks()
    return Job.objects.get()


def test_a_rasa_that_forgot_is_noticed(train, rasa, run_sent):
    assert look_after_worker_tasks in CHORES
    rasa.training = "never"
    train()
    run_sent()
    now = timezone.now()
    assert after(answered_at=now + timedelta(seconds=1), n_training_jobs=1).state == State.WAITING
    assert after(answered_at=now + timedelta(seconds=2), n_training_jobs=0).state == State.WAITING
    WorkerTask.objects.update(idle_since=now - timedelta(minutes=2))
    job = after(answered_at=now + timedelta(seconds=3), n_training_jobs=0)
    assert (job.state, job.message) == (State.FAILED, worker_tasks.FORGOTTEN)
    assert post(address_of(rasa), rasa_models.archive()) == 410


def test_a_rasa_that_died_is_noticed(train, rasa, run_sent):
    rasa.training = "never"
    train()
    run_sent()
    now = timezone.now()
    assert after(reason="unreachable", failing_since=now).state == State.WAITING
    job = after(reason="unreachable", failing_since=now - timedelta(minutes=3))
    assert (job.state, job.message) == (State.FAILED, worker_tasks.DOWN)


def test_a_training_times_out(train, rasa, run_sent, settings):
    rasa.training = "never"
    settings.TRAINING_TIMEOUT = 0
    train()
    run_sent()
    look_after_worker_tasks()
    assert (Job.objects.get().state, Job.objects.get().message) == (State.FAILED, worker_tasks.TOO_LONG)


def test_a_server_that_is_removed_ends_what_it_was_at(train, rasa, run_sent, worker, alice):
    rasa.training = "never"
    train()
    run_sent()
    worker.remove(alice)
    look_after_worker_tasks()
    assert Job.objects.get().message == worker_tasks.GONE


def lost(job):
    Job.objects.filter(pk=job.pk).update(state=State.RUNNING, lease_until=timezone.now() - timedelta(seconds=1))
    Job.objects.sweep()


def test_a_worker_that_died_before_posting_begins_again(train, rasa, run_sent):
    job = train()
    lost(job)
    run_sent()
    rasa.wait()
    assert Job.objects.get().state == State.DONE


def test_a_worker_that_died_after_posting_does_not_post_twice(train, rasa, run_sent):
    rasa.training = "never"
    train()
    job = run_sent()
    rasa.wait()
    WorkerTask.objects.update(posted_at=None)
    rasa.jobs = 1
    lost(job)
    assert run_sent().state == State.WAITING
    assert [asked.path for asked in rasa.asked].count("/model/train") == 1
    assert post(address_of(rasa), rasa_models.archive()) == 204


def test_a_web_process_that_died_over_the_model_is_noticed(train, rasa, run_sent):
    rasa.training = "never"
    train()
    job = run_sent()
    WorkerTask.objects.update(heard_at=timezone.now())
    lost(job)
    assert run_sent().message == worker_tasks.BROKE_OFF


def test_without_an_address_of_ours_nothing_is_posted(train, rasa, run_sent, settings):
    settings.RASAX_URL = ""
    train()
    assert run_sent().message == worker_tasks.NO_ADDRESS


def test_without_a_worker_nothing_is_asked(db, alice):
    with pytest.raises(worker_tasks.NoWorker):
        WorkerTask.objects.ask(training.TRAIN, alice, source="folder")
    assert not Job.objects.exists()


def test_only_who_may_change_models_trains(worker, project, bob, carol):
    for person in (bob, carol):
        with pytest.raises(PermissionDenied):
            WorkerTask.objects.ask(training.TRAIN, person, source=project)


def test_who_lost_the_right_meanwhile_gets_no_model(train, rasa, run_sent, alice):
    rasa.training = "never"
    train()
    run_sent()
    alice.groups.clear()
    assert post(address_of(rasa), rasa_models.archive()) == 422
    assert not Model.objects.exists()
