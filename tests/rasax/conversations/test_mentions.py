"""Filters that name whoever is forgotten go; those that others are found by stay."""

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events.models import Conversation
from rasax.accounts.jobs import Job
from rasax.accounts.models import AuditEntry
from rasax.conversations import forgetting
from rasax.conversations.models import SavedView
from tests.rasa import message, said

CARD = 'card="4111-1111"'
ZOE = "zoe-49151"


def talk(sender_id, text="hello", card="none"):
    start = 100.0
    Conversation.objects.record(
        [
            said(text, sender_id=sender_id, timestamp=start),
            message(sender_id, "slot", start + 1, name="card", value=card),
        ]
    )


@pytest.fixture
def zoe(db):
    talk(ZOE, text="my unicorn limps", card="4111-1111")
    talk("ann", text="where is my parcel")
    return Conversation.objects.filter(sender_id=ZOE)


@pytest.fixture
def keep(bob):
    """Keeps a filter in a view, in a job that has ended and in the audit log; says where it is still kept."""

    def keep(**parts):
        query = urlencode(parts)
        view = SavedView.objects.save_as("A view", query, bob)
        job = Job.objects.create(kind="conversations.change", arguments=arguments(query), state="done", by=bob)
        return lambda: (
            SavedView.objects.filter(pk=view.pk, query=query).exists(),
            Job.objects.filter(pk=job.pk, arguments__query=query).exists(),
            AuditEntry.objects.filter(action="saved a view", detail__query=query).exists(),
        )

    return keep


def arguments(query, *pks):
    return {"action": "status", "value": "reviewed", "query": query, "pks": list(pks), "reader": 0}


HERS_ALONE = [
    {"sender": ZOE}, {"sender": ZOE[:6]}, {"q": ZOE.upper()}, {"q": f"call {ZOE}!"}, {"q": "unicorn"},
    {"slot_value": CARD}, {"tag": f"about {ZOE}"}, {"intent": "greet", "sender": ZOE},
]  # fmt: skip
NOT_HERS = [
    {"sender": ZOE[:5]}, {"sender": "ann"}, {"sender": "somebody"}, {"q": "my"}, {"q": "parcel"}, {"q": "never said"},
    {"slot_value": 'card="none"'}, {"slot_value": 'card="4111-1112"'}, {"intent": "greet"}, {"flagged": "1"},
]  # fmt: skip


@pytest.mark.parametrize("parts", HERS_ALONE, ids=urlencode)
def test_a_filter_that_finds_nobody_else_is_kept_nowhere(zoe, alice, keep, parts):
    kept = keep(**parts)
    assert kept() == (True, True, True)
    forgetting.forget(zoe, alice)
    assert kept() == (False, False, False)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("parts", NOT_HERS, ids=urlencode)
def test_a_filter_that_finds_others_or_nobody_stays(zoe, alice, keep, parts):
    kept = keep(**parts)
    forgetting.forget(zoe, alice)
    assert kept() == (True, True, True)


@pytest.mark.parametrize("parts", [{"sender": ZOE[:6]}, {"q": "unicorn"}, {"slot_value": CARD}], ids=urlencode)
def test_what_others_have_too_names_nobody(zoe, alice, keep, parts):
    talk(f"{ZOE[:8]}2", text="a unicorn", card="4111-1111")
    kept = keep(**parts)
    forgetting.forget(zoe, alice)
    assert kept() == (True, True, True)
    forgetting.forget(Conversation.objects.exclude(sender_id="ann"), alice)
    assert kept() == (False, False, False)


@pytest.mark.parametrize(("other", "stays"), [("70", True), ("80", False)])
def test_a_short_name_with_which_others_begin_is_a_beginning(db, alice, keep, other, stays):
    talk("7")
    talk(other)
    kept = keep(sender="7")
    forgetting.forget(Conversation.objects.filter(sender_id="7"), alice)
    assert kept() == (stays, stays, stays)


@pytest.mark.parametrize(
    ("parts", "stays"), [({"sender": ZOE}, False), ({"sender": ZOE[:6]}, True), ({"q": "unicorn"}, True)]
)
def test_the_retention_keeps_views_that_may_find_others_tomorrow(zoe, keep, parts, stays):
    kept = keep(**parts)
    forgetting.forget(zoe, None, why="retention")
    assert kept() == (stays, False, False)


def test_that_a_view_went_is_written_down_without_its_name(zoe, alice, bob):
    view = SavedView.objects.save_as(f"All of {ZOE}", urlencode({"sender": ZOE}), bob)
    forgetting.forget(zoe, alice)
    entries = AuditEntry.objects.filter(object_type="conversations.savedview", object_id=view.pk).order_by("pk")
    assert [(each.username, each.action, each.object_name) for each in entries] == [
        ("bob", "saved a view", ""), ("alice", "deleted a view", ""),
    ]  # fmt: skip
    assert [each.detail for each in entries] == [{"query": "", "shared": False}, {"why": "forgot"}]


def test_a_job_that_waits_goes_on_with_whom_its_filter_still_finds(zoe, alice, bob):
    talk(f"{ZOE}2")
    other = Conversation.objects.get(sender_id=f"{ZOE}2")
    job = Job.objects.create(kind="conversations.change", by=bob, arguments=arguments(urlencode({"sender": ZOE})))
    forgetting.forget(zoe, alice)
    job.refresh_from_db()
    assert job.arguments == {**arguments(None, other.pk), "reader": 0}
    Job.objects.run(job.pk)
    assert list(job.changes.values_list("conversation", flat=True)) == [other.pk]


def test_a_job_that_deletes_whom_its_filter_names_ends_well_and_names_nobody(zoe, alice):
    query = urlencode({"sender": ZOE})
    job = Job.objects.ask("conversations.forget", alice, at_once=True, **{**arguments(query), "action": "forget"})
    assert (job.state, job.result, job.arguments["query"]) == ("done", {"deleted": 1}, None)
    assert not zoe.exists()


def test_forgetting_many_reads_what_names_them_once(db, alice, keep):
    for number in range(40):
        talk(f"person-{number:02}")
    for number in range(10):
        keep(sender=f"person-{number:02}")

    def queries(names):
        with CaptureQueriesContext(connection) as captured:
            forgetting.forget(Conversation.objects.filter(sender_id__in=names), alice)
        kept = ("conversations_savedview", "accounts_job", "accounts_auditentry")
        return sum(any(table in query["sql"] for table in kept) for query in captured)

    few = queries(["person-10"])
    assert queries([f"person-{number}" for number in range(11, 40)]) == few
