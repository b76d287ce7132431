"""Models in a bucket of S3: moto's server, asked by the real boto3."""

import io

import boto3
import pytest
from django.core.files.storage import storages
from django.test import override_settings

from rasax.deployment.backup.archive import Archive, Manifest, Writer
from rasax.deployment.backup.stored import files_of
from rasax.deployment.models import Model
from rasax.deployment.registry import NameTaken
from rasax.model_storage import model_storage
from tests.servers.dynamo import DynamoMock
from tests.servers.rasa_models import archive

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def s3():
    """moto speaks as every service of AWS."""
    with DynamoMock() as server:
        yield server


@pytest.fixture
def bucket(s3, settings, monkeypatch):
    options = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    made = boto3.resource("s3", endpoint_url=s3.url, **options).Bucket("models")
    made.create()
    url = f"s3://key:secret@models/of/rasax?endpoint={s3.url}&region=us-east-1"
    with override_settings(STORAGES={**settings.STORAGES, "models": model_storage(url)}):
        monkeypatch.setattr(Model._meta.get_field("file"), "storage", storages["models"])
        yield made
    made.objects.all().delete()


def keys(bucket):
    return [item.key for item in bucket.objects.all()]


def test_a_model_is_kept_in_a_bucket_and_read_from_it(bucket, alice, django_capture_on_commit_callbacks):
    content = archive(size=20 * 2**20)  # in several parts
    model = Model.objects.keep(io.BytesIO(content), "first", alice)
    [key] = keys(bucket)
    assert key.startswith("of/rasax/")
    with storages["models"].open(model.file.name) as kept:
        assert kept.read() == content
    with pytest.raises(NameTaken):
        Model.objects.keep(io.BytesIO(archive()), "first", alice)
    with django_capture_on_commit_callbacks(execute=True):
        model.remove(alice)
    assert keys(bucket) == []


def test_a_bucket_that_is_gone_leaves_no_model(bucket, alice):
    bucket.objects.all().delete()
    bucket.delete()
    with pytest.raises(Exception, match="NoSuchBucket"):
        Model.objects.keep(io.BytesIO(archive()), "first", alice)
    assert not Model.objects.exists()
    bucket.create()


def test_a_restore_puts_a_model_into_a_bucket_and_takes_it_away_where_it_fails(bucket, tmp_path):
    storage, path = storages["models"], tmp_path / "backup"
    name = storage.save("0" * 32 + ".tar.gz", io.BytesIO(archive(size=9 * 2**20)))
    with path.open("wb") as out, storage.open(name) as kept:
        content = kept.read()
        kept.seek(0)
        writer = Writer(out, Manifest("0.1.0", "2026-11-25", "sqlite", [], {}))
        writer.add_file(name, kept)
        writer.end()
    bucket.objects.all().delete()
    with Archive(path) as backup:
        with pytest.raises(RuntimeError), files_of(backup):
            assert len(keys(bucket)) == 1
            raise RuntimeError
        assert keys(bucket) == []
        storage.save(name, io.BytesIO(b"cut off"))
        with files_of(backup):
            pass
        with files_of(backup), storage.open(name) as kept:  # it is there already
            assert kept.read() == content
    assert len(keys(bucket)) == 1
