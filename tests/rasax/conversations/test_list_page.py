import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test.utils import CaptureQueriesContext

from events.brokers.base import Message
from events.models import Conversation, Event
from rasax.conversations.models import Assignment, Correction, Flag, Review, Tag
from tests.rasa import message, recorded, said

MOST_QUERIES = 10  # two of them are for the menus where these are not cached


def listed(client, query=""):
    """The senders on the page, in order."""
    response = client.get(f"/conversations/{query}")
    assert response.status_code == 200
    return re.findall(r'class="sender" title="([^"]*)"', response.content.decode())


@pytest.fixture
def three(ann, ben):
    """ann (telegram, order, 0.41), ben (rest, track, 0.9) and cleo (agent's words, an entity, a slot, yesterday's)."""
    Conversation.objects.record(
        [
            said(
                "Refund me in Berlin",
                sender_id="cleo",
                timestamp=datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp(),
                intent="refund",
                entities=[{"entity": "city", "start": 13, "end": 19, "value": "Berlin"}],
            ),
            message("cleo", "slot", 50.0, name="city", value="Berlin"),
        ]
    )


@pytest.mark.parametrize(
    ("query", "senders"),
    [
        ("", ["cleo", "ben", "ann"]),
        ("?intent=order", ["ann"]),
        ("?intent=order&intent=track", ["ben", "ann"]),
        ("?intent=order&action=utter_ask_size", ["ann"]),
        ("?intent=track&action=utter_ask_size", []),
        ("?entity=city", ["cleo"]),
        ("?slot=size", ["ann"]),
        ("?channel=telegram", ["ann"]),
        ("?environment=production", ["cleo", "ben", "ann"]),
        ("?q=pizza", ["ann"]),
        ("?q=which+size", ["ann"]),
        ("?q=pizza&intent=track", []),
        ("?confidence=0.5", ["ann"]),
        ("?since=2026-03-01", ["cleo"]),
        ("?until=2026-02-28", ["ben", "ann"]),
        ("?since=2026-03-01&until=2026-03-01", ["cleo"]),
        ("?since=2026-03-02", []),
        ("?intent=nobody_said_this", []),
    ],
)
def test_each_filter_and_their_combination(signed_in, three, query, senders):
    assert listed(signed_in, query) == senders


def test_filters_of_what_people_put_on_conversations(signed_in, bob, three, ann, ben):
    only = Conversation.objects.filter
    Tag.objects.called("billing").put_on(only(pk=ann.pk), bob)
    Review.objects.mark(only(pk=ben.pk), "reviewed", bob)
    Review.objects.mark(only(sender_id="cleo"), "saved_for_later", bob)
    Flag.objects.put_on(ann.events.first(), bob)
    assert listed(signed_in, "?tag=billing") == ["ann"]
    assert listed(signed_in, "?flagged=1") == ["ann"]
    assert listed(signed_in, "?status=unread") == ["ann"]
    assert listed(signed_in, "?status=reviewed") == ["ben"]
    assert listed(signed_in, "?status=saved_for_later") == ["cleo"]
    assert listed(signed_in, "?status=unread&tag=billing&flagged=1&intent=order") == ["ann"]
    assert listed(signed_in, "?status=reviewed&tag=billing") == []


@pytest.mark.parametrize(
    "query",
    [
        "?since=yesterday&until=9999-99-99",
        "?until=9999-12-31&since=0001-01-01",
        "?confidence=much",
        "?confidence=nan",
        "?status=asleep",
        "?before=x",
        "?before=1e400",
        "?before=99999999999999999999_99999999999999999999",
        "?before=1.5_-3",
        "?intent=%00&q=%00",
        "?q=%22%22%22&intent=%ed%a0%80",
        "?q=%27%29%3B+DROP+TABLE&tag=" + "x" * 5000,
        "?q=" + "%28" * 300,
        "?" + "&".join(f"intent=i{n}" for n in range(300)),
    ],
)
def test_what_a_url_says_wrongly_is_left_out(signed_in, three, query):
    assert signed_in.get(f"/conversations/{query}").status_code == 200


