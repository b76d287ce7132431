"""Jobs: run once, whatever becomes of their messages and their workers."""

import threading
import time
import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.utils import timezone

from events.models import Notice
from rasax.accounts import jobs, leases, sweeping
from rasax.accounts.models import Job, JobFile, User

State = Job.State


@pytest.fixture
def sent(monkeypatch):
    """The jobs that workers were told of."""
    pks = []
    monkeypatch.setattr(jobs, "send", pks.append)
    return pks


@pytest.fixture
def kind(monkeypatch):
    """Registers a kind of job that does what a test says."""
    monkeypatch.setattr(jobs, "KINDS", dict(jobs.KINDS))

    def register(run, **options):
        jobs.runs("test", **options)(run)
        return "test"

    return register


def past():
    return timezone.now() - timedelta(seconds=1)


def test_a_job_is_sent_when_its_row_is_committed_and_runs_once(kind, sent, bob, django_capture_on_commit_callbacks):
    ran = []
    with django_capture_on_commit_callbacks() as callbacks:
        job = Job.objects.ask(kind(lambda job: ran.append(job.arguments)), bob, number=7)
    assert sent == []
    callbacks[0]()
    assert sent == [job.pk]
    for _ in range(2):
        Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (ran, job.state, job.attempts, job.lease_until) == ([{"number": 7}], State.DONE, 1, None)
    assert job.ended_at >= job.started_at >= job.queued_at
    assert [f"job:{job.pk}"] in list(Notice.objects.values_list("topics", flat=True))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_want_to_run_a_job_one_does(kind, sent, bob):
    ran = []
    job = Job.objects.ask(kind(lambda job: ran.append(job.pk)), bob)

    def run():
        Job.objects.run(job.pk)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert ran == [job.pk]


def test_what_lost_its_worker_is_queued_again_three_times_then_given_up(kind, sent, bob):
    def lose(job):
        raise OperationalError("the server closed the connection")

    job = Job.objects.ask(kind(lose), bob)
    for attempt in (1, 2, 3):
        Job.objects.run(job.pk)
        Job.objects.sweep()
        assert len(sent) == attempt - 1, "its lease is running"
        Job.objects.filter(pk=job.pk).update(lease_until=past())
        Job.objects.sweep()
        assert len(sent) == min(attempt, 2)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.message) == (State.FAILED, 3, jobs.LOST)


def test_what_waited_too_long_is_sent_again_now_and_then(kind, sent, bob):
    job = Job.objects.ask(kind(lambda job: None), bob)
    Job.objects.sweep()
    assert sent == []
    Job.objects.filter(pk=job.pk).update(lease_until=past())
    Job.objects.sweep()
    Job.objects.sweep()
    assert sent == [job.pk]


def test_a_job_tells_how_far_it_is_and_stops_when_it_is_cancelled(kind, sent, bob, monkeypatch):
    monkeypatch.setattr(jobs, "SAVE_EVERY", 0)
    seen = []

    def count(job):
        for number in range(1, 10):
            job.step(number, 9)
            row = Job.objects.get(pk=job.pk)
            seen.append((row.done, row.total, row.lease_until > timezone.now()))
            if number == 3:
                assert row.cancel()
        raise AssertionError("it went on")

    job = Job.objects.ask(kind(count), bob, at_once=True)
    assert seen == [(1, 9, True), (2, 9, True), (3, 9, True)]
    assert (job.state, job.done, job.attempts) == (State.CANCELLED, 3, 1)
    assert not job.cancel()
    waiting = Job.objects.ask("test", bob)
    assert waiting.cancel()
    Job.objects.run(waiting.pk)
    assert Job.objects.get(pk=waiting.pk).state == State.CANCELLED


def test_who_lost_the_lease_writes_nothing_more(kind, sent, bob):
    def be_slow(job):
        Job.objects.filter(pk=job.pk).update(attempts=2)
        job.step(5, 5, changed=5)

    job = Job.objects.ask(kind(be_slow), bob, at_once=True)
    assert (job.state, job.done, job.result) == (State.RUNNING, 0, {})


def test_progress_is_saved_a_few_times_a_second_and_results_always(kind, bob, django_assert_max_num_queries):
    def count(job):
        with django_assert_max_num_queries(10):
            for number in range(1000):
                job.step(number, 1000)
        job.step(1000, changed=3)

    job = Job.objects.ask(kind(count), bob, at_once=True)
    assert (job.state, job.done, job.total, job.result) == (State.DONE, 1000, 1000, {"changed": 3})


