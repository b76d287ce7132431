import re
from html import unescape

import pytest

from events.models import Conversation, Event
from rasax.conversations.models import Assignment, Correction, Flag, Note, Tag
from tests.rasa import message, recorded, replied, said
from tests.rasax.conversations.conftest import MOST_QUERIES, read

SCRIPT = {"HX-Request": "true"}


def shown(page):
    """The ids of the events on the page, in order."""
    return [int(pk) for pk in re.findall(r'<li [^>]*data-event="(\d+)"', page)]


@pytest.fixture
def long(db):
    """120 turns of three events."""
    for start in range(0, 120, 40):
        Conversation.objects.record([each for n in range(start, start + 40) for each in turn(n)])
    return Conversation.objects.get(sender_id="ann")


def turn(n):
    return [
        said(f"question {n}", timestamp=1000.0 + n),
        message("ann", "action", 1000.1 + n, name="utter_x"),
        replied(f"answer {n}", timestamp=1000.2 + n),
    ]


def test_a_conversation_reads_like_one(signed_in, ann):
    page = read(signed_in, f"/conversations/{ann.pk}/")
    order = ["I would like a pizza", "utter_ask_size", "Which size?", "A large one", "size", "Large it is."]
    places = [page.index(f">{part}<", page.index('id="transcript"')) for part in order]
    assert places == sorted(places)
    assert "41\u202f%" in page
    assert "&quot;large&quot;" in page


def test_every_recorded_event_has_its_place(signed_in):
    Conversation.objects.record(recorded())
    for conversation in Conversation.objects.all():
        page = read(signed_in, f"/conversations/{conversation.pk}/")
        assert shown(page) == list(conversation.events.in_order().values_list("pk", flat=True))


def test_events_that_nobody_knows_are_shown_as_they_are(signed_in, db):
    Conversation.objects.record([message("ann", "flow_started", 1.0, flow_id="transfer <b>money</b>")])
    page = read(signed_in, f"/conversations/{Conversation.objects.get().pk}/")
    assert "flow_started" in page
    assert "transfer &lt;b&gt;money&lt;/b&gt;" in page


def test_the_latest_fifty_turns_come_first_and_earlier_ones_on_demand(signed_in, long):
    address = f"/conversations/{long.pk}/"
    ids = list(long.events.in_order().values_list("pk", flat=True))
    page = read(signed_in, address)
    seen = shown(page)
    assert seen == ids[-150:]
    while earlier := re.search(r'href="(\?before=[^"]+)"', page):
        page = read(signed_in, address + unescape(earlier[1]))
        seen = shown(page) + seen
    assert seen == ids


def test_events_of_one_instant_are_neither_lost_nor_repeated_between_two_windows(signed_in, db, monkeypatch):
    monkeypatch.setattr("rasax.conversations.transcript.MOST_EVENTS", 7)
    Conversation.objects.record([message("ann", "slot", 5.0, name=f"slot_{n}", value=n) for n in range(30)])
    conversation = Conversation.objects.get()
    page = read(signed_in, f"/conversations/{conversation.pk}/")
    seen = shown(page)
    while earlier := re.search(r'href="(\?before=[^"]+)"', page):
        page = read(signed_in, f"/conversations/{conversation.pk}/{unescape(earlier[1])}")
        seen += shown(page)
    assert sorted(seen) == sorted(conversation.events.values_list("pk", flat=True))


def test_a_link_to_a_message_shows_what_is_around_it(signed_in, long):
    event = long.events.get(text="question 30")
    deep = signed_in.get(f"/conversations/{long.pk}/{event.timestamp!r}/")
    assert deep["Location"] == f"/conversations/{long.pk}/?at={event.timestamp!r}#focus"
    page = read(signed_in, f"/conversations/{long.pk}/?at={event.timestamp!r}")
    assert re.search(rf'class="said user asked-for" id="e{event.pk}"', page)
    assert 'id="focus"' in page
    assert event.pk in shown(page)


def test_after_a_link_into_the_middle_later_messages_follow(signed_in, long, monkeypatch):
    monkeypatch.setattr("rasax.conversations.transcript.MOST_EVENTS", 40)
    page = read(signed_in, f"/conversations/{long.pk}/?at=1030.0")
    seen = shown(page)
    while later := re.search(r'href="(\?from=[^"]+)"', page):
        page = read(signed_in, f"/conversations/{long.pk}/{unescape(later[1])}")
        seen += shown(page)
    ids = list(long.events.in_order().values_list("pk", flat=True))
    assert seen == ids[ids.index(seen[0]) :]


