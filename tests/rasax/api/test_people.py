"""People, roles, the audit log, jobs and how events arrive."""

import base64

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from events.brokers.base import Message
from events.models import Conversation, Heartbeat, RejectedMessage
from rasax.accounts.models import AuditEntry, Job, User
from tests.rasax.api.conftest import Api


def test_somebody_is_added_and_gets_a_password_for_the_first_visit(api, bob):
    made = api.send("POST", "users", {"username": "dora", "roles": ["annotator"], "email": "dora@example.com"})
    assert made.status_code == 201
    dora = User.objects.get(username="dora")
    assert dora.must_change_password
    assert dora.check_password(made.json()["password"])
    assert api.ask("users/dora").json()["roles"] == ["annotator"]
    assert api.send("POST", "users", {"username": "DORA", "roles": []}).status_code == 409
    assert api.send("POST", "users", {"username": "eve", "roles": ["king"]}).status_code == 404
    assert not User.objects.filter(username="eve").exists()


def test_people_are_changed_and_deleted(api, bob):
    assert api.send("PATCH", "users/bob", {"roles": ["tester"]}).json()["roles"] == ["tester"]
    assert api.send("PUT", "users/bob", {"roles": ["tester"]}).status_code == 400
    everything = {"email": "", "first_name": "Bob", "last_name": "", "roles": [], "is_active": False}
    assert api.send("PUT", "users/bob", everything).json()["is_active"] is False
    assert api.send("DELETE", "users/bob").status_code == 204
    done = AuditEntry.objects.filter(object_name="bob", user__username="alice").values_list("action", flat=True)
    assert set(done) == {"changed the roles", "deactivated", "changed", "deleted"}


@pytest.mark.parametrize("change", [{"is_active": False}, {"roles": ["tester"]}])
def test_the_last_administrator_stays(api, alice, change):
    assert api.send("PATCH", "users/alice", change).status_code == 409
    alice.refresh_from_db()
    assert alice.is_active
    assert alice.groups.get().name == "admin"
    assert api.send("DELETE", "users/alice").status_code == 409


def test_nobody_gives_rights_that_they_lack(api, bob):
    assert api.send("POST", "roles", {"name": "hiring", "permissions": ["accounts.view_user", "accounts.change_user"]})
    bob.groups.add(Group.objects.get(name="hiring"))
    assert Api(bob).send("PATCH", "users/bob", {"roles": ["admin"]}).status_code == 409
    assert Api(bob).send("POST", "users", {"username": "dora", "roles": ["admin"]}).status_code == 409


def test_who_may_not_manage_people_manages_only_their_own_details(bob, alice):
    api = Api(bob)
    assert [api.ask(path).status_code for path in ("users", "roles", "audit", "eventService")] == [403] * 4
    assert api.send("PATCH", "user", {"first_name": "Bob"}).json()["first_name"] == "Bob"
    assert api.send("PATCH", "user", {"roles": ["admin"]}).status_code == 400
    assert "events.view_conversation" in api.ask("user").json()["permissions"]


def test_roles_are_made_changed_and_deleted_but_for_admin(api):
    assert api.send("POST", "roles", {"name": "reader", "permissions": ["events.view_conversation"]}).status_code == 201
    assert api.send("POST", "roles", {"name": "reader", "permissions": []}).status_code == 409
    assert api.send("PUT", "roles/reader", {"permissions": []}).json()["permissions"] == []
    assert api.send("PUT", "roles/reader", {"permissions": ["no.such"]}).status_code == 404
    assert api.send("DELETE", "roles/reader").status_code == 204
    assert api.send("DELETE", "roles/admin").status_code == 409
    assert api.send("PUT", "roles/admin", {"permissions": []}).status_code == 409
    assert not Group.objects.filter(name="reader").exists()
    assert {role["name"] for role in api.ask("roles").json()} >= {"admin", "annotator", "tester"}


def test_the_audit_log_is_read_in_pages_and_by_what_is_asked(api, alice, bob):
    for number in range(5):
        AuditEntry.objects.note(bob, "tagged", [alice], number=number)
    first = api.ask("audit", user="bob", action="tagged", limit=3)
    rest = api.ask("audit", user="bob", action="tagged", cursor=first["X-Next-Cursor"])
    assert [entry["detail"]["number"] for entry in first.json() + rest.json()] == [4, 3, 2, 1, 0]
    assert api.ask("audit", object_type="accounts.user", object_id=alice.pk, since=0).json()
    assert api.ask("audit", since=timezone.now().timestamp() + 60).json() == []


def test_rejected_messages_are_read_replayed_and_deleted(api, db):
    Conversation.objects.record([Message(b"no JSON"), Message(b"\xff")])
    bodies = {message["encoding"]: message["body"] for message in api.ask("rejectedMessages").json()}
    assert (bodies["text"], base64.b64decode(bodies["base64"])) == ("no JSON", b"\xff")
    pk = RejectedMessage.objects.first().pk
    assert api.send("POST", f"rejectedMessages/{pk}/replay").json() == {"stored": 0, "repeated": 0, "rejected": 1}
    assert api.send("DELETE", f"rejectedMessages/{RejectedMessage.objects.first().pk}").status_code == 204
    assert AuditEntry.objects.filter(action__in=["replayed", "deleted"]).count() == 2


def test_the_event_services_tell_how_they_are(api, db):
    now = timezone.now()
    Heartbeat.objects.create(
        name="host:1", started_at=now - timezone.timedelta(seconds=10), beat_at=now, n_stored=100, queue_depth=7
    )
    health = api.ask("eventService").json()
    assert (health["status"], health["queue_depth"], health["services"][0]["events_per_second"]) == ("ok", 7, 10.0)
    stranger = Client().get("/api/health").json()
    assert stranger["database_migration"] == {"status": "completed", "progress_in_percent": 100.0}
    assert "host" not in str(stranger)


def test_a_job_is_its_persons_and_the_administrators_to_see(api, bob, carol):
    job = Job.objects.create(kind="conversations.bulk", by=bob)
    assert Api(bob).ask(f"jobs/{job.pk}").json()["state"] == "queued"
    assert api.ask(f"jobs/{job.pk}").status_code == 200
    assert Api(carol).ask(f"jobs/{job.pk}").status_code == 404
    assert Api(bob).send("POST", f"jobs/{job.pk}/cancel").json()["state"] == "cancelled"
    assert Api(bob).send("POST", f"jobs/{job.pk}/cancel").status_code == 409


def test_views_are_saved_and_deleted(api, bob):
    made = api.send("POST", "savedViews", {"name": "Greetings", "query": "intent=greet", "shared": True}).json()
    assert Api(bob).ask("savedViews").json() == [made]
    assert Api(bob).send("DELETE", f"savedViews/{made['id']}").status_code == 404
    assert api.send("DELETE", f"savedViews/{made['id']}").status_code == 204