def test_an_error_is_told_and_kept_and_ends_only_its_job(kind, bob):
    def fail(job):
        raise ZeroDivisionError("by nothing")

    job = Job.objects.ask(kind(fail), bob, at_once=True)
    assert (job.state, job.message) == (State.FAILED, jobs.BROKEN)
    assert "ZeroDivisionError: by nothing" in job.log

    def refuse(job):
        raise jobs.Failed("There is no such tag. Choose another.")

    job = Job.objects.ask(kind(refuse), bob, at_once=True)
    assert (job.state, job.line, job.log) == (State.FAILED, "There is no such tag. Choose another.", "")


def test_what_a_person_may_is_asked_when_it_is_queued_and_when_it_runs(kind, sent, bob, carol):
    name = kind(lambda job: None, needs="events.view_conversation")
    with pytest.raises(PermissionDenied):
        Job.objects.ask(name, carol)
    job = Job.objects.ask(name, bob)
    bob.groups.clear()
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == (State.FAILED, jobs.NOT_ALLOWED)
    gone = Job.objects.ask(kind(lambda job: None), bob)
    User.objects.filter(pk=bob.pk).delete()
    Job.objects.run(gone.pk)
    assert Job.objects.get(pk=gone.pk).state == State.FAILED


def test_old_jobs_go_with_their_files(kind, bob):
    job = Job.objects.ask(kind(lambda job: JobFile.objects.create(job=job, number=0, content=b"x")), bob, at_once=True)
    Job.objects.sweep()
    assert JobFile.objects.exists()
    Job.objects.filter(pk=job.pk).update(ended_at=timezone.now() - jobs.KEPT - timedelta(minutes=1))
    Job.objects.sweep()
    assert not Job.objects.exists()
    assert not JobFile.objects.exists()