def test_what_was_left_out_is_named(signed_in, ann):
    page = signed_in.get("/conversations/?since=yesterday").content.decode()
    assert "“Since” was not understood" in page


def test_filters_in_use_can_be_taken_away_one_by_one(signed_in, ann):
    page = unescape(signed_in.get("/conversations/?intent=order&q=pizza").content.decode())
    assert 'href="/conversations/?intent=order"' in page
    assert 'href="/conversations/?q=pizza"' in page


def test_pages_hang_together_while_new_conversations_arrive(signed_in, db):
    Conversation.objects.record([said("hi", sender_id=f"s{n:03}", timestamp=1000 + n // 2) for n in range(120)])
    in_order = list(Conversation.objects.values_list("sender_id", flat=True))
    first = signed_in.get("/conversations/").content.decode()
    seen = listed(signed_in)
    Conversation.objects.record([said("hi", sender_id=f"new{n}", timestamp=5000 + n) for n in range(7)])
    page = first
    while older := re.search(r'href="(\?[^"]*before=[^"]*)" rel="next"', page):
        seen += listed(signed_in, unescape(older[1]))
        page = signed_in.get(f"/conversations/{unescape(older[1])}").content.decode()
    assert seen == in_order


@pytest.mark.parametrize(
    "query",
    ["", "?intent=greet", "?intent=greet&action=utter_greet&tag=billing&status=unread", "?before=9999999999.0"],
)
def test_the_number_of_queries_does_not_grow_with_the_rows(signed_in, bob, query, django_assert_max_num_queries):
    Conversation.objects.record(
        [each for n in range(40) for each in (said("hi", sender_id=f"s{n}", timestamp=n), *_answers(n))]
    )
    Tag.objects.called("billing").put_on(Conversation.objects.all(), bob)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(listed(signed_in, query)) == 40


def _answers(n):
    return [message(f"s{n}", "action", n + 0.5, name="utter_greet", policy="RulePolicy", confidence=1.0)]


def test_what_people_put_on_the_rows_takes_no_more_queries(signed_in, bob, alice, django_assert_max_num_queries):
    Conversation.objects.record([said("hi", sender_id=f"s{n}", timestamp=n) for n in range(40)])
    Conversation.objects.record([Message(said("hi", sender_id="s0").body, "staging")])
    everywhere = Conversation.objects.all()
    for event in Event.objects.all():
        Correction.objects.correct(event, "inform", bob)
        Flag.objects.put_on(event, bob)
    for n in range(4):
        Tag.objects.called(f"tag {n}").put_on(everywhere, bob)
    Assignment.objects.assign(everywhere, alice, bob)
    Review.objects.mark(everywhere, "reviewed", bob)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert len(listed(signed_in)) == 40


def test_searching_words_takes_no_more_queries(signed_in, ann, django_assert_max_num_queries):
    with django_assert_max_num_queries(MOST_QUERIES):
        assert listed(signed_in, "?q=pizza&intent=order") == ["ann"]


def test_a_script_gets_the_results_alone(signed_in, ann):
    fragment = signed_in.get("/conversations/", headers={"HX-Request": "true"})
    assert "<html" not in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]
    restored = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in signed_in.get("/conversations/", headers=restored).content.decode()


def test_a_row_says_what_matters(signed_in, bob, ann):
    Tag.objects.called("billing").put_on(Conversation.objects.all(), bob)
    Flag.objects.put_on(ann.events.first(), bob)
    page = signed_in.get("/conversations/").content.decode()
    row = page[page.index("<tbody>") : page.index("</tbody>")]
    for part in (
        "I would like a pizza",
        "Large it is.",
        "telegram",
        ">2<",
        "41\u202f%",
        "billing",
        "Has a flagged message",
    ):
        assert part in row
    assert "Unread" in row
    assert 'title="1970-01-01 00:01:50+00:00"' in row


def row(client):
    page = client.get("/conversations/").content.decode()
    return " ".join(page[page.index("<tbody>") : page.index("</tbody>")].split())


def test_a_row_says_who_reviewed_it_and_not_who_put_it_off(signed_in, alice, bob, ann):
    everywhere = Conversation.objects.all()
    assert "Reviewed by" not in row(signed_in)
    Review.objects.mark(everywhere, "saved_for_later", bob)
    assert "Reviewed by" not in row(signed_in)
    Review.objects.mark(everywhere, "reviewed", alice)
    assert 'title="Reviewed by alice"' in row(signed_in)
    Review.objects.mark(everywhere, "unread", bob)
    assert "Reviewed by" not in row(signed_in)


def test_who_left_is_still_said_to_have_reviewed_it_until_deleted(signed_in, alice, ann):
    Review.objects.mark(Conversation.objects.all(), "reviewed", alice)
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    assert 'title="Reviewed by alice"' in row(signed_in)
    alice.delete()
    assert "Reviewed by" not in row(signed_in)
    assert "Reviewed:" in row(signed_in)


def test_a_row_says_that_a_message_was_corrected(signed_in, bob, ann):
    event = ann.events.first()
    assert "Has a corrected message" not in row(signed_in)
    Correction.objects.correct(event, "inform", bob)
    assert 'title="Has a corrected message"' in row(signed_in)
    Correction.objects.withdraw(event, bob)
    assert "Has a corrected message" not in row(signed_in)


def test_a_row_names_its_environments_where_there_are_several(signed_in, ann):
    assert "production" not in row(signed_in)
    Conversation.objects.record([Message(said("hi", sender_id="ben").body, "staging")])
    assert row(signed_in).count("<bdi>production</bdi>") == 1
    assert row(signed_in).count("<bdi>staging</bdi>") == 1
    Conversation.objects.record([Message(said("hi again", sender_id="ann").body, "staging")])
    assert "<bdi>production, staging</bdi>" in row(signed_in)


def test_of_many_tags_a_row_shows_some_and_says_how_many_there_are(signed_in, bob, ann):
    for name in ("a", "b", "c", "d", "e"):
        Tag.objects.called(name).put_on(Conversation.objects.all(), bob)
    assert row(signed_in).count('class="tag ') == 3
    assert 'title="d, e">+2<' in row(signed_in)


def test_an_empty_list_teaches_how_to_connect(signed_in):
    page = signed_in.get("/conversations/").content.decode()
    assert "Waiting for the first event" in page
    for broker in ("pika", "kafka", "SQL", "file"):
        assert f"type: {broker}" in page


def test_filters_that_match_nothing_can_be_cleared(signed_in, ann):
    page = signed_in.get("/conversations/?intent=nothing").content.decode()
    assert "No conversation matches" in page
    assert "Waiting for the first event" not in page


def test_a_stranger_signs_in_first_and_a_tester_is_told_why_not(client, carol, ann):
    assert client.get("/conversations/").status_code == 302
    client.force_login(carol)
    response = client.get("/conversations/")
    assert response.status_code == 403
    assert "You may not do this" in response.content.decode()


def test_the_root_leads_to_where_a_person_may_be(client, bob, carol):
    client.force_login(bob)
    assert client.get("/")["Location"] == "/conversations/"
    client.force_login(carol)
    assert client.get("/")["Location"] != "/conversations/"


def test_recorded_conversations_are_listed(signed_in):
    Conversation.objects.record(recorded())
    assert len(listed(signed_in)) == Conversation.objects.count()


def test_query_log_holds_no_offset(signed_in, ann):
    from django.db import connection

    with CaptureQueriesContext(connection) as queries:
        listed(signed_in, "?before=200.0_1")
    assert not any(" OFFSET " in query["sql"] and "events_conversation" in query["sql"] for query in queries)
