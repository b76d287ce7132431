"""Conversations as files."""

import csv
import gzip
import io
import json
import random
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from ruamel.yaml import YAML

from events.models import Conversation, Event
from rasax.accounts.models import AuditEntry, Job, User
from rasax.conversations import exporting, forgetting
from rasax.conversations.exporting import downloads, events, nlu
from rasax.conversations.models import Assignment, Correction, Flag, Note, Review, Tag
from tests.rasa import message, recorded, replied, said

HOSTILE = ["=1+1", " =1+1", '"=1+1', "'=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\u00a0=1", "＝1"]
ALL = "/conversations/export/"


@pytest.fixture
def exporter(signed_in):
    return signed_in


def export(client, form, address=ALL, **fields):
    response = client.post(address, {"format": form, "all": "1", **fields})
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def table(text):
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline="")))


def yaml(text):
    return YAML(typ="safe", pure=True).load(text)


def test_jsonl_is_what_the_event_broker_sent(exporter, db):
    Conversation.objects.record(recorded())
    lines = export(exporter, "jsonl").splitlines()
    sent = [message.body.decode() for message in recorded()]
    assert sorted(lines) == sorted(sent)
    senders = [json.loads(line)["sender_id"] for line in lines]
    assert [name for name, before in zip(senders, [None, *senders], strict=False) if name != before] == list(
        dict.fromkeys(senders)
    ), "each conversation in one piece"


def test_a_selection_is_exported_under_a_name_with_its_date(exporter, ann, ben):
    response = exporter.post("/conversations/export/?intent=order", {"format": "jsonl", "all": "1"})
    today = timezone.localtime().date().isoformat()
    assert response["Content-Disposition"] == f'attachment; filename="conversations-{today}.jsonl"'
    assert response.getvalue().count(b"\n") == 6
    only = export(exporter, "jsonl", all="", selected=[str(ben.pk)])
    assert json.loads(only)["sender_id"] == "ben"


def test_a_row_for_each_conversation(exporter, ann, ben, bob, alice):
    Tag.objects.called("food, hot").put_on(Conversation.objects.filter(pk=ann.pk), bob)
    Review.objects.mark(Conversation.objects.filter(pk=ann.pk), "reviewed", alice)
    Assignment.objects.assign(Conversation.objects.filter(pk=ann.pk), bob, bob)
    first = ann.events.filter(type="user").first()
    Flag.objects.put_on(first, bob)
    Correction.objects.correct(first, "inform", bob)
    Note.objects.write(ann, "Ask the cook", bob)
    rows = {row["sender_id"]: row for row in table(export(exporter, "csv"))}
    assert rows["ann"] == {
        "sender_id": "ann",
        "first_event": "1970-01-01T00:01:40+00:00", "latest_event": "1970-01-01T00:01:50.200000+00:00",
        "events": "6", "user_messages": "2", "tags": "food, hot", "status": "reviewed", "reviewed_by": "alice",
        "assignee": "bob", "channels": "telegram", "environments": "production", "assistant": "", "model": "",
        "lowest_confidence": "0.41", "flagged_messages": "1", "corrected_messages": "1", "notes": "1",
        "first_user_message": "I would like a pizza", "latest_message": "Large it is.",
    }  # fmt: skip
    assert (rows["ben"]["status"], rows["ben"]["tags"], rows["ben"]["flagged_messages"]) == ("unread", "", "0")


