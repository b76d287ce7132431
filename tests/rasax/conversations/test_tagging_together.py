"""Tags while others put them on, merge, rename and delete them."""

import threading
import time
from contextlib import contextmanager, suppress

import pytest
from django.db import connection, transaction

from events.models import Conversation, ConversationFacet, Facet
from rasax.accounts.jobs import Job
from rasax.conversations.models import Tag
from tests.rasa import said
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def talk(*names):
    Conversation.objects.record([said("hello", sender_id=name) for name in names])
    return Conversation.objects.filter(sender_id__in=names)


def having(name):
    return set(Conversation.objects.filter(facets__kind="tag", facets__value=name).values_list("sender_id", flat=True))


@contextmanager
def meanwhile(do):
    """Another person begins it before, and goes on after, what is done in the block is committed."""

    def run():
        try:
            do()
        finally:
            connection.close()

    other = threading.Thread(target=run)
    with transaction.atomic():
        yield
        other.start()
        time.sleep(0.5)
    other.join(timeout=30)
    assert not other.is_alive()


def nothing_is_left_over():
    links = ConversationFacet.objects.all()
    assert not links.exclude(facet__in=Facet.objects.all()).exists()
    assert not links.exclude(conversation__in=Conversation.objects.all()).exists()
    assert not Facet.objects.filter(kind="tag", tag=None).exists()
    for facet in Facet.objects.all():
        assert facet.n_conversations == links.filter(facet=facet).count(), facet


def test_a_tag_that_is_deleted_while_it_is_put_on_leaves_no_link(alice):
    tag = Tag.objects.called("billing")
    with meanwhile(lambda: Tag.objects.get().remove(alice)):
        tag.put_on(talk("ann"), alice)
    assert not Tag.objects.exists()
    nothing_is_left_over()


def test_a_tag_that_is_put_on_while_it_is_deleted_is_gone(alice):
    tag, rows, told = Tag.objects.called("billing"), talk("ann"), []

    def put_on():
        try:
            tag.put_on(rows, alice)
        except Tag.DoesNotExist as gone:
            told.append(gone)

    with meanwhile(put_on):
        Tag.objects.get().remove(alice)
    assert len(told) == 1
    assert not Tag.objects.exists()
    nothing_is_left_over()


def test_a_tag_that_is_merged_while_it_is_put_on_takes_that_one_along(alice):
    old, new = Tag.objects.called("billing"), Tag.objects.called("money")
    old.put_on(talk("ann"), alice)
    with meanwhile(lambda: Tag.objects.get(pk=old.pk).merge_into(Tag.objects.get(pk=new.pk), alice)):
        old.put_on(talk("ben"), alice)
    assert having("money") == {"ann", "ben"}
    nothing_is_left_over()


def test_a_tag_that_is_renamed_while_it_is_put_on_is_put_on_by_its_new_name(alice):
    tag, rows = Tag.objects.called("billing"), talk("ann")
    with meanwhile(lambda: tag.put_on(rows, alice)):
        Tag.objects.get().rename("money", alice)
    assert having("money") == {"ann"}
    nothing_is_left_over()


def test_a_tag_that_is_made_while_it_is_deleted_is_made_anew(alice):
    before = Tag.objects.called("billing").pk
    with meanwhile(lambda: Tag.objects.called("billing")):
        Tag.objects.get().remove(alice)
    assert Tag.objects.get().pk != before
    nothing_is_left_over()


def test_a_job_that_puts_on_a_tag_which_is_deleted_says_so(alice):
    rows, tag = talk("ann"), Tag.objects.called("billing")
    asked = {"action": "tag", "value": str(tag), "pks": [row.pk for row in rows], "query": None, "reader": 0}
    with meanwhile(lambda: Job.objects.ask("conversations.change", alice, at_once=True, **asked)):
        tag.remove(alice)
    assert "The tag “billing” is gone" in Job.objects.get().line
    nothing_is_left_over()


def test_of_a_tag_that_is_gone_pages_say_so_and_no_error(client, alice, monkeypatch):
    row, tag = talk("ann").get(), Tag.objects.called("billing")
    client.force_login(alice)
    monkeypatch.setattr(Tag, "_lock", lambda self, *others: (_ for _ in ()).throw(Tag.DoesNotExist))
    words = {"tag": "billing", "name": "money", "color": "#123456", "confirmed": "1"}
    for address in (f"/conversations/{row.pk}/tags/", f"/settings/tags/{tag.pk}/", f"/settings/tags/{tag.pk}/delete/"):
        assert client.post(address, words).status_code == 404, address
    answer = client.post("/api/conversations/ann/tags", [{"value": "billing"}], content_type="application/json")
    assert answer.status_code == 404


def test_everybody_at_once_neither_waits_for_ever_nor_leaves_anything_over(alice, bob):
    rows = talk(*(f"u{number}" for number in range(12)))
    names, gone = ("billing", "money", "refund"), (Tag.DoesNotExist,)

    def each(verb, times=12):
        for number in range(times):
            with suppress(*gone):
                verb(Tag.objects.called(names[number % 3]), number)

    at_once(
        lambda: each(lambda tag, number: tag.put_on(rows, alice)),
        lambda: each(lambda tag, number: tag.take_off(rows.filter(pk__gt=rows[6].pk), bob)),
        lambda: each(lambda tag, number: tag.merge_into(Tag.objects.called(names[(number + 1) % 3]), alice)),
        lambda: each(lambda tag, number: tag.merge_into(Tag.objects.called(names[(number + 2) % 3]), bob)),
        lambda: each(lambda tag, number: tag.remove(alice), times=4),
        lambda: [Conversation.objects.filter(sender_id=f"u{number}").forget() for number in range(4)],
        lambda: [talk("u0", f"v{number}") for number in range(10)],
    )
    nothing_is_left_over()
