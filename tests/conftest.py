import pytest

pytest.register_assert_rewrite("tests.trackers.contract")
pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A password is hashed slowly on purpose; not in a test that only wants to sign in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db, django_user_model):
    """Administers."""
    return person(django_user_model, "alice", "admin", is_staff=True)


@pytest.fixture
def bob(db, django_user_model):
    """Annotates."""
    return person(django_user_model, "bob", "annotator")


@pytest.fixture
def carol(db, django_user_model):
    """May only test the assistant."""
    return person(django_user_model, "carol", "tester")


def person(model, name, role, **fields):
    from django.contrib.auth.models import Group

    user = model.objects.create_user(name, password=f"{name}-secret-words", **fields)
    user.groups.add(Group.objects.get(name=role))
    return user