@pytest.mark.parametrize(
    "query", ["at=x", "at=nan", "at=1e999", "before=", "from=%00", "after=99999999999999999999", "note=x", "at=-5"]
)
def test_what_a_url_says_wrongly_is_left_out(signed_in, ann, query):
    assert signed_in.get(f"/conversations/{ann.pk}/?{query}").status_code == 200
    assert signed_in.get(f"/conversations/{ann.pk}/?{query}", headers=SCRIPT).status_code in {200, 204}


@pytest.mark.parametrize(
    "address", ["/conversations/987654/", "/conversations/99999999999999999999/", "/conversations/1/x/"]
)
def test_what_is_not_there_is_not_found(signed_in, address):
    response = signed_in.get(address, follow=True)
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_new_events_are_appended_and_a_late_one_has_the_transcript_shown_anew(signed_in, ann):
    last = ann.events.order_by("-pk").first().pk
    address = f"/conversations/{ann.pk}/"
    assert signed_in.get(f"{address}?after={last}", headers=SCRIPT).status_code == 204
    Conversation.objects.record([said("Thanks", timestamp=120.0)])
    later = signed_in.get(f"{address}?after={last}", headers=SCRIPT)
    assert later["Transcript"] == "append"
    assert shown(later.content.decode()) == [Event.objects.get(text="Thanks").pk]
    Conversation.objects.record([message("ann", "slot", 105.0, name="late", value=1)])
    replaced = signed_in.get(f"{address}?after={Event.objects.get(text='Thanks').pk}", headers=SCRIPT)
    assert replaced["Transcript"] == "replace"
    assert shown(replaced.content.decode()) == list(ann.events.in_order().values_list("pk", flat=True))


def test_next_and_previous_stay_within_the_filters(signed_in, ann, ben):
    Conversation.objects.record([said("pizza again", sender_id="cleo", timestamp=900.0, intent="order")])
    cleo = Conversation.objects.get(sender_id="cleo")
    step = f"/conversations/{cleo.pk}/next/?intent=order"
    assert signed_in.get(step)["Location"] == f"/conversations/{ann.pk}/?intent=order"
    back = f"/conversations/{ann.pk}/previous/?intent=order"
    assert signed_in.get(back)["Location"] == f"/conversations/{cleo.pk}/?intent=order"
    end = signed_in.get(f"/conversations/{ann.pk}/next/?intent=order", follow=True)
    assert end.request["PATH_INFO"] == "/conversations/"
    assert "That was the last one." in end.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_events(signed_in, long, bob, django_assert_max_num_queries):
    for event in long.events.all()[:20]:
        Flag.objects.put_on(event, bob)
        Note.objects.write(long, "a note", bob, event)
    Tag.objects.called("billing").put_on(Conversation.objects.all(), bob)
    Correction.objects.correct(long.events.filter(type="user").first(), "track", bob)
    Assignment.objects.assign(Conversation.objects.all(), bob, bob)
    read(signed_in, f"/conversations/{long.pk}/")  # the first page of a session writes the session down
    with django_assert_max_num_queries(MOST_QUERIES):
        read(signed_in, f"/conversations/{long.pk}/")


def test_a_reader_without_the_permission_to_write_sees_no_controls(client, carol, ann):
    from django.contrib.auth.models import Permission

    carol.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    client.force_login(carol)
    page = read(client, f"/conversations/{ann.pk}/")
    assert "<form" not in page[page.index("<main") : page.index("</main>")]
    assert "data-correct " not in page
    assert 'name="selected"' not in read(client, "/conversations/")


def test_a_tester_may_read_none_of_it(client, carol, ann):
    client.force_login(carol)
    event = ann.events.first()
    event = f"{event.pk}"
    for part in (
        "",
        "panel/",
        "next/",
        "place/",
        f"events/{event}.json",
        f"events/{event}/image/",
        f"at/{event}/",
        "1.0/",
    ):
        assert client.get(f"/conversations/{ann.pk}/{part}").status_code == 403
    assert client.get("/tags.css").status_code == 403


def test_an_event_of_another_conversation_is_not_found_here(signed_in, ann, ben):
    event = ben.events.first()
    assert signed_in.get(f"/conversations/{ann.pk}/events/{event.pk}.json").status_code == 404
    assert signed_in.post(f"/conversations/{ann.pk}/events/{event.pk}/flag/", {"flagged": "1"}).status_code == 404
