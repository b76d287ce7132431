"""The settings: tags, the event service, rejected messages, the audit log. Alice administers, Bob annotates."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from events.brokers.base import Message
from events.models import Conversation, ConversationFacet, Facet, Forgotten, Heartbeat, RejectedMessage, key_of
from rasax.accounts.models import AuditEntry
from rasax.conversations.activity import activity
from rasax.conversations.models import Retention, SavedView, Tag
from tests.rasa import said

pytestmark = pytest.mark.once


@pytest.fixture
def desk(client, alice):
    client.force_login(alice)
    return client


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def talk(*names, at=1.0):
    Conversation.objects.record([said("hello", sender_id=name, timestamp=at) for name in names])
    return Conversation.objects.filter(sender_id__in=names)


def reject(*bodies):
    Conversation.objects.record([Message(body) for body in bodies], source="rabbitmq")
    return list(RejectedMessage.objects.order_by("pk"))


def has(tag):
    return set(Conversation.objects.filter(facets__kind="tag", facets__value=tag).values_list("sender_id", flat=True))


def count(tag):
    return Facet.objects.get(kind="tag", value=tag).n_conversations


def test_the_navigation_shows_what_a_person_may_open(client, alice, bob, carol):
    client.force_login(alice)
    assert {"Tags", "Event service", "Audit log"} <= set(
        re.findall(r"</svg> ([\w ]+)</a>", text_of(client.get("/settings/tags/")))
    )
    client.force_login(bob)
    navigation = text_of(client.get("/settings/", follow=True))
    assert "Tags</a>" in navigation
    assert "Event service</a>" not in navigation
    client.force_login(carol)
    assert client.get("/settings/").status_code == 404


def test_a_tag_is_made_renamed_and_recoloured(desk, bob):
    desk.post("/settings/tags/add/", {"name": "  bil  ling ", "color": "#112233"})
    tag = Tag.objects.get()
    assert (str(tag), tag.color) == ("bil ling", "#112233")
    tag.put_on(talk("ann"), by=None)
    view = SavedView.objects.create(name="mine", owner=bob, query="q=x&tag=bil+ling&tag=other")
    desk.post(f"/settings/tags/{tag.pk}/", {"name": "Rechnung", "color": "#445566"})
    assert has("Rechnung") == {"ann"}
    assert count("Rechnung") == 1
    assert Tag.objects.get().color == "#445566"
    view.refresh_from_db()
    assert view.query == "q=x&tag=Rechnung&tag=other"
    assert set(AuditEntry.objects.filter(object_type="conversations.tag").values_list("action", flat=True)) >= {
        "renamed",
        "recoloured",
    }


def test_a_name_that_exists_merges_after_a_question_and_the_counts_are_exact(desk):
    one, other = Tag.objects.called("one"), Tag.objects.called("other")
    one.put_on(talk("ann", "ben"), by=None)
    other.put_on(talk("ben", "cid"), by=None)
    page = desk.post(f"/settings/tags/{one.pk}/", {"name": "other"})
    assert "2 conversations get it" in text_of(page)
    assert has("one") == {"ann", "ben"}
    page = desk.post(f"/settings/tags/{one.pk}/", {"name": "other", "confirmed": "1"}, follow=True)
    assert "1 conversation got “other”" in text_of(page)
    assert has("other") == {"ann", "ben", "cid"}
    assert count("other") == 3
    assert not Facet.objects.filter(value="one").exists()
    assert ConversationFacet.objects.filter(facet_id=one.pk).count() == 0


def test_a_tag_is_deleted_after_a_question_that_says_how_many_lose_it(desk):
    tag = Tag.objects.called("spam")
    tag.put_on(talk("ann", "ben"), by=None)
    assert "2 conversations lose it" in text_of(desk.post(f"/settings/tags/{tag.pk}/delete/"))
    desk.post(f"/settings/tags/{tag.pk}/delete/", {"confirmed": "1"})
    assert not Tag.objects.exists()
    assert AuditEntry.objects.get(action="deleted").detail == {"conversations": 2}


def test_an_annotator_renames_but_neither_deletes_nor_merges(client, bob):
    one, _ = Tag.objects.called("one"), Tag.objects.called("other")
    client.force_login(bob)
    assert client.post(f"/settings/tags/{one.pk}/delete/", {"confirmed": "1"}).status_code == 403
    client.post(f"/settings/tags/{one.pk}/", {"name": "other", "confirmed": "1"})
    assert Tag.objects.count() == 2
    client.post(f"/settings/tags/{one.pk}/", {"name": "uno"})
    assert Tag.objects.filter(facet__value="uno").exists()


def test_the_pages_ask_a_bounded_number_of_questions(desk, django_assert_max_num_queries):
    for n in range(30):
        Tag.objects.called(f"tag {n}")
        Heartbeat.objects.create(name=f"host:{n}", started_at=timezone.now(), beat_at=timezone.now())
    reject(*(b"no JSON %d" % n for n in range(30)))
    for name in ("tags", "retention", "event_service", "rejected_messages", "audit"):
        with django_assert_max_num_queries(10):
            assert desk.get(reverse(name)).status_code == 200


def beating(name="host:1", **columns):
    now = timezone.now()
    return Heartbeat.objects.create(
        **{"name": name, "broker": "rabbitmq", "started_at": now, "beat_at": now, **columns}
    )


def test_no_event_service_says_how_to_start_one(desk):
    assert "celery -A rasax worker" in text_of(desk.get("/settings/event-service/"))


def test_an_event_service_that_works_is_alive_with_its_figures(desk):
    beating(queue_depth=3, lag_seconds=0.5, n_stored=1234)
    page = text_of(desk.get("/settings/event-service/"))
    assert "All is well." in page
    for figure in ("alive", "0.5 s", "1,234"):
        assert figure in page


def test_one_that_is_silent_is_told_apart_and_may_be_removed(desk):
    gone = beating(beat_at=timezone.now() - timedelta(hours=2))
    page = text_of(desk.get("/settings/event-service/"))
    assert "silent, last seen 2 hours ago" in page.replace("\xa0", " ")
    assert "No event service works at the moment" in page
    desk.post(f"/settings/event-service/{gone.pk}/forget/")
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize(
    ("columns", "advice"),
    [
        ({"queue_depth": 20_000}, "Start another worker"),
        (
            {"last_delivery_at": timezone.now(), "last_commit_at": timezone.now() - timedelta(minutes=5)},
            "disk has room",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(desk, columns, advice):
    beating(**columns)
    assert advice in text_of(desk.get("/settings/event-service/"))


def test_a_long_lag_is_told_in_words_and_a_missed_canary_with_what_to_do(desk, settings):
    settings.CANARY_SECONDS = 10
    service = beating(lag_seconds=200_000.0, started_at=timezone.now() - timedelta(hours=1))
    page = text_of(desk.get("/settings/event-service/")).replace("\xa0", " ")
    assert "2 days" in page and "did not come back" in page
    Heartbeat.objects.filter(pk=service.pk).update(canary_at=timezone.now() - timedelta(seconds=5))
    page = text_of(desk.get("/settings/event-service/"))
    assert "Latest canary" in page and "All is well." in page


def test_the_page_looks_again_at_its_health_alone(desk):
    beating()
    fragment = text_of(desk.get("/settings/event-service/", headers={"HX-Request": "true"}))
    assert "data-stored" in fragment
    assert "<svg viewBox" not in fragment


def test_activity_counts_each_conversation_in_the_hour_and_day_of_its_latest_event(db):
    now = timezone.now()
    talk("ann", "ben", at=now.timestamp() - 1)
    talk("cid", at=(now - timedelta(hours=3)).timestamp())
    talk("dan", at=(now - timedelta(days=9)).timestamp())
    talk("eve", at=(now - timedelta(days=90)).timestamp())
    found = activity(now)
    assert sum(bar.n for bar in found.hours.bars) == 3
    assert sum(bar.n for bar in found.days.bars) == 4
    assert (found.hours.most, len(found.hours.bars), len(found.days.bars)) == (2, 48, 30)


def test_a_rejected_message_shows_why_and_its_body_as_text_or_bytes(desk):
    reject(b"not <b>JSON</b>", b"\xff\x00\x01binary", "grüße".encode() * 400)
    page = desk.get("/settings/rejected/").content.decode()
    assert "not &lt;b&gt;JSON&lt;/b&gt;" in page
    assert "ff 00 01 62 69 6e" in page
    assert "more." in page
    whole = desk.get(f"/settings/rejected/{RejectedMessage.objects.order_by('-pk')[0].pk}/body")
    assert whole.content == "grüße".encode() * 400
    assert whole["Content-Disposition"].startswith("attachment")


def test_the_selected_are_replayed_and_what_came_of_it_is_told(desk, alice):
    bad = reject(b"no JSON")[0]
    good = RejectedMessage.objects.create(key="0" * 32, body=said("late").body, error="The database was full.")
    page = desk.post("/settings/rejected/replay/", {"selected": [bad.pk, good.pk]}, follow=True)
    assert "1 stored, 0 were there already, 1 rejected again." in text_of(page)
    assert Conversation.objects.get().sender_id == "ann"
    assert AuditEntry.objects.filter(user=alice, action="replayed").count() == 2


def test_all_are_replayed(desk):
    RejectedMessage.objects.create(key="0" * 32, body=said("late").body, error="The database was full.")
    desk.post("/settings/rejected/replay/", {"all": "1"})
    assert not RejectedMessage.objects.exists()


def test_deleting_asks_first(desk):
    one, other = reject(b"one", b"other")
    assert "Delete 1 rejected message?" in text_of(desk.post("/settings/rejected/delete/", {"selected": one.pk}))
    desk.post("/settings/rejected/delete/", {"selected": one.pk, "confirmed": "1"})
    assert list(RejectedMessage.objects.all()) == [other]


def test_rejected_messages_are_paged_by_place(desk):
    rows = reject(*(b"no JSON %d" % n for n in range(30)))
    first = text_of(desk.get("/settings/rejected/"))
    older = re.search(r'before=(\d+)"', first).group(1)
    rest = desk.get("/settings/rejected/", {"before": older}).context["messages_shown"]
    assert [row.pk for row, _ in rest] == [row.pk for row in reversed(rows[:5])]
    for nonsense in ("x", "9" * 40, "-1"):
        assert desk.get("/settings/rejected/", {"before": nonsense}).status_code == 200


def test_who_may_only_look_is_offered_no_change(client, bob):
    bob.user_permissions.add(Permission.objects.get(codename="view_settings"))
    client.force_login(bob)
    reject(b"no JSON")
    page = text_of(client.get("/settings/rejected/"))
    assert "Replay all" not in page
    for address in ("rejected/replay/", "rejected/delete/"):
        assert client.post(f"/settings/{address}", {"all": "1", "confirmed": "1"}).status_code == 403


def test_retention_asks_before_anything_is_due_and_is_audited(desk):
    talk("ann", "ben", at=1.0)
    talk("cid", at=timezone.now().timestamp())
    assert "kept for ever" in text_of(desk.get("/settings/retention/"))
    asked = desk.post("/settings/retention/change/", {"days": "30"})
    assert "2 conversations are older now" in text_of(asked)
    assert not Retention.objects.filter(days=30).exists()
    page = desk.post("/settings/retention/change/", {"days": "30", "confirmed": "1"}, follow=True)
    assert "deleted 30 days after its latest event" in text_of(page)
    assert "2 are due now" in text_of(page)
    assert AuditEntry.objects.get(action="set the retention").detail == {"before": None, "after": 30}
    desk.post("/settings/retention/change/", {"days": ""})
    assert Retention.objects.get().days is None


@pytest.mark.parametrize("days", ["0", "-1", "x", "9" * 30, "1.5", "²"])
def test_a_retention_that_is_no_number_of_days_is_refused(desk, days):
    page = desk.post("/settings/retention/change/", {"days": days, "confirmed": "1"}, follow=True)
    assert "Write a number of days" in text_of(page)
    assert not Retention.objects.filter(days__isnull=False).exists()


def test_what_is_kept_of_a_person_is_shown_and_leads_to_deleting_it(desk):
    talk("ann <b>")
    Tag.objects.called("billing").put_on(Conversation.objects.all(), by=None)
    page = text_of(desk.get("/settings/retention/", {"person": "ann <b>"}))
    for line in ("ann &lt;b&gt;", "1 event, with all that was said", "billing", "/forget/"):
        assert line in page
    assert "Nothing is kept under this sender id" in text_of(desk.get("/settings/retention/", {"person": "ben\x00"}))
    Forgotten.objects.create(key=key_of("cid"), until=1.0)
    assert "was deleted for good on" in text_of(desk.get("/settings/retention/", {"person": "cid"}))


@pytest.fixture
def written(alice, bob, desk):
    tag = Tag.objects.called("=cmd|' /C calc'!A0")
    tag.put_on(talk("ann"), by=bob)
    AuditEntry.objects.note(alice, "flagged", Conversation.objects.all(), timestamp=1.0)
    AuditEntry.objects.filter(action="flagged").update(at=timezone.now() - timedelta(days=3))


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"person": "bob"}, ["tagged"]),
        ({"action": "flagged"}, ["flagged"]),
        ({"object": "ann", "person": "alice"}, ["flagged"]),
        ({"until": f"{timezone.now() - timedelta(days=2):%Y-%m-%d}"}, ["flagged"]),
        ({"since": f"{timezone.now() - timedelta(days=1):%Y-%m-%d}", "person": "bob"}, ["tagged"]),
        ({"person": "nobody\x00"}, []),
    ],
)
def test_the_audit_log_is_filtered(desk, written, query, actions):
    page = desk.get("/settings/audit/", query)
    assert [entry.action for entry, _, _ in page.context["entries"]] == actions


def test_the_audit_log_is_paged_by_place_and_time(desk, written, alice):
    for n in range(70):
        AuditEntry.objects.note(alice, "flagged", Conversation.objects.all(), n=n)
    first = desk.get("/settings/audit/")
    second = desk.get("/settings/audit/", {"before": first.context["next"]})
    seen = [entry.pk for page in (first, second) for entry, _, _ in page.context["entries"]]
    assert len(seen) == len(set(seen)) == AuditEntry.objects.count()
    for nonsense in ("x", "2020-01-01,1", "2020-01-01T00:00:00+00:00,x", ","):
        assert desk.get("/settings/audit/", {"before": nonsense}).status_code == 200


def test_the_audit_file_has_no_formula(desk, written):
    answer = b"".join(desk.get("/settings/audit.csv", {"person": "bob"}).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [row["action"] for row in rows] == ["tagged"]
    AuditEntry.objects.filter(action="tagged").update(object_name="=1+1", username=" @x")
    answer = b"".join(desk.get("/settings/audit.csv").streaming_content).decode()
    row = next(row for row in csv.DictReader(io.StringIO(answer)) if row["action"] == "tagged")
    assert (row["object_name"], row["person"]) == ("'=1+1", "' @x")
