"""What users and bots wrote is text, of any length and in any direction: never markup, never an error."""

import json
import re

from events.models import Conversation
from rasax.conversations.models import Flag, Note, Tag
from tests.rasa import message, replied, said
from tests.rasax.conversations.conftest import read

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


def test_what_others_wrote_is_never_markup(signed_in, bob):
    payload = {"buttons": [{"title": EVIL, "payload": EVIL}], "custom": {EVIL: [EVIL]}}
    Conversation.objects.record(
        [
            said(EVIL, sender_id=EVIL, timestamp=1.0, intent=EVIL, channel=EVIL, entities=[entity(EVIL, 0, 8)]),
            message(EVIL, "action", 2.0, name=EVIL, policy=EVIL, confidence=1.0),
            message(EVIL, "slot", 3.0, name=EVIL, value=EVIL),
            message(EVIL, "bot", 4.0, text=EVIL, data=payload),
            message(EVIL, "bot", 5.0, text=EVIL, data={"image": "javascript:alert(1)", "attachment": "javascript:x"}),
            message(EVIL, "agent", 6.0, text=EVIL, data={"a": EVIL}),
            message(EVIL, "made_up", 7.0, html=EVIL),
        ]
    )
    conversation = Conversation.objects.get()
    Tag.objects.called(EVIL).put_on(Conversation.objects.all(), bob)
    Note.objects.write(conversation, EVIL, bob, conversation.events.first())
    Flag.objects.put_on(conversation.events.first(), bob)
    for address in ("/conversations/", f"/conversations/{conversation.pk}/"):
        page = read(signed_in, address)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert 'href="javascript:' not in page


def entity(name, start, end, **fields):
    return {"entity": name, "start": start, "end": end, "value": "v", **fields}


def test_text_of_either_direction_stays_in_its_place(signed_in, db):
    Conversation.objects.record([said("\u202eevil\u202c مرحبا", sender_id="\u202eann", timestamp=1.0)])
    page = read(signed_in, f"/conversations/{Conversation.objects.get().pk}/")
    assert re.search(r'<p class="words" dir="auto">\u202eevil', page)
    assert '<bdi dir="auto">\u202eann</bdi>' in page


def test_entities_are_marked_by_code_points(signed_in, db):
    text = "🍕🍕 to Zürich please"
    Conversation.objects.record([said(text, timestamp=1.0, entities=[entity("city", 6, 12, role="to")])])
    page = read(signed_in, f"/conversations/{Conversation.objects.get().pk}/")
    assert '<bdi>Zürich</bdi><span class="entity-name">city · to</span>' in page


def test_a_very_long_text_is_cut_and_all_of_it_is_a_click_away(signed_in, db):
    text = "long " * 2_000_000
    Conversation.objects.record([said(text, timestamp=1.0), replied("x" * 50_000, timestamp=2.0)])
    conversation = Conversation.objects.get()
    page = read(signed_in, f"/conversations/{conversation.pk}/")
    assert len(page) < 60_000
    assert "see all of it" in page
    event = conversation.events.first()
    raw = signed_in.get(f"/conversations/{conversation.pk}/events/{event.pk}.json")
    assert raw["Content-Type"].startswith("application/json")
    assert json.loads(raw.content)["text"] == text


def test_halves_of_surrogate_pairs_and_nul_are_shown_as_what_they_are_not(signed_in, db):
    Conversation.objects.record([message("ann", "bot", 1.0, text="a\ud83d\x00b", data={"custom": {"k": "\ud83d"}})])
    page = read(signed_in, f"/conversations/{Conversation.objects.get().pk}/")
    assert "a?\ufffdb" in page


def test_images_are_fetched_only_from_a_page_of_their_own(signed_in, db):
    data = {"image": "https://example.org/cat.png"}
    Conversation.objects.record([message("ann", "bot", 1.0, text=None, data=data)])
    page = read(signed_in, f"/conversations/{Conversation.objects.get().pk}/")
    assert re.search(r'href="events/\d+/image/" data-image', page)
    assert "https://example.org/cat.png" not in page