def test_a_row_for_each_message(exporter, ann, bob):
    entity = {"entity": "city", "value": "Köln", "start": 3, "end": 7}
    Conversation.objects.record([said("to Köln", timestamp=120.0, intent="inform", entities=[entity])])
    event = Event.objects.get(text="to Köln")
    Flag.objects.put_on(event, bob)
    Correction.objects.correct(event, "travel", bob)
    Note.objects.write(ann, "Which\n“Köln”?", bob, event)
    rows = table(export(exporter, "csv_messages"))
    assert [(row["who"], row["text"]) for row in rows[:2]] == [("user", "I would like a pizza"), ("bot", "Which size?")]
    last = rows[-1]
    assert json.loads(last.pop("entities")) == [entity]
    assert last == {
        "sender_id": "ann", "time": "1970-01-01T00:02:00+00:00", "who": "user", "text": "to Köln", "intent": "inform",
        "corrected_intent": "travel", "confidence": "0.9", "flagged": "yes", "notes": "Which\n“Köln”?",
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_a_spreadsheet_runs_nothing_that_somebody_said(exporter, db, text):
    Conversation.objects.record([said(text, sender_id=text, timestamp=1.0), replied(text, sender_id=text)])
    for form in ("csv", "csv_messages"):
        for row in csv.reader(io.StringIO(export(exporter, form)[1:], newline="")):
            assert not [
                cell for cell in row if cell.lstrip(' "\u00a0').startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
            ]


def test_line_breaks_nul_and_half_characters_stay_in_their_cell(exporter, db):
    text = 'a "b",\r\nc\x00\ud83d;\u202eabc'
    Conversation.objects.record([said(text, timestamp=1.0)])
    for form in ("csv", "csv_messages"):
        rows = table(export(exporter, form))
        assert len(rows) == 1
    assert rows[0]["text"] == 'a "b",\r\nc\ufffd?;\u202eabc'
    assert "\x00" not in export(exporter, "jsonl")


def test_stories_one_for_each_session(exporter, db):
    session = [
        message("ann: [x", "action", 1.0, name="action_session_start"),
        message("ann: [x", "session_started", 1.1),
        message("ann: [x", "action", 1.2, name="action_listen"),
        said("hi", sender_id="ann: [x", timestamp=2.0),
        message("ann: [x", "action", 3.0, name="utter_greet"),
    ]
    later = [json.loads(each.body) for each in session]
    again = [message(**{**event, "timestamp": event["timestamp"] + 100}) for event in later]
    silent = [message("cat", "action", 5.0, name="action_listen")]
    Conversation.objects.record([*session, *again, *silent, said("bye", sender_id="ben", intent="goodbye")])
    found = yaml(export(exporter, "stories"))
    assert found["version"] == "3.1"
    assert {each["story"]: each["steps"] for each in found["stories"]} == {
        "ann: [x": [{"intent": "greet"}, {"action": "utter_greet"}],
        "ann: [x (2)": [{"intent": "greet"}, {"action": "utter_greet"}],
        "ben": [{"intent": "goodbye"}],
    }
    tests = yaml(export(exporter, "test_stories"))
    assert {"story": "ann: [x", "steps": [{"intent": "greet", "user": "hi"}, {"action": "utter_greet"}]} in tests[
        "stories"
    ]


def test_stories_of_the_recorded_conversations_are_read_again(exporter, db):
    Conversation.objects.record(recorded())
    for form in ("stories", "test_stories"):
        found = yaml(export(exporter, form))
        names = [each["story"] for each in found["stories"]]
        assert len(names) == len(set(names)) >= 7
        assert all(each["steps"] for each in found["stories"])


def examples(text):
    """As Rasa's reader takes them: a line of a block is an example, and begins with a dash."""
    found = {}
    for entry in yaml(text)["nlu"]:
        lines = entry["examples"].strip().split("\n")
        assert all(line.startswith("- ") for line in lines)
        found.setdefault(entry["intent"], []).extend(line[1:].strip() for line in lines)
    return found


def test_a_text_that_ends_in_line_breaks_does_not_end_the_file(exporter, db):
    texts = ["hello\n\n", "...", "bye"]
    Conversation.objects.record([said(text, sender_id=text, timestamp=n) for n, text in enumerate(texts)])
    stories = yaml(export(exporter, "test_stories"))["stories"]
    assert {story["steps"][0]["user"] for story in stories} == set(texts)


def test_nlu_examples_with_entities_and_corrections_each_once(exporter, db, bob):
    city = {"entity": "city", "value": "Berlin", "start": 3, "end": 9}
    Conversation.objects.record(
        [
            said("to Berlin", timestamp=1.0, intent="travel", entities=[city]),
            said("to Berlin", sender_id="ben", timestamp=1.0, intent="travel", entities=[city]),
            said("hello", timestamp=2.0),
            said("no", timestamp=3.0, intent="yes"),
            said("really no", timestamp=4.0),
            said("/greet", timestamp=5.0),
            said("EXTERNAL: remind", timestamp=6.0),
            said("what?", timestamp=7.0, intent="nlu_fallback"),
            said("   ", timestamp=8.0),
        ]
    )
    Correction.objects.correct(Event.objects.get(text="really no"), "no", bob)
    text = export(exporter, "nlu")
    assert text.startswith('version: "3.1"\nnlu:\n')
    assert examples(text) == {
        "travel": ["to [Berlin](city)"], "greet": ["hello"], "yes": ["no"], "no": ["really no"],
    }  # fmt: skip


def test_what_two_extractors_found_is_one_entity(exporter, db):
    two = {"entity": "passengers", "start": 0, "end": 1, "value": "2", "extractor": "DIETClassifier"}
    Conversation.objects.record([said("2 people", entities=[two, {**two, "extractor": "DucklingEntityExtractor"}])])
    assert "    - [2](passengers) people\n" in export(exporter, "nlu")


@pytest.mark.parametrize(
    "text", ["- a\n- b", "a\u2028b\x85c", "\x07bell", "| >", "# no", "a: b", "{x: [", "  in  ", "\ud83d", "\ufeffx"]
)
def test_nlu_of_any_text_is_one_example_of_one_line(exporter, db, text):
    name = "greet: [" + text
    entity = {"entity": text, "value": text + "\n", "start": 0, "end": len(text)}
    Conversation.objects.record([said(f"{text} there", timestamp=1.0, intent=name, entities=[entity])])
    found = examples(export(exporter, "nlu"))
    assert [len(lines) for lines in found.values()] == [1]


def test_an_example_of_a_retrieval_intent_is_filed_under_all_of_it(exporter, db):
    intent = {"name": "faq", "full_retrieval_intent_name": "faq/opening_hours", "confidence": 0.9}
    Conversation.objects.record([message(text="open today?", parse_data={"intent": intent}), said("x", intent="faq")])
    assert examples(export(exporter, "nlu")) == {"faq/opening_hours": ["open today?"], "faq": ["x"]}


def test_what_is_beyond_memory_may_come_again(exporter, db, monkeypatch):
    monkeypatch.setattr(nlu, "REMEMBERED", 2)
    Conversation.objects.record([said(text, timestamp=1.0 + n) for n, text in enumerate("aabbcca")])
    assert examples(export(exporter, "nlu")) == {"greet": ["a", "b", "c", "a"]}


def test_many_nlu_examples_are_written_as_they_come(exporter, db, monkeypatch):
    monkeypatch.setattr(nlu, "TOGETHER", 3)
    Conversation.objects.record(
        [said(f"text {n}", timestamp=1.0 + n, intent="even" if n % 2 == 0 else "odd") for n in range(10)]
    )
    text = export(exporter, "nlu")
    assert text.count("- intent: even") > 1
    assert sorted(line for lines in examples(text).values() for line in lines) == sorted(f"text {n}" for n in range(10))


@pytest.mark.parametrize("form", sorted(exporting.FORMATS))
def test_nothing_to_tell_is_a_whole_file(exporter, db, form):
    Conversation.objects.record([message("ann", "slot", 1.0, name="size", value=[[["deep"]]])])
    text = export(exporter, form)
    if form in {"stories", "test_stories", "nlu"}:
        assert yaml(text)["version"] == "3.1"


@pytest.mark.parametrize("form", sorted(exporting.FORMATS))
def test_long_conversations_are_read_page_by_page(exporter, db, form, monkeypatch, django_assert_max_num_queries):
    Conversation.objects.record(
        [said(f"text {n}", sender_id=f"p{n % 3}", timestamp=float(n // 6)) for n in range(60)]  # equal times, too
    )
    whole = export(exporter, form)
    monkeypatch.setattr(events, "AT_ONCE", 7)
    assert export(exporter, form) == whole
    assert len(re.findall("text", whole)) >= (6 if form == "csv" else 0)


class TestAJob:
    @pytest.fixture
    def job(self, exporter, bob, db, monkeypatch):
        words = [random.Random(n).randbytes(2_000).hex() for n in range(50)]
        Conversation.objects.record([said(words[n], sender_id=f"p{n}", timestamp=1.0 + n) for n in range(50)])
        monkeypatch.setattr(downloads, "STREAMED", 10)
        monkeypatch.setattr(downloads, "CHUNK", 10)
        monkeypatch.setattr(downloads, "PART", 100)
        response = exporter.post(ALL, {"format": "csv_messages", "all": "1"})
        job = Job.objects.get()
        assert response["Location"] == f"/jobs/{job.pk}/"
        return job

    def test_of_many_conversations_it_makes_a_file(self, exporter, job):
        Job.objects.run(job.pk)
        page = exporter.get(f"/jobs/{job.pk}/").content.decode()
        assert "50 conversations in messages-" in page
        assert f"/jobs/{job.pk}/file" in page
        assert job.parts.count() > 1
        response = exporter.get(f"/jobs/{job.pk}/file", headers={"Accept-Encoding": "gzip"})
        assert len(table(gzip.decompress(response.getvalue()).decode())) == 50
        assert len(table(exporter.get(f"/jobs/{job.pk}/file").getvalue().decode())) == 50

    def test_run_again_it_begins_again(self, exporter, job, monkeypatch):
        step = Job.step

        def lose_the_lease(self, done, total=None, /, **result):
            step(self, done, total, **result)
            if done >= 20:
                Job.objects.filter(pk=self.pk).update(attempts=7)

        with monkeypatch.context() as patched:
            patched.setattr(Job, "step", lose_the_lease)
            Job.objects.run(job.pk)
        assert Job.objects.get().state == "running"
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1), attempts=1)
        Job.objects.sweep()
        Job.objects.run(job.pk)
        assert len(table(exporter.get(f"/jobs/{job.pk}/file").getvalue().decode())) == 50

    def test_it_is_known_to_be_alive_within_a_chunk(self, job, monkeypatch):
        monkeypatch.setattr(downloads, "CHUNK", 50)
        monkeypatch.setattr(events, "AT_ONCE", 5)
        steps, step = [], Job.step

        def note(self, done, total=None, /, **result):
            steps.append(done)
            step(self, done, total, **result)

        monkeypatch.setattr(Job, "step", note)
        Job.objects.run(job.pk)
        assert steps.count(0) > 10

    def test_it_goes_when_anybody_is_forgotten(self, exporter, job, alice):
        Job.objects.run(job.pk)
        waiting = Job.objects.ask(forgetting.EXPORT, alice, format="csv", pks=[], query="", reader=0)
        forgetting.forget(Conversation.objects.filter(sender_id="p1"), alice)
        assert not job.parts.exists()
        assert exporter.get(f"/jobs/{job.pk}/file").status_code == 404
        assert "Its file is gone" in exporter.get(f"/jobs/{job.pk}/").content.decode()
        waiting.refresh_from_db()
        assert (waiting.state, waiting.message) == ("failed", forgetting.STOPPED)

    def test_somebody_who_is_forgotten_while_it_runs_is_in_no_file(self, exporter, job, alice, monkeypatch):
        step = Job.step

        def forget_one(self, done, total=None, /, **result):
            if done == 30 and Conversation.objects.filter(sender_id="p1").exists():
                forgetting.forget(Conversation.objects.filter(sender_id="p1"), alice)
            step(self, done, total, **result)

        monkeypatch.setattr(Job, "step", forget_one)
        Job.objects.run(job.pk)
        assert Job.objects.get().state == "failed"
        assert not job.parts.exists()

    def test_it_is_written_down(self, job, bob):
        entry = AuditEntry.objects.get(action="exported")
        assert entry.user == bob
        assert entry.detail == {"format": "csv_messages", "conversations": 50, "filters": ""}


def test_an_export_is_in_the_history_of_each_conversation(exporter, ann, ben):
    export(exporter, "csv")
    entries = AuditEntry.objects.filter(action="exported").values_list("object_name", "detail")
    assert sorted(entries) == [("ann", {"format": "csv"}), ("ben", {"format": "csv"})]


def test_it_takes_the_permission(client, ann):
    reader = User.objects.create_user("dora")
    reader.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    client.force_login(reader)
    assert client.post(ALL, {"format": "csv", "all": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"format": "xls", "all": "1"}, 400),
        ({}, 400),
        ({"format": "csv", "selected": "x"}, 400),
        ({"format": "csv"}, 303),
    ],
)
def test_what_makes_no_sense_is_refused(exporter, ann, fields, code):
    assert exporter.post(ALL, fields).status_code == code
