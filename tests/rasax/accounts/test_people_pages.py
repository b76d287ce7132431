"""People, as an administrator manages them: who is there, what they may do, and their ways in."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from rasax.accounts import people
from rasax.accounts.models import ApiToken, AuditEntry, Invitation, Session, User

pytestmark = pytest.mark.once

BOBS = "bob-secret-words"


@pytest.fixture
def office(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def personnel(db, django_user_model):
    """Dora manages people, and may do little else."""
    role = Group.objects.create(name="personnel")
    codes = ["view_user", "change_user", "add_user", "view_group", "change_group", "add_group", "delete_group"]
    role.permissions.set(
        Permission.objects.filter(codename__in=codes, content_type__app_label__in=["accounts", "auth"])
    )
    dora = django_user_model.objects.create_user("dora", password="dora-secret-words")
    dora.groups.add(role)
    return dora


def do(client, verb, person, **form):
    return client.post(reverse(verb, args=[person.pk]), form, follow=True).content.decode()


def role(name):
    return Group.objects.get(name=name)


def roles_of(person):
    return sorted(person.groups.values_list("name", flat=True))


def test_the_list_shows_everybody_with_roles_and_finds_by_any_name(office, bob, carol):
    User.objects.filter(pk=bob.pk).update(first_name="Robert", email="bob@example.com")
    page = office.get(reverse("people")).content.decode()
    assert all(word in page for word in ("alice", "Robert", "carol", "annotator", "tester"))
    page = office.get(reverse("people"), {"q": "exam rob"}).content.decode()
    assert reverse("person", args=[bob.pk]) in page
    assert reverse("person", args=[carol.pk]) not in page
    assert "Nobody is called so" in office.get(reverse("people"), {"q": "\x00<b>"}).content.decode()


def test_a_hundred_people_take_no_more_queries_than_three(office, django_user_model, django_assert_max_num_queries):
    for number in range(60):
        django_user_model.objects.create(username=f"person-{number}").groups.add(role("tester"))
    with django_assert_max_num_queries(10):
        assert 'rel="next"' in office.get(reverse("people")).content.decode()


def test_a_person_is_added_with_a_password_that_is_shown_once_and_must_be_changed(office, client):
    form = {"username": "erin", "roles": [role("annotator").pk]}
    page = office.post(reverse("add_person"), form).content.decode()
    erin = User.objects.get(username="erin")
    password = page.split('<code id="password">')[1].split("<")[0]
    assert erin.check_password(password)
    assert erin.must_change_password
    assert roles_of(erin) == ["annotator"]
    assert password not in str(list(AuditEntry.objects.values()))


def test_a_name_that_differs_by_a_capital_letter_is_taken(office, bob):
    page = office.post(reverse("add_person"), {"username": "BOB"}).content.decode()
    assert "Somebody has this name already" in page


def test_roles_are_changed_and_audited(office, bob):
    page = do(office, "change_roles", bob, roles=[role("tester").pk])
    assert "The roles of bob are changed." in page
    assert roles_of(bob) == ["tester"]
    assert AuditEntry.objects.get(action="changed the roles").detail == {"before": ["annotator"], "after": ["tester"]}


def test_the_role_admin_opens_and_closes_the_operators_pages(office, bob):
    do(office, "change_roles", bob, roles=[role("admin").pk])
    assert User.objects.get(pk=bob.pk).is_staff
    do(office, "change_roles", bob, roles=[])
    assert not User.objects.get(pk=bob.pk).is_staff


def test_the_last_administrator_keeps_the_role_and_is_not_deactivated(office, alice, personnel):
    assert "nobody with the role admin" in do(office, "change_roles", alice, roles=[role("tester").pk])
    assert roles_of(alice) == ["admin"]
    assert "Somebody else has to deactivate you" in do(office, "deactivate", alice)
    personnel.user_permissions.set(Permission.objects.all())
    office.force_login(personnel)
    assert "nobody with the role admin" in do(office, "deactivate", alice)
    assert User.objects.get(pk=alice.pk).is_active


def test_nobody_gives_rights_that_they_do_not_have(client, personnel, django_user_model):
    client.force_login(personnel)
    newcomer = django_user_model.objects.create_user("newcomer")
    assert "only rights that you have" in do(client, "change_roles", newcomer, roles=[role("admin").pk])
    assert "only rights that you have" in do(client, "change_roles", personnel, roles=[role("admin").pk])
    page = client.post(reverse("invitations"), {"roles": [role("annotator").pk]}).content.decode()
    assert "only rights that you have" in page
    page = client.post(reverse("add_person"), {"username": "erin", "roles": [role("admin").pk]}).content.decode()
    assert "only rights that you have" in page
    assert not User.objects.filter(username="erin").exists()
    assert not Invitation.objects.exists()


@pytest.mark.parametrize("verb", ["reset_password", "deactivate", "end_sessions", "revoke_tokens", "change_roles"])
def test_nobody_meddles_with_who_has_more_rights(client, personnel, alice, verb):
    client.force_login(personnel)
    assert "rights that you do not have" in do(client, verb, alice)
    assert User.objects.get(pk=alice.pk).check_password("alice-secret-words")


def test_who_is_deactivated_is_out_at_once_with_sessions_tokens_and_invitations(office, bob, client_of):
    browser = client_of(bob)
    _token, secret = ApiToken.objects.make(bob, "script")
    Invitation.objects.invite([], by=bob)
    assert "signed out everywhere" in do(office, "deactivate", bob)
    assert browser.get(reverse("account")).status_code == 302
    assert ApiToken.objects.holder(secret) is None
    assert not Invitation.objects.exists()
    assert browser.post(reverse("login"), {"username": "bob", "password": BOBS}).status_code == 200
    assert "can sign in again" in do(office, "reactivate", bob)
    assert browser.post(reverse("login"), {"username": "bob", "password": BOBS}).status_code == 302


def test_a_reset_password_ends_the_sessions_and_must_be_changed(office, bob, client_of):
    browser = client_of(bob)
    page = do(office, "reset_password", bob)
    password = page.split('<code id="password">')[1].split("<")[0]
    assert browser.get(reverse("account")).status_code == 302
    assert browser.post(reverse("login"), {"username": "bob", "password": BOBS}).status_code == 200
    assert browser.post(reverse("login"), {"username": "bob", "password": password}).status_code == 302
    assert browser.get(reverse("account")).url == reverse("password_change")


def test_a_person_is_signed_out_everywhere(office, bob, client_of):
    browsers = [client_of(bob), client_of(bob)]
    assert office.get(reverse("person", args=[bob.pk])).context["sessions"].count() == 2
    do(office, "end_sessions", bob)
    assert [browser.get(reverse("account")).status_code for browser in browsers] == [302, 302]
    assert not Session.objects.filter(user=bob).exists()


def test_who_only_sees_people_changes_nothing(client, bob, carol):
    bob.user_permissions.add(Permission.objects.get(codename="view_user"))
    client.force_login(bob)
    page = client.get(reverse("person", args=[carol.pk])).content.decode()
    assert "<form" not in page.split('class="settings-content"')[1].split("</main>")[0]
    assert client.post(reverse("deactivate", args=[carol.pk])).status_code == 403
    assert client.get(reverse("invitations")).status_code == 403


def test_a_superuser_counts_as_having_every_right(alice, personnel):
    chief = User.objects.create_superuser("chief", password="x" * 12)
    with pytest.raises(people.Refused):
        people.reset_password(chief, by=personnel)
