"""The inbox's pages: what waits, in order and filtered; accept, correct, skip, delete, undo; two people at once."""

import json

import pytest
from django.urls import reverse

from events.brokers.base import Message
from events.models import Event
from rasax.accounts.models import AuditEntry
from rasax.annotation import annotating, finding, ranges
from rasax.annotation.annotating import Choice
from rasax.annotation.models import Decision, InboxMessage, Opinion
from rasax.conversations.models import Correction
from rasax.training.models import Change, Example
from tests.rasa import said
from tests.rasax.annotation.conftest import inbox, keep
from tests.together import at_once

MOST_QUERIES = 10
pytestmark = pytest.mark.django_db


def listed(client, **asked):
    response = client.get(reverse("inbox"), asked)
    assert response.status_code == 200
    return [row.message.text for row in response.context["page"].rows]


def post(client, name, *args, **fields):
    return client.post(reverse(name, args=args), fields, headers={"HX-Request": "true"})


def marked(text, *entities):
    return json.dumps({"text": text, "entities": list(entities)})


def taught():
    return set(Example.objects.values_list("intent", "source"))


def test_the_least_sure_come_first_and_other_orders_and_filters_are_right(signed_in, texts):
    keep(Message(said("in staging", sender_id="dan", timestamp=86_400.0, confidence=0.95).body, "staging"))
    assert listed(signed_in) == ["where is it", "I want a pizza", "hello there", "in staging"]
    assert listed(signed_in, order="frequent")[0] == "where is it"
    assert listed(signed_in, order="newest") == ["in staging", "where is it", "I want a pizza", "hello there"]
    assert listed(signed_in, intent="greet") == ["where is it", "hello there", "in staging"]
    assert listed(signed_in, intent="greet", order="newest")[0] == "in staging"
    assert listed(signed_in, environment="staging") == ["in staging"]
    assert listed(signed_in, environment="nowhere") == []
    InboxMessage.objects.filter(text="in staging").update(environments=None)  # as of before they were noted
    assert listed(signed_in, environment="staging") == ["in staging"]
    assert listed(signed_in, until="1970-01-01") == ["where is it", "I want a pizza", "hello there"]
    assert listed(signed_in, since="1970-01-02") == ["in staging"]
    assert listed(signed_in, since="1970-01-02", environment="production") == []
    assert listed(signed_in, q="PIZZA want") == ["I want a pizza"]
    assert listed(signed_in, q="nobody") == []
    assert listed(signed_in, order="nonsense", state="nonsense", since="never") == listed(signed_in)


@pytest.mark.parametrize("plan", ["gathered", "walked", "compared"])
def test_every_page_comes_once_whatever_the_plan(signed_in, monkeypatch, settings, plan):
    monkeypatch.setattr(finding, "RARE", 1_000 if plan == "gathered" else 0)
    monkeypatch.setattr(ranges, "SMALL", dict.fromkeys(ranges.SMALL, 1_000 if plan == "gathered" else 0))
    monkeypatch.setattr(ranges, "KEPT", 1_000 if plan == "compared" else -1)
    monkeypatch.setattr(finding, "WALK", 1 if plan == "compared" else finding.WALK)
    monkeypatch.setattr(finding, "LONGEST_NEAR_KEPT", 0)
    monkeypatch.setattr(finding, "NEAREST", 100)
    settings.SECOND_OPINION = plan != "gathered"
    times = range(130)
    keep(*(said(f"same word {n:03}", timestamp=1.0 + n, confidence=(n % 7) / 10, intent="greet") for n in times))
    for asked in (
        {},
        {"intent": "greet"},
        {"environment": "production"},
        {"q": "word"},
        {"order": "newest", "q": "same"},
        {"until": "1970-01-01"},
        {"until": "1970-01-01", "order": "newest", "q": "same", "environment": "production"},
    ):
        seen, before = [], ""
        while before is not None:
            page = signed_in.get(reverse("inbox"), {**asked, "before": before}).context["page"]
            seen += [row.message.pk for row in page.rows]
            before = str(page.further) if page.further else None
        assert len(seen) == len(set(seen)) == 130, asked


