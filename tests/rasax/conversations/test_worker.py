"""Jobs in processes of their own, as they are deployed."""

import sqlite3
from contextlib import ExitStack

import pytest

from tests.deployment import Deployment

pytestmark = pytest.mark.once

N = 6_000
FILL = """
from events.models import Conversation
from tests.rasa import said
for start in range(0, {n}, 1000):
    people = range(start, min({n}, start + 1000))
    Conversation.objects.record([said("hello", sender_id=f"p{{number}}", timestamp=1.0) for number in people])
"""
ASK = """
from rasax.accounts.models import Job, User
from rasax.conversations.models import Tag
from django.contrib.auth.models import Group
alice = User.objects.create(username="alice")
alice.groups.add(Group.objects.get(name="admin"))
Tag.objects.called("billing")
Job.objects.ask("{kind}", alice, action="tag", value="billing", format="csv", pks=[], query="", reader=0)
"""
SEND_AGAIN = """
from rasax.accounts import jobs
jobs.send(jobs.Job.objects.get().pk)
"""
EXPIRE = "UPDATE accounts_job SET lease_until = '2000-01-01 00:00:00' WHERE state = 'running'"


@pytest.fixture
def start(tmp_path):
    """A deployment with so many conversations, on SQLite."""
    with ExitStack() as stack:

        def start(number, kind="conversations.change", **environment):
            address = f"sqlite:///{tmp_path}/rasax.sqlite3"
            deployment = stack.enter_context(Deployment(address, f"file://{tmp_path}/events.log", **environment))
            deployment.manage("shell", "-c", FILL.format(n=number) + ASK.format(kind=kind))
            return deployment

        yield start


def ask(deployment, sql):
    with sqlite3.connect(deployment.database_url.removeprefix("sqlite://"), timeout=20) as connection:
        return connection.execute(sql).fetchone()


def test_the_next_worker_finishes_what_a_killed_one_began_and_nothing_is_done_twice(start):
    deployment = start(N)
    first = deployment.start_worker()
    deployment.wait_until(lambda: ask(deployment, "SELECT done FROM accounts_job")[0] > 0, "progress")
    deployment.kill(first)
    state, done = ask(deployment, "SELECT state, done FROM accounts_job")
    assert (state, 0 < done < N) == ("running", True), "killed too late"
    tagged = ask(deployment, "SELECT count(*) FROM conversations_bulkchange")[0]
    assert tagged == done, "progress and changes are one transaction"
    ask(deployment, EXPIRE)
    deployment.start_worker()
    deployment.wait_until(lambda: ask(deployment, "SELECT state FROM accounts_job")[0] == "done", "end of the job")
    assert ask(deployment, "SELECT attempts, done FROM accounts_job") == (2, N)
    for sql in (
        "SELECT count(*), count(DISTINCT conversation_id) FROM conversations_bulkchange",
        "SELECT count(*), count(DISTINCT object_id) FROM accounts_auditentry WHERE action = 'tagged'",
        "SELECT max(n_conversations), sum(n_conversations) FROM events_facet WHERE kind = 'tag'",
    ):
        assert ask(deployment, sql) == (N, N), sql


def test_an_export_whose_message_was_lost_is_made_when_it_is_looked_for(start):
    deployment = start(10, "conversations.export")
    for message in (deployment.folder / "run" / "celery").iterdir():
        message.unlink()
    ask(deployment, "UPDATE accounts_job SET lease_until = '2000-01-01 00:00:00'")
    deployment.start_worker()
    deployment.wait_until(lambda: ask(deployment, "SELECT state FROM accounts_job")[0] == "done", "end of the job")


def test_a_message_goes_by_rabbitmq_and_one_that_comes_twice_changes_nothing(start, rabbitmq):
    deployment = start(10, CELERY_BROKER_URL=rabbitmq.new_vhost())
    deployment.manage("shell", "-c", SEND_AGAIN)
    deployment.start_worker()
    deployment.wait_until(lambda: ask(deployment, "SELECT state FROM accounts_job")[0] == "done", "end of the job")
    assert ask(deployment, "SELECT attempts, done FROM accounts_job") == (1, 10)
