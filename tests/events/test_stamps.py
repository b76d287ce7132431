"""The stamp is another after each commit that changes what is told, and nobody waits for anybody to move it."""

import threading

import pytest
from django.db import connection, transaction

from events import stamps
from events.models import Conversation, Notice, StampPart
from rasax.conversations.models import Flag, Review, Tag
from tests.rasa import said


def kept(sender_id="ann"):
    Conversation.objects.record([said("hi", sender_id=sender_id)])
    return Conversation.objects.filter(sender_id=sender_id)


def moved(change):
    """What of the stamp is another after this."""
    before = stamps.read()
    change()
    after = stamps.read()
    return {name for name in ("events", "marks", "forgotten") if getattr(before, name) != getattr(after, name)}


@pytest.mark.django_db
def test_each_kind_of_change_moves_its_own_number():
    ann = kept()
    assert moved(lambda: kept("bob")) == {"events"}
    tag = None

    def made():
        nonlocal tag
        tag = Tag.objects.called("billing")

    assert moved(made) == {"marks"}
    assert moved(lambda: Tag.objects.called("billing")) == set()
    assert moved(lambda: tag.put_on(ann, None)) == {"marks"}
    assert moved(lambda: tag.put_on(ann, None)) == set()
    assert moved(lambda: tag.rename("money", None)) == {"marks"}
    assert moved(lambda: tag.remove(None)) == {"marks"}
    assert moved(lambda: Review.objects.mark(ann, Review.Status.REVIEWED, None)) == {"marks"}
    assert moved(lambda: Flag.objects.put_on(ann.get().events.first(), None)) == {"marks"}
    assert "forgotten" in moved(ann.forget)
    assert moved(ann.forget) == set()


@pytest.mark.django_db
def test_what_is_taken_back_leaves_the_stamp_and_one_of_another_past_is_never_met():
    kept()

    def taken_back():
        with transaction.atomic():
            kept("bob")
            transaction.set_rollback(True)

    assert moved(taken_back) == set()
    seen = {stamps.read().events}
    for _ in range(3):  # as after a database was put back three times
        with transaction.atomic():
            kept("bob")
            seen.add(stamps.read().events)
            transaction.set_rollback(True)
    assert len(seen) == 4


@pytest.mark.django_db
def test_browsers_are_told_by_the_same_word():
    ann = kept()
    Notice.objects.all().delete()
    stamps.conversations_were_marked([ann.get().pk])
    assert Notice.objects.get().topics == [f"conversation:{ann.get().pk}", "conversations"]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_change_something_at_once_neither_waits():
    """SQLite lets one write at a time, and so needs one row."""
    stamps.conversations_were_marked()
    before, done = stamps.read(), []

    def another():
        with transaction.atomic():
            stamps.events_were_recorded([])
        done.append(stamps.read())
        connection.close()

    with transaction.atomic():
        stamps.conversations_were_marked()
        if connection.vendor == "postgresql":
            thread = threading.Thread(target=another)
            thread.start()
            thread.join(5)
            assert done, "it waited for the row"
            assert (done[0].marks, done[0].events == before.events) == (before.marks, False)
    assert stamps.read().marks != before.marks
    assert StampPart.objects.count() == (2 if connection.vendor == "postgresql" else 1)
