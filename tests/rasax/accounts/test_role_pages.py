"""Roles, as an administrator manages them: nothing, see or change, area by area."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from rasax.accounts import people
from rasax.accounts.models import AuditEntry, RoleOffer
from rasax.accounts.roles import AREAS, IN_AREAS, ROLES, Level, chosen, ensure_roles

pytestmark = pytest.mark.once


@pytest.fixture
def office(client, alice):
    client.force_login(alice)
    return client


def role(name):
    return Group.objects.get(name=name)


def levels_of(name):
    held = people.rights_of([role(name)])
    return {area.key: area.level(held).value for area in AREAS if area.level(held) != Level.NONE}


def test_every_permission_of_an_area_is_one_that_there_is(db):
    there = people.names_of(Permission.objects.select_related("content_type"))
    assert IN_AREAS - there == set()


def test_the_three_roles_follow_from_the_areas(db):
    learnt_from = dict.fromkeys(["conversations", "nlu_data", "stories", "responses", "chat"], "change")
    assert levels_of("annotator") == {**learnt_from, "models": "view"}
    assert levels_of("tester") == {"chat": "view"}
    assert set(levels_of("admin").values()) == {"change"}
    assert "conversations.export_conversation" in ROLES["annotator"]
    assert "events.delete_conversation" not in ROLES["annotator"]


def test_the_matrix_shows_each_role_with_its_people(office, bob, carol):
    page = office.get(reverse("roles"))
    shown = {role.name: role.people for role, _ in page.context["rows"]}
    assert shown == {"admin": 1, "annotator": 1, "tester": 1}
    assert "bob" in office.get(reverse("role", args=[role("annotator").pk])).content.decode()


def test_a_role_is_made_with_what_was_chosen_and_is_audited(office):
    form = {"name": "reader", "conversations": "view", "settings": "change", "also": ["export"]}
    assert office.post(reverse("add_role"), form).url == reverse("role", args=[role("reader").pk])
    assert levels_of("reader") == {"conversations": "view", "settings": "change"}
    assert "conversations.export_conversation" in people.rights_of([role("reader")])
    assert AuditEntry.objects.filter(action="added", object_name="reader").exists()


def test_a_name_that_is_taken_is_refused_beside_its_field(office):
    page = office.post(reverse("add_role"), {"name": "tester"})
    assert "There is a role of this name already" in page.content.decode()
    assert levels_of("tester") == {"chat": "view"}


def test_a_role_is_changed_and_what_is_in_no_area_stays(office):
    reader = Group.objects.create(name="reader")
    reader.permissions.add(Permission.objects.get(codename="view_event"))
    url = reverse("change_role", args=[reader.pk])
    office.post(url, {area.key: "none" for area in AREAS} | {"models": "change"})
    assert levels_of("reader") == {"models": "change"}
    assert "events.view_event" in people.rights_of([reader])
    entry = AuditEntry.objects.get(action="changed", object_name="reader")
    assert entry.detail == {"given": ["accounts.change_models", "accounts.view_models"], "taken": []}


def test_a_choice_made_elsewhere_is_kept_until_a_level_is_chosen():
    odd = frozenset({"conversations.view_tag"})
    assert AREAS[0].level(odd) == Level.OWN
    assert chosen(odd, {"conversations": Level.OWN}, []) == odd
    assert chosen(odd, {"conversations": Level.NONE}, []) == frozenset()


def test_a_role_s_new_rights_count_at_the_next_page(office, carol, client_of):
    browser = client_of(carol)
    assert browser.get(reverse("conversations")).status_code == 403
    office.post(reverse("change_role", args=[role("tester").pk]), {"conversations": "view"})
    assert browser.get(reverse("conversations")).status_code == 200


def test_a_role_is_renamed_and_deleted_but_not_one_that_came_with_rasax(office, carol):
    reader = Group.objects.create(name="reader")
    office.post(reverse("rename_role", args=[reader.pk]), {"name": "auditor"})
    assert Group.objects.get(pk=reader.pk).name == "auditor"
    carol.groups.add(reader)
    assert office.post(reverse("delete_role", args=[reader.pk])).url == reverse("roles")
    assert not Group.objects.filter(pk=reader.pk).exists()
    given = role("tester")
    office.post(reverse("rename_role", args=[given.pk]), {"name": "guest"})
    office.post(reverse("delete_role", args=[given.pk]))
    assert role("tester") == given


def test_the_role_admin_is_not_changed(office):
    page = office.post(reverse("change_role", args=[role("admin").pk]), {"settings": "none"}, follow=True)
    assert "it is not changed" in page.content.decode()
    assert levels_of("admin")["settings"] == "change"


def test_nobody_makes_a_role_of_rights_that_they_do_not_have(client, carol):
    carol.user_permissions.set(Permission.objects.filter(codename__in=["view_group", "add_group", "change_group"]))
    client.force_login(carol)
    page = client.post(reverse("add_role"), {"name": "more", "settings": "change"}).content.decode()
    assert "only rights that you have" in page
    assert not Group.objects.filter(name="more").exists()
    client.post(reverse("change_role", args=[role("annotator").pk]), {"conversations": "view"})
    assert levels_of("annotator")["conversations"] == "change"


def test_migrate_gives_a_role_what_is_new_once_and_leaves_a_team_s_changes(db):
    annotator = role("annotator")
    annotator.permissions.remove(*annotator.permissions.filter(codename="export_conversation"))
    RoleOffer.objects.filter(permission="accounts.view_models").delete()  # as before the version that brought it
    annotator.permissions.remove(*annotator.permissions.filter(codename="view_models"))
    ensure_roles("default")
    assert "accounts.view_models" in people.rights_of([annotator])
    assert "conversations.export_conversation" not in people.rights_of([annotator])


def test_migrate_gives_a_role_that_was_deleted_everything_again(db):
    role("tester").delete()
    ensure_roles("default")
    assert levels_of("tester") == {"chat": "view"}
