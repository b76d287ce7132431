"""A project of a few files, and a browser in which Alice is signed in."""

import html
import re

import pytest

from rasax.training.models import Project
from tests.rasax.training.git import bare, git_http, git_ssh, over_http, over_ssh  # noqa: F401 - fixtures
from tests.rasax.training.test_intents import FILES


def text_of(response):
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


@pytest.fixture
def project(db):
    project = Project.objects.default()
    project.take(FILES, None)
    return project


@pytest.fixture
def desk(client, alice):
    client.force_login(alice)
    return client