def test_a_broker_that_does_not_answer_loses_no_job(kind, bob, monkeypatch):
    from rasax.accounts.tasks import run_job

    def refuse(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr(run_job, "apply_async", refuse)
    jobs.send(uuid.uuid4())


def test_a_chore_that_fails_does_not_keep_the_others_from_theirs(monkeypatch, db):
    done = []

    def fail():
        raise ZeroDivisionError

    monkeypatch.setattr(sweeping, "CHORES", [fail, lambda: done.append(1)])
    sweeping.do_chores()
    assert done == [1]


class TestPages:
    @pytest.fixture
    def job(self, kind, sent, bob):
        return Job.objects.ask(kind(lambda job: None, says=lambda job: f"Counted {job.done}"), bob)

    def test_a_job_is_its_owners_and_the_auditors(self, client, job, alice, bob, carol):
        address = f"/jobs/{job.pk}/"
        for person, code in ((bob, 200), (alice, 200), (carol, 404)):
            client.force_login(person)
            assert client.get(address).status_code == code
            assert client.get(f"{address}file").status_code == 404
        assert client.post(f"{address}cancel/").status_code == 404
        assert client.get(f"/jobs/{uuid.uuid4()}/").status_code == 404

    def test_it_is_shown_as_a_fragment_and_cancelled(self, client, job, bob):
        client.force_login(bob)
        address = f"/jobs/{job.pk}/"
        page = client.get(address, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in page
        assert "Counted 0" in page
        assert "<progress" in page
        page = client.post(f"{address}cancel/", headers={"HX-Request": "true"}).content.decode()
        assert "<progress" not in page
        assert client.post(f"{address}cancel/").url == address
        job.refresh_from_db()
        assert job.state == State.CANCELLED
        assert "Counted 0" in client.get("/jobs/").content.decode()

    def test_a_file_comes_in_parts_compressed_for_whom_understands_that(self, client, kind, bob):
        import gzip

        content = b"\n".join(b"line %d" % number for number in range(1000))
        packed = gzip.compress(content)

        def write(job):
            for number, start in enumerate(range(0, len(packed), 100)):
                JobFile.objects.create(job=job, number=number, content=packed[start : start + 100])
            job.step(1, 1, file="lines.csv", type="text/csv")

        job = Job.objects.ask(kind(write), bob, at_once=True)
        client.force_login(bob)
        plain = client.get(f"/jobs/{job.pk}/file")
        assert plain.getvalue() == content
        assert plain["Content-Disposition"] == 'attachment; filename="lines.csv"'
        small = client.get(f"/jobs/{job.pk}/file", headers={"Accept-Encoding": "gzip, br"})
        assert small["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.getvalue()) == content


def waits(job):
    job.note("It was handed on.")
    raise jobs.Waits


def test_a_job_waits_for_what_goes_on_elsewhere_and_is_gone_on_with_once(kind, sent, bob):
    job = Job.objects.ask(kind(waits), bob)
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.lease_until, job.ended) == (State.WAITING, None, False)
    assert "handed on" in job.log
    Job.objects.sweep()
    assert sent == []
    ran = []
    assert Job.objects.go_on(job.pk, lambda job: ran.append(job.attempts))
    assert not Job.objects.go_on(job.pk, lambda job: ran.append(job.attempts))
    assert (ran, Job.objects.get().state) == ([2], State.DONE)


def test_an_answer_may_come_before_the_worker_lets_it_wait(kind, sent, bob):
    def answered(job):
        assert Job.objects.go_on(job.pk, lambda job: None)
        raise jobs.Waits

    assert Job.objects.ask(kind(answered), bob, at_once=True).state == State.DONE


def test_a_held_job_runs_when_somebody_wakes_it(kind, sent, bob, django_capture_on_commit_callbacks):
    job = Job.objects.hold(kind(lambda job: None), bob)
    Job.objects.run(job.pk)
    assert Job.objects.get().state == State.WAITING
    with django_capture_on_commit_callbacks(execute=True):
        assert [Job.objects.wake(job.pk) for _ in range(2)] == [True, False]
    assert sent == [job.pk]
    Job.objects.run(job.pk)
    assert Job.objects.get().state == State.DONE


def test_a_waiting_job_can_be_cancelled(kind, sent, bob):
    job = Job.objects.hold(kind(lambda job: None), bob)
    assert job.cancel()
    assert not Job.objects.wake(job.pk)
    assert not Job.objects.go_on(job.pk, lambda job: None)


@pytest.mark.django_db(transaction=True)
def test_something_long_renews_the_lease_and_hears_of_cancelling(kind, sent, bob, monkeypatch):
    monkeypatch.setattr(jobs, "LOOK_EVERY", 0.01)
    free = threading.Event()

    def long(job):
        before = Job.objects.get().lease_until
        job.beside(lambda: free.wait(0.1))
        assert Job.objects.get().lease_until > before
        assert job.beside(lambda: 7) == 7
        Job.objects.get().cancel()
        job.beside(lambda: free.wait(10))
        raise AssertionError("it went on")

    try:
        assert Job.objects.ask(kind(long), bob, at_once=True).state == State.CANCELLED
    finally:
        free.set()


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_renewed_beside_what_works_long_with_the_database(kind, sent, bob, monkeypatch):
    monkeypatch.setattr(leases, "EVERY", 0.01)

    def long(job):
        before, until = Job.objects.get().lease_until, time.monotonic() + 10
        job.done, job.total = 3, 9
        with leases.renewed(job):
            while Job.objects.get().lease_until == before:
                assert time.monotonic() < until
        assert (Job.objects.get().done, Job.objects.get().total) == (3, 9)

    job = Job.objects.ask(kind(long), bob, at_once=True)
    assert job.state == State.DONE, job.log


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_on_sqlite_a_file_tells_how_far_it_is_while_the_job_holds_the_database(
    kind, bob, client, monkeypatch, tmp_path
):
    monkeypatch.setattr(leases, "EVERY", 0.01)
    monkeypatch.setattr(leases, "_beside", lambda pk: tmp_path / f"job-{pk}")
    client.force_login(bob)

    def long(job):
        job.done, job.total = 3, 9
        with leases.renewed(job):
            until = time.monotonic() + 10
            while b'max="9" value="3"' not in (shown := client.get(f"/jobs/{job.pk}/").content):
                assert time.monotonic() < until
            assert b"data-asked-for" in shown

    job = Job.objects.ask(kind(long), bob, at_once=True)
    assert job.state == State.DONE, job.log
    assert not list(tmp_path.iterdir())
    assert b"data-asked-for" not in client.get(f"/jobs/{job.pk}/").content


def test_a_kind_may_be_kept_longer(kind, sent, bob):
    kept = Job.objects.ask(kind(lambda job: None, kept=timedelta(days=90)), bob, at_once=True)
    Job.objects.filter(pk=kept.pk).update(ended_at=timezone.now() - timedelta(days=30))
    Job.objects.sweep()
    assert Job.objects.exists()
    Job.objects.filter(pk=kept.pk).update(ended_at=timezone.now() - timedelta(days=91))
    Job.objects.sweep()
    assert not Job.objects.exists()
