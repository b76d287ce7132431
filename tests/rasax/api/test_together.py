"""Several people at one conversation at once: nothing is lost, and nobody gets an error."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections  # noqa: F401 - the mark asks for it

from events.models import Conversation, Facet
from rasax.accounts.models import AuditEntry, User
from rasax.conversations.models import Flag, Note, Review
from tests.conftest import person
from tests.rasa import said
from tests.rasax.api.conftest import Api

ROUNDS = 8


@pytest.fixture
def team(transactional_db, django_user_model):
    Conversation.objects.record([said("hello"), said("bye", timestamp=2.0)])
    return [person(django_user_model, name, "annotator") for name in ("bob", "dora", "eve", "finn")]


def all_at_once(*jobs):
    def closing(job):
        try:
            return job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(closing, jobs))


def works(user):
    """Everything that one person does to Ann's conversation, in rounds; the statuses of the answers."""

    def work():
        api, statuses = Api(user), []
        for number in range(ROUNDS):
            mine = f"{user.username} {number}"
            status = ["reviewed", "saved_for_later", "unread"][number % 3]
            answers = [
                api.send("POST", "conversations/ann/tags", [{"value": mine}, {"value": "shared"}]),
                api.send("PUT", "conversations/ann/reviewStatus", {"review_status": status}),
                api.send("PUT", "conversations/ann/messages/1.0/flag"),
                api.send("PUT", "conversations/ann/messages/2.0/intent", {"intent": mine}),
                api.send("PUT", "conversations/ann/assignee", {"assignee": user.username}),
                api.send("POST", "conversations/ann/notes", {"text": mine}),
                api.send("DELETE", "conversations/ann/messages/1.0/flag"),
                api.send("DELETE", "conversations/ann/tags/shared"),
            ]
            statuses += [answer.status_code for answer in answers]
        return statuses

    return work


def test_four_people_tag_review_and_correct_one_conversation_at_once(team):
    statuses = all_at_once(*(works(user) for user in team))
    assert {status for each in statuses for status in each} <= {200, 201, 204, 404}
    assert Note.objects.count() == len(team) * ROUNDS
    tags = set(Conversation.objects.get().facets.filter(kind=Facet.Kind.TAG).values_list("value", flat=True))
    assert tags - {"shared"} == {f"{user.username} {number}" for user in team for number in range(ROUNDS)}
    assert not Flag.objects.exists()
    reviews = Conversation.objects.get().facets.filter(kind=Facet.Kind.REVIEW).values_list("value", flat=True)
    assert list(reviews) == [Review.objects.get().status][: len(reviews)]
    for facet in Facet.objects.all():
        assert facet.n_conversations == facet.conversations.count(), facet
    assert AuditEntry.objects.filter(action="tagged", user__in=team).count() >= len(team) * ROUNDS


def test_two_administrators_cannot_put_each_other_out_at_once(team):
    chiefs = [person(User, name, "admin") for name in ("alice", "gina")]
    apis = [Api(chief) for chief in chiefs]
    out = {"is_active": False}
    all_at_once(lambda: apis[0].send("PATCH", "users/gina", out), lambda: apis[1].send("PATCH", "users/alice", out))
    assert User.objects.filter(groups__name="admin", is_active=True).count() == 1
