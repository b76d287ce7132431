"""Models are kept under their name, with their file; a tag is on one of them."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.files.storage import storages
from django.db import close_old_connections, connection

from rasax.accounts.models import AuditEntry
from rasax.deployment.archives import ArchiveRefused
from rasax.deployment.compatibility import suits
from rasax.deployment.models import Model, ModelTag, RasaServer
from rasax.deployment.registry import NAME, NameTaken, StillTagged
from rasax.model_storage import model_storage
from tests.servers.rasa_models import archive

pytestmark = pytest.mark.django_db


def keep(name="first", by=None, content=b"", **told):
    return Model.objects.keep(io.BytesIO(content or archive(**told)), name, by)


def files():
    """Their names; the folder is made with the first of them."""
    try:
        return set(storages["models"].listdir("")[1])
    except FileNotFoundError:
        return set()


def test_a_model_is_kept_with_what_it_says(alice):
    content = archive("3.6.21", model_id="a2ea5c53")
    model = Model.objects.keep(io.BytesIO(content), "first.tar.gz", alice)
    assert (model.name, model.size, model.rasa_version) == ("first", len(content), "3.6.21")
    assert (model.model_id, model.by) == ("a2ea5c53", alice)
    with model.file.open() as kept:
        assert kept.read() == content
    assert "first" not in model.file.name
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.object_name, entry.detail["digest"]) == ("uploaded", "first", model.digest)


def test_a_name_is_taken_once_and_no_file_is_left_of_the_second(alice):
    keep("first")
    before = files()
    with pytest.raises(NameTaken):
        keep("first.tar.gz")
    assert files() == before


def test_what_is_no_model_leaves_nothing():
    before = files()
    with pytest.raises(ArchiveRefused):
        Model.objects.keep(io.BytesIO(b"hello"), "x", None)
    assert files() == before
    assert not Model.objects.exists()


def test_a_model_may_have_a_size(settings):
    settings.MODEL_SIZE_LIMIT = 100
    with pytest.raises(ArchiveRefused, match="larger than rasax takes"):
        keep()


@pytest.mark.parametrize("name", ["20261122-lab", "a", "A.b_c-1", "x" * 200])
def test_names_that_are_none_of_a_path_are_taken(name):
    NAME(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "-x", ".x", "a b", "ü", "x" * 201, "a\n", "a\0", "%2e"])
def test_names_that_a_file_system_would_take_otherwise_are_not(name):
    with pytest.raises(ValidationError):
        NAME(name)


def test_a_tag_leaves_one_model_for_another(alice):
    first, second = keep("first"), keep("second")
    first.put_tag("production", alice)
    second.put_tag("production", alice)
    second.put_tag("production", alice)
    assert Model.objects.tagged("production") == second
    assert [(e.object_name, e.detail) for e in AuditEntry.objects.filter(action="tagged").order_by("pk")] == [
        ("first", {"tag": "production"}),
        ("second", {"tag": "production", "before": "first"}),
    ]
    assert not first.take_tag("production", alice)
    assert second.take_tag("production", alice)
    assert Model.objects.tagged("production") is None


def test_a_model_that_has_a_tag_is_not_deleted(alice, django_capture_on_commit_callbacks):
    model = keep()
    model.put_tag("production", alice)
    with pytest.raises(StillTagged):
        model.remove(alice)
    model.take_tag("production", alice)
    with django_capture_on_commit_callbacks(execute=True):
        model.remove(alice)
    assert not Model.objects.exists()
    assert model.file.name not in files()


SUITS = [
    ("3.6.21", "3.6.21", "3.6.21", True),
    ("3.5.0", "3.6.21", "3.5.0", True),
    ("3.4.9", "3.6.21", "3.5.0", False),
    ("3.6.22", "3.6.21", "3.5.0", True),
    ("3.7.0", "3.6.21", "3.5.0", False),
    ("2.8.34", "3.6.21", "3.5.0", False),
    ("2.8.34", "2.8.34", "2.8.9", True),
    ("3.6.21", "", "", None),
    ("3.6.21", "unknown", "", None),
    ("3.6.21", "3.6.21", "", True),
    ("3.6.0rc1", "3.6.0", "3.5", True),
]


@pytest.mark.parametrize(("model", "server", "minimum", "expected"), SUITS)
def test_a_model_suits_a_server_or_not(model, server, minimum, expected):
    assert suits(model, server, minimum) is expected


def test_a_server_s_model_is_known_by_its_id_or_else_by_its_name():
    model, old = keep("first", model_id="abc"), keep("old", version="2.8.34")
    assert model.is_loaded_by(RasaServer(model_id="abc", model_file="model.tar.gz"))
    assert not model.is_loaded_by(RasaServer(model_id="def", model_file="first.tar.gz"))
    assert old.is_loaded_by(RasaServer(model_file="old.tar.gz"))
    assert not old.is_loaded_by(RasaServer(model_file="first.tar.gz"))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_give_a_name_at_once_one_gets_it(alice):
    contents = [archive() for _ in range(6)]
    before, gate = files(), threading.Barrier(6)

    def give(content):
        try:
            gate.wait()
            return bool(Model.objects.keep(io.BytesIO(content), "first", alice))
        except NameTaken:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(give, contents)) == [False] * 5 + [True]
    assert len(files() - before) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_move_a_tag_at_once_one_model_has_it_and_the_log_tells_each_move(alice):
    models = [keep(f"m{number}") for number in range(5)]
    gate = threading.Barrier(5)

    def tag(model):
        gate.wait()
        model.put_tag("production", alice)
        close_old_connections()
        connection.close()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(tag, models))
    moves = AuditEntry.objects.filter(action="tagged").order_by("pk")
    assert ModelTag.objects.get().model.name == moves.last().object_name
    befores = [move.detail.get("before") for move in moves]
    assert befores == [None, *[move.object_name for move in moves][:-1]]


def test_where_models_are_kept_is_one_address(tmp_path):
    assert model_storage("file:///srv/models%201")["OPTIONS"]["location"] == "/srv/models 1"
    s3 = model_storage("s3://key:se%2Fcret@bucket/a/b/?endpoint=http://minio:9000&region=eu-central-1")["OPTIONS"]
    assert (s3["bucket_name"], s3["location"], s3["secret_key"]) == ("bucket", "a/b", "se/cret")
    assert (s3["endpoint_url"], s3["region_name"], s3["addressing_style"]) == (
        "http://minio:9000",
        "eu-central-1",
        "path",
    )
    assert "access_key" not in model_storage("s3://bucket")["OPTIONS"]
    for wrong in ("", "models", "ftp://host/x", "file:relative", "s3:///x", "s3://bucket?endpiont=x"):
        with pytest.raises(ImproperlyConfigured):
            model_storage(wrong)
