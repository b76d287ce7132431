"""What a message really meant: by a form, by several people, at once."""

import pytest

from events.models import Conversation, ConversationFacet, Facet
from rasax.accounts.models import AuditEntry
from rasax.conversations.models import Correction
from tests.rasa import message, said
from tests.rasax.conversations.conftest import read
from tests.together import at_once

SCRIPT = {"HX-Request": "true"}
RANKING = [{"name": "order", "confidence": 0.6}, {"name": "inform", "confidence": 0.3}, {"name": "deny"}]


@pytest.fixture
def unsure(db):
    parse_data = {"intent": {"name": "order", "confidence": 0.6}, "intent_ranking": RANKING, "entities": []}
    Conversation.objects.record([message("ann", "user", 1.0, text="large", parse_data=parse_data)])
    return Conversation.objects.get().events.get()


def address(event):
    return f"/conversations/{event.conversation_id}/events/{event.pk}/intent/"


def is_annotated():
    return Facet.objects.filter(kind="annotation", value="corrected", n_conversations=1).exists()


def audited():
    on_it = AuditEntry.objects.filter(object_type="events.conversation").order_by("id")
    return [(entry.username, entry.action, entry.detail["before"], entry.detail["after"]) for entry in on_it]


def test_the_ranking_is_offered_and_one_of_it_chosen(signed_in, unsure):
    form = read(signed_in, address(unsure))
    places = [form.index(f'value="{name}" data-key="{n}"') for n, name in ((1, "order"), (2, "inform"), (3, "deny"))]
    assert places == sorted(places)
    assert "it was right" in form
    assert "<html" not in signed_in.get(address(unsure), headers=SCRIPT).content.decode()
    response = signed_in.post(
        address(unsure), {"intent": "inform", "back": f"/conversations/{unsure.conversation_id}/"}
    )
    assert response.status_code == 303
    page = read(signed_in, f"/conversations/{unsure.conversation_id}/")
    assert page.count("→ <bdi>inform</bdi>") == 2  # at the message and in the panel
    assert is_annotated()


def test_an_intent_may_be_made_up_and_a_prediction_confirmed_or_left_alone_again(signed_in, unsure):
    signed_in.post(address(unsure), {"intent": "  size \x00  of pizza "})
    assert Correction.objects.get().intent == "size of pizza"
    panel = signed_in.post(address(unsure), {"intent": "order"}, headers=SCRIPT).content.decode()
    assert "confirmed by bob" in panel
    signed_in.post(address(unsure), {"intent": " "})
    assert Correction.objects.get().confirms
    for _ in range(2):
        signed_in.post(address(unsure), {"withdraw": "1"})
    assert not Correction.objects.exists()
    assert not is_annotated()


def test_the_word_of_another_is_replaced_and_not_lost(unsure, alice, bob):
    Correction.objects.correct(unsure, "inform", bob)
    Correction.objects.correct(unsure, "inform", alice)
    assert Correction.objects.get().by == bob
    Correction.objects.correct(unsure, "deny", alice)
    assert (Correction.objects.get().by, Correction.objects.get().predicted) == (alice, "order")
    Correction.objects.withdraw(unsure, bob)
    assert audited() == [
        ("bob", "corrected an intent", "", "inform"),
        ("alice", "corrected an intent", "inform", "deny"),
        ("bob", "withdrew a correction", "deny", ""),
    ]


def test_a_conversation_counts_as_corrected_until_its_last_correction_is_withdrawn(ann, bob):
    first, second = ann.events.filter(type="user")
    Correction.objects.correct(first, "deny", bob)
    Correction.objects.correct(second, "deny", bob)
    Correction.objects.withdraw(first, bob)
    assert is_annotated()
    Correction.objects.withdraw(second, bob)
    assert not is_annotated()


def test_only_what_a_user_said_has_an_intent(signed_in, ann, ben):
    bot = ann.events.get(text="Which size?")
    assert signed_in.get(address(bot)).status_code == 404
    assert signed_in.post(f"/conversations/{ann.pk}/events/{ben.events.get().pk}/intent/", {}).status_code == 404
    with pytest.raises(ValueError, match="An intent has a name"):
        Correction.objects.correct(ann.events.first(), "  ", None)


def test_who_may_not_annotate_corrects_nothing(client, carol, unsure):
    from django.contrib.auth.models import Permission

    carol.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    client.force_login(carol)
    assert client.get(address(unsure)).status_code == 403
    assert client.post(address(unsure), {"intent": "x"}).status_code == 403


@pytest.mark.parametrize(
    "ranking", [None, "x", [None], [{"name": 7}], [{"name": "a", "confidence": 1e308}], [{"name": "\ud83d", "x": 1}]]
)
def test_a_ranking_may_be_anything(signed_in, ranking):
    parse_data = {"intent": {"name": "order\x00", "confidence": 1e308}, "intent_ranking": ranking}
    Conversation.objects.record([message("ann", "user", 1.0, text="x", parse_data=parse_data)])
    event = Conversation.objects.get().events.get()
    assert signed_in.get(address(event)).status_code == 200
    assert signed_in.get(f"/conversations/{event.conversation_id}/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_people_correct_and_withdraw_at_once_and_the_facet_is_right(alice, bob):
    Conversation.objects.record([said(f"{n}", timestamp=float(n)) for n in range(1, 9)])
    events = list(Conversation.objects.get().events.all())

    def work(person, mine, intent):
        for event in events:
            Correction.objects.correct(event, intent, person)
        for event in mine:
            Correction.objects.withdraw(event, person)

    at_once(lambda: work(alice, events[:4], "deny"), lambda: work(bob, events[4:], "affirm"))
    facet = Facet.objects.get(kind="annotation")
    linked = ConversationFacet.objects.filter(facet=facet).count()
    assert linked == facet.n_conversations == int(Correction.objects.exists())
    assert AuditEntry.objects.filter(action="corrected an intent").count() >= 8
