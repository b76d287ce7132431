import itertools
import os
from functools import cache
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.core.cache import cache as django_cache
from django.utils import translation

from tests.migrated import migrate

pytest.register_assert_rewrite("tests.trackers.contract")
pytest_plugins = ["tests.servers.fixtures"]
_generate = rsa.generate_private_key


@pytest.fixture(scope="session")
def django_db_modify_db_settings(worker_id, tmp_path_factory):
    """A migrated database of this worker's own. SQLite in a file, as it is in production: in memory, what waits for a
    lock elsewhere fails at once."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
        migrate(f"sqlite:///{database['TEST']['NAME']}")
    else:
        database["TEST"]["NAME"] = f"test_{worker_id}"
        migrate(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/test_{worker_id}").geturl())


@pytest.fixture(scope="session")
def django_db_keepdb():
    """It is there; and it goes with its folder, or its server."""
    return True


@pytest.fixture(autouse=True)
def own_language():
    """Django leaves the language of the last request active in its thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def own_cache():
    """What a test wrote into the database is taken back, and so is the stamp of what was cached meanwhile."""
    yield
    django_cache.clear()


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """A password is hashed slowly on purpose; not in a test that only wants to sign in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch):
    """To find primes takes a tenth of a second: the first, second, ... key of each test are the same ones."""
    made = itertools.count()
    monkeypatch.setattr("rasax.accounts.tokens.rsa.generate_private_key", lambda **asked: _pair(next(made), **asked))


@cache
def _pair(_number, **asked):
    return _generate(**asked)


@pytest.fixture(autouse=True)
def static_files_when_asked_for(settings):
    """Each client starts the application anew, which then need not read all of them."""
    settings.WHITENOISE_AUTOREFRESH = True


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
