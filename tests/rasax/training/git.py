"""Git servers for tests: one of each kind a run of a worker; each test has its own repository and its own key."""

import pytest

from rasax.training.git import ssh
from rasax.training.models import GitRepository
from tests.servers.git import PASSWORD, HttpGitServer, Repository, SshGitServer

NLU = """version: "3.1"
nlu:
# hello
- intent: greet
  examples: |
    - hi
    - hello
- intent: bye
  examples: |
    - bye
    - see you
"""
DOMAIN = "intents:\n- greet\n- bye\n"
FILES = {"data/nlu.yml": NLU, "domain.yml": DOMAIN}
OTHERS = {"README.md": "A bot\n", "actions/actions.py": "print(1)\n", "endpoints.yml": "tracker_store: {}\n"}


@pytest.fixture(scope="session")
def git_ssh():
    with SshGitServer() as server:
        yield server


@pytest.fixture(scope="session")
def git_http(tmp_path_factory):
    with HttpGitServer(tmp_path_factory.getbasetemp()) as server:
        yield server


@pytest.fixture
def bare(tmp_path):
    repository = Repository(tmp_path)
    repository.write({**FILES, **OTHERS}, "Begin")
    return repository


@pytest.fixture
def over_ssh(git_ssh, bare, settings, alice):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    key = ssh.new_key()
    git_ssh.authorize(ssh.public_half(key))
    return GitRepository.objects.connect(git_ssh.url(bare), "main", "", key, alice)


@pytest.fixture
def over_http(git_http, bare, settings, alice):
    settings.ALLOW_PRIVATE_ADDRESSES = True
    return GitRepository.objects.connect(git_http.url(bare), "main", "", PASSWORD, alice)
