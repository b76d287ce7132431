"""A file whose model was never written down is found, and deleted when somebody says so."""

import io
import os
import time

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command

from rasax.deployment.registry import model_storage
from tests.rasax.deployment.test_registry import keep

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def sweep(*arguments):
    out = io.StringIO()
    call_command("sweep_model_files", *arguments, stdout=out)
    return out.getvalue().splitlines()


def left(name, *, hours):
    """As a process leaves it that dies before the row."""
    storage = model_storage()
    storage.save(name, ContentFile(b"half a model"))
    then = time.time() - hours * 3600
    os.utime(storage.path(name), (then, then))
    return name


def test_only_old_files_of_ours_that_no_model_has_are_swept(db):
    kept = keep().file.name
    os.utime(model_storage().path(kept), (0, 0))
    old = left(f"{'a' * 32}.tar.gz", hours=25)
    young, others = left(f"{'b' * 32}.tar.gz", hours=23), left("of-somebody-else.tar.gz", hours=99)
    assert sweep() == [old, "1 model files without a model."]
    assert model_storage().exists(old)
    assert sweep("--delete") == [old, "1 model files deleted."]
    assert [model_storage().exists(name) for name in (kept, old, young, others)] == [True, False, True, True]
    assert sweep() == ["0 model files without a model."]
    for name in (young, others):
        model_storage().delete(name)
