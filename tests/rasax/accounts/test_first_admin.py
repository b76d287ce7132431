import re

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command

from rasax.accounts.models import AuditEntry, User

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def first_admin(capsys):
    call_command("create_first_admin")
    return capsys.readouterr().out


def test_the_first_admin_gets_a_random_password_that_is_printed_once(capsys):
    printed = first_admin(capsys)
    name, password = re.search(r"Sign in as (\S+) with the password (\S+)", printed).groups()
    user = authenticate(username=name, password=password)
    assert name == "admin"
    assert user.is_superuser
    assert user.is_staff
    assert list(user.groups.values_list("name", flat=True)) == ["admin"]
    assert not AuditEntry.objects.filter(detail__icontains=password).exists()
    assert first_admin(capsys) == ""
    assert User.objects.count() == 1


def test_nothing_is_made_where_somebody_administers(alice, capsys):
    assert first_admin(capsys) == ""
    assert User.objects.get() == alice


def test_a_person_who_happens_to_be_called_admin_is_left_alone(capsys):
    User.objects.create_user("Admin", password="of-their-own")
    assert "Sign in as admin2 " in first_admin(capsys)


def test_an_admin_who_was_put_out_of_service_does_not_count(alice, capsys):
    User.objects.update(is_active=False)
    assert "Sign in as admin " in first_admin(capsys)
