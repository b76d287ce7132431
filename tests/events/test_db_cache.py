"""Answers are computed once, given for a few seconds, and never after they must not be."""

import pickle
import threading
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.core.cache import caches
from django.db import connection

from events import db_cache, stamps
from events.models import Conversation
from rasax import redis_cache
from rasax.celery import app
from rasax.conversations.models import Tag
from rasax.redis_cache import OPTIONS, Cache
from tests.rasa import said
from tests.servers.redis import RedisServer


class Question:
    """Counts how often it was computed: that is the answer."""

    def __init__(self, takes=0.0):
        self.times, self.takes = 0, takes

    def compute(self):
        self.times += 1
        time.sleep(self.takes)
        return self.times

    def ask(self, **more):
        return db_cache.answer("how often", id(self), self.compute, **more)


def arrive(text="hi", sender_id="ann", timestamp=1.0):
    Conversation.objects.record([said(text, sender_id=sender_id, timestamp=timestamp)])


def later(monkeypatch, seconds):
    read = stamps.read

    def at_a_later_time():
        stamp = read()
        return type(stamp)(stamp.events, stamp.marks, stamp.forgotten, stamp.moved_at, stamp.at + seconds)

    monkeypatch.setattr(stamps, "read", at_a_later_time)


@pytest.mark.django_db
def test_while_nothing_is_committed_an_answer_stays_and_after_events_for_seconds(monkeypatch):
    question = Question()
    assert [question.ask() for _ in range(3)] == [1, 1, 1]
    with monkeypatch.context() as patch:
        later(patch, 50)
        assert question.ask() == 1
    arrive()
    assert question.ask() == 1, "it is under 5 s old"
    later(monkeypatch, 5)
    assert question.ask() == 2


@pytest.mark.django_db
def test_what_people_put_on_conversations_shows_at_once_where_it_is_asked_for_and_a_deletion_everywhere():
    arrive()
    of_events, of_marks = Question(), Question()

    def asked():
        return of_events.ask(), of_marks.ask(of_marks=True)

    assert asked() == (1, 1)
    Tag.objects.called("billing").put_on(Conversation.objects.all(), None)
    assert asked() == (1, 2)
    Conversation.objects.all().forget()
    assert asked() == (2, 3)


@pytest.mark.django_db
def test_what_cannot_be_computed_is_raised_and_asked_again():
    with pytest.raises(ZeroDivisionError):
        db_cache.answer("nonsense", None, lambda: 1 / 0)
    assert db_cache.answer("nonsense", None, lambda: "sense") == "sense"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_ask_at_once_one_computes(monkeypatch):
    question, answers = Question(takes=0.3), []

    def ask():
        answers.append(question.ask())
        connection.close()

    def at_once(number):
        answers.clear()
        threads = [threading.Thread(target=ask) for _ in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    assert at_once(6) == [1] * 6, "the others waited"
    arrive()
    later(monkeypatch, 3)
    began = time.monotonic()
    assert at_once(6) == [1] * 5 + [2], "the others took the old one, which is under 5 s old"
    assert time.monotonic() - began < 5


@pytest.fixture
def private_redis(monkeypatch):
    """A cache in a Redis of its own, which the DB cache uses."""
    with RedisServer() as server:
        cache = Cache(server.url, {"OPTIONS": OPTIONS})
        monkeypatch.setattr(db_cache, "cache", cache)
        monkeypatch.setattr(redis_cache, "REDIS", redis_cache.Outage("Redis"))
        yield server


@pytest.mark.once
@pytest.mark.django_db
def test_redis_that_hangs_or_is_gone_is_waited_for_once_and_used_again(private_redis, monkeypatch):
    monkeypatch.setattr("events.outage.RETRY_EVERY", 1.0)
    question = Question()

    def seconds_of(asking):
        began = time.monotonic()
        asking()
        return time.monotonic() - began

    assert [question.ask(), question.ask()] == [1, 1]
    private_redis.freeze()
    assert seconds_of(question.ask) < 2
    assert seconds_of(lambda: [question.ask() for _ in range(5)]) < 0.4, "it is not asked at each time"
    assert question.times == 7
    private_redis.thaw()
    time.sleep(1.1)
    assert [question.ask(), question.ask()] == [1, 1], "it still has what it had, and that is still right"
    private_redis.kill()
    assert seconds_of(question.ask) < 1
    private_redis.start()
    time.sleep(1.1)
    arrive()
    Conversation.objects.all().forget()
    assert question.ask() == question.times, "never from before the deletion"


class Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.once
@pytest.mark.django_db
def test_nothing_in_redis_is_unpickled(private_redis, tmp_path):
    trap = tmp_path / "trap"
    pickled = pickle.dumps(Runs(trap))
    client, question = redis.Redis.from_url(private_redis.url), Question()
    question.ask()
    for key in client.scan_iter():
        client.set(key, pickled)
    assert question.ask() == 2
    assert caches["default"].get("nothing") is None
    assert not trap.exists()
    client.set(db_cache.cache.make_key("mine"), pickled)
    assert db_cache.cache.get("mine", "nothing of ours") == "nothing of ours"
    assert not trap.exists()


@pytest.mark.once
def test_no_setting_lets_anything_be_unpickled():
    assert OPTIONS["SERIALIZER"].endswith("JSONSerializer")
    assert (app.conf.task_serializer, app.conf.result_serializer) == ("json", "json")
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content in (None, ["json"])
    assert django_settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    layer = pytest.importorskip("channels_redis.core").RedisChannelLayer(hosts=[])
    assert type(layer._serializer).__name__ == "MsgPackSerializer"