def test_a_page_takes_few_queries_and_so_does_a_text(signed_in, texts, django_assert_max_num_queries):
    signed_in.get(reverse("inbox"))
    with django_assert_max_num_queries(MOST_QUERIES):
        signed_in.get(reverse("inbox"), {"q": "it", "environment": "production", "intent": "greet", "order": "newest"})
    with django_assert_max_num_queries(MOST_QUERIES):
        signed_in.get(reverse("inbox_message", args=[texts["where is it"].pk]))


def test_a_text_goes_into_the_data_with_its_entities_and_is_taken_back(signed_in, texts):
    keep(said("fly to Köln 🙂 now", timestamp=50.0, intent="fly"))
    row = inbox()["fly to Köln 🙂 now"]
    city = {"start": 7, "end": 11, "entity": "city", "value": "Köln", "role": "to"}
    answer = post(signed_in, "inbox_annotate", row.pk, intent="book", marked=marked(row.text, city))
    assert answer.json()["done"] == [row.pk]
    assert taught() == {("book", 'fly to [Köln]{"entity": "city", "role": "to"} 🙂 now')}
    row.refresh_from_db()
    assert (row.state, row.waiting, row.annotated_as, row.by.username) == ("annotated", False, "book", "bob")
    assert row.text not in listed(signed_in)
    assert row.text in listed(signed_in, state="annotated")
    assert post(signed_in, "inbox_undo").json()["done"] == [row.pk]
    assert taught() == set()
    assert row.text in listed(signed_in)
    assert post(signed_in, "inbox_undo").status_code == 409
    assert AuditEntry.objects.filter(action="annotated in the inbox", object_id=row.pk).exists()


def test_many_are_accepted_as_they_were_understood(signed_in, texts, bob):
    keep(said("beats me", timestamp=60.0, intent="nlu_fallback", confidence=0.1))
    Correction.objects.correct(Event.objects.get(text="hello there"), "welcome", bob)
    pks = [row.pk for row in inbox().values()]
    answer = post(signed_in, "inbox_decide", action="accept", selected=pks)
    assert taught() == {("greet", "where is it"), ("welcome", "hello there"), ("order", "I want a pizza")}
    assert len(answer.json()["done"]) == 3
    assert list(inbox()) == ["beats me"]
    post(signed_in, "inbox_undo")
    assert taught() == set()
    assert len(inbox()) == 4


def test_texts_are_skipped_deleted_and_put_back(signed_in, texts):
    post(signed_in, "inbox_decide", action="skip", selected=[texts["where is it"].pk, "x", "9" * 30])
    post(signed_in, "inbox_decide", action="delete", selected=texts["hello there"].pk)
    assert listed(signed_in) == ["I want a pizza"]
    assert listed(signed_in, state="skipped") == ["where is it"]
    keep(said("where is it", timestamp=90.0))
    assert listed(signed_in) == ["I want a pizza"]
    post(signed_in, "inbox_decide", action="put_back", selected=texts["where is it"].pk)
    assert len(listed(signed_in)) == 2
    for left in (1, 2, 3):
        post(signed_in, "inbox_undo")
        assert len(listed(signed_in)) == left
    assert post(signed_in, "inbox_decide", action="explode", selected=1).status_code == 409
    assert signed_in.post(reverse("inbox_decide"), {"action": "skip"}).status_code == 303


def test_what_cannot_be_an_example_is_refused_and_nothing_is_changed(signed_in, texts):
    row = texts["where is it"]
    for fields in (
        {"intent": ""},
        {"intent": "a\nb", "marked": marked(row.text)},
        {"intent": "greet", "marked": "no JSON"},
        {"intent": "greet", "marked": "[" * 10_000},
        {"intent": "greet", "marked": marked(row.text, {"start": 3, "end": 99, "entity": "x"})},
        {"intent": "greet", "marked": marked(row.text, {"start": "a", "end": None})},
    ):
        response = post(signed_in, "inbox_annotate", row.pk, **fields)
        if fields["intent"] != "a\nb":  # a line break is a space
            assert response.status_code == 409, fields
            assert b"alert-danger" in response.content
            assert taught() == set()


