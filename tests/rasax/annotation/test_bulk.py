"""All texts that match, decided on by a job that can be undone."""

import pytest
from django.urls import reverse

from rasax.accounts.models import AuditEntry, Job
from rasax.annotation import bulk, bulk_pages
from rasax.annotation.models import Decision, InboxMessage
from rasax.training.intents import NewExample, add_examples, change_example
from rasax.training.models import Example
from tests.rasa import said
from tests.rasax.annotation.conftest import inbox, keep
from tests.rasax.annotation.test_inbox_page import listed, post, taught

pytestmark = pytest.mark.django_db


@pytest.fixture
def many(texts, monkeypatch):
    """Beside the three, twelve that were understood and one that was not; decided on five at a time."""
    monkeypatch.setattr(bulk, "CHUNK", 5)
    numbered = (said(f"text {n:02}", timestamp=100.0 + n, intent=f"i{n % 2}", confidence=0.5) for n in range(12))
    keep(*numbered, said("beats me", timestamp=60.0, intent="nlu_fallback", confidence=0.1))
    return inbox()


def decide(client, action, **asked):
    address = reverse("inbox_decide", query=asked)
    return client.post(address, {"action": action, "all": "1"}, headers={"HX-Request": "true"})


def undo(client):
    job = Job.objects.get(kind=bulk.DECIDE)
    assert job.can_be_undone
    client.post(reverse("undo_job", args=[job.pk]))
    return Job.objects.get(kind=bulk.UNDO).line


def test_all_that_match_are_accepted_and_taken_back(signed_in, many):
    assert signed_in.get(reverse("inbox_total"), {"q": "text"}).json()["every"] == "Select all 12 that match"
    answer = decide(signed_in, "accept")
    assert "Accepted 15 texts. 1 stays: no intent was predicted" in answer.content.decode()
    assert list(inbox()) == ["beats me"]
    assert {("i0", "text 00"), ("i1", "text 11"), ("order", "I want a pizza")} <= taught()
    assert post(signed_in, "inbox_undo").status_code == 409, "a job is taken back as a whole"
    assert undo(signed_in) == "15 texts are as they were."
    assert taught() == set()
    assert len(inbox()) == 16
    assert not Decision.objects.exists()
    assert AuditEntry.objects.filter(action="annotated in the inbox").count() == 15


def test_what_somebody_changed_since_is_left_when_a_job_is_taken_back(signed_in, many, alice):
    decide(signed_in, "accept", intent="i0")
    change_example(Example.objects.get(source="text 00"), "text 00 as Alice has it", [], alice)
    assert undo(signed_in) == "5 texts are as they were. 1 stays: it was changed since."
    assert taught() == {("i0", "text 00 as Alice has it")}
    assert len(inbox()) == 16


def test_those_that_match_are_skipped_put_back_and_skipped_again(signed_in, many):
    page = decide(signed_in, "skip", q="text", intent="i1").content.decode()
    assert "Skipped 6 texts." in page
    keep(said("text 97", timestamp=900.0, intent="i1"))
    assert listed(signed_in, q="text", intent="i1") == ["text 97"]
    assert len(listed(signed_in, state="skipped")) == 6
    Job.objects.all().delete()
    assert "Put 6 texts back." in decide(signed_in, "put_back", state="skipped").content.decode()
    assert undo(signed_in) == "6 texts are as they were."
    assert len(listed(signed_in, state="skipped")) == 6


def test_what_came_after_somebody_asked_is_left_and_what_died_goes_on(signed_in, many, bob, monkeypatch):
    monkeypatch.setattr(bulk_pages, "AT_ONCE", 3)
    assert "progress" in decide(signed_in, "delete", q="text").content.decode()
    keep(said("text 98", timestamp=901.0))
    job = Job.objects.get()
    bulk.put_aside([many["text 00"].pk], InboxMessage.State.DELETED, bob, job)
    Job.objects.filter(pk=job.pk).update(result={"changed": 1})
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.line, job.done) == ("done", "Deleted 12 texts.", 12)
    assert listed(signed_in, q="text") == ["text 98"]


def test_what_is_not_understood_or_refused_changes_nothing(signed_in, many, bob):
    for asked in ({"since": "never"}, {"q": "nobody"}):
        assert "alert" in decide(signed_in, "skip", **asked).content.decode()
    assert "alert" in decide(signed_in, "explode").content.decode()
    assert signed_in.post(reverse("inbox_decide"), {"action": "skip", "all": "1"}).status_code == 303
    assert len(listed(signed_in, state="skipped")) == 16
    assert not inbox()


def test_one_text_that_the_data_refuses_does_not_keep_its_neighbours(signed_in, texts, bob):
    add_examples("greet", [NewExample("hello")], bob)
    keep(said("odd", timestamp=70.0, intent="a\u202eb", confidence=0.4))
    decide(signed_in, "accept")
    assert list(inbox()) == ["odd"]
    assert len(taught()) == 4