def test_a_second_person_hears_of_the_first_and_decides(client, texts, alice, bob):
    row = texts["where is it"]
    annotating.annotate([Choice(row.pk, "track")], alice)
    client.force_login(bob)
    response = post(client, "inbox_annotate", row.pk, another="find")
    assert response.status_code == 409
    assert "alice has put this text under track meanwhile" in response.content.decode()
    assert 'value="find" checked' in response.content.decode()
    assert taught() == {("track", "where is it")}
    assert post(client, "inbox_annotate", row.pk, intent="track").status_code == 200
    assert post(client, "inbox_annotate", row.pk, intent="find", replace="1").status_code == 200
    assert taught() == {("find", "where is it")}
    post(client, "inbox_undo")
    assert taught() == {("track", "where is it")}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_lose_nothing(texts, alice, bob):
    pks = sorted(row.pk for row in texts.values())
    outcomes = {}

    def take(person, intent):
        for pk in pks:
            outcomes[person.username, pk] = annotating.annotate([Choice(pk, intent)], person)

    def arrive():
        for number in range(20):
            keep(said("where is it", sender_id=f"p{number}", timestamp=float(number)), said(f"{number}", timestamp=1.0))

    at_once(lambda: take(alice, "left"), lambda: take(bob, "right"), arrive)
    assert Example.objects.count() == 3
    for pk in pks:
        done = [name for (name, row), outcome in outcomes.items() if row == pk and outcome.done]
        told = [name for (name, row), outcome in outcomes.items() if row == pk and outcome.taken]
        assert (len(done), len(told)) == (1, 1)
    assert InboxMessage.objects.get(text="where is it").n == 22
    assert Change.objects.count() == Decision.objects.count() == 3


def test_where_two_must_agree_one_waits_for_the_other(client, texts, alice, bob, settings):
    settings.SECOND_OPINION = True
    row = texts["where is it"]
    client.force_login(bob)
    answer = post(client, "inbox_annotate", row.pk, intent="track")
    assert answer.json()["done"] == [row.pk]
    assert taught() == set()
    assert row.text not in listed(client)
    client.force_login(alice)
    assert row.text in listed(client)
    post(client, "inbox_annotate", row.pk, intent="find")
    page = client.get(reverse("inbox_message", args=[row.pk])).content.decode()
    assert "track" in page and "find" in page and "bob" in page
    client.force_login(bob)
    assert row.text in listed(client)
    post(client, "inbox_annotate", row.pk, intent="find")
    assert taught() == {("find", "where is it")}
    assert Opinion.objects.count() == 2


def test_who_may_only_see_changes_nothing_and_others_see_nothing(client, texts, carol):
    from django.contrib.auth.models import Permission

    client.force_login(carol)
    row = texts["where is it"]
    assert client.get(reverse("inbox")).status_code == 403
    carol.user_permissions.add(Permission.objects.get(codename="view_nlu_data"))
    page = client.get(reverse("inbox")).content.decode()
    assert "where is it" in page and 'name="selected"' not in page
    assert (
        b"<form"
        not in client.get(reverse("inbox_message", args=[row.pk])).content.split(b"<main")[1].split(b"</main>")[0]
    )
    for name, args in (("inbox_decide", []), ("inbox_undo", []), ("inbox_annotate", [row.pk])):
        assert client.post(reverse(name, args=args), {"selected": row.pk}).status_code == 403


def test_the_bar_on_top_counts_to_a_hundred(signed_in, texts):
    assert signed_in.get(reverse("inbox_count")).json() == {"count": 3, "shown": "3"}
    keep(*(said(f"text {number}", timestamp=float(number)) for number in range(150)))
    assert signed_in.get(reverse("inbox_count")).json()["shown"] == "99+"
    assert 'data-badge="/inbox/count/"' in signed_in.get("/conversations/").content.decode()
