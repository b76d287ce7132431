"""The git repository of the training data: connected, looked at, pulled from, pushed to."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.errors import Conflict, OfNoUse
from rasax.accounts.api.fields import Strict, Text
from rasax.accounts.api.operating import JobState
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.models import Job
from rasax.training import sync_jobs
from rasax.training.access import CHANGE_ALL, VIEW
from rasax.training.api.asking import known
from rasax.training.git import places, ssh
from rasax.training.git.failures import GitFailed
from rasax.training.git_forms import BRANCH, FOLDER
from rasax.training.models import GitRepository

CONNECT = (VIEW, "accounts.change_settings")
SYNC = (VIEW, *CHANGE_ALL)
ONE_ONLY = "A repository is connected. Delete it here first; the data stay."


class RepositoryToConnect(Strict):
    repository_url = Text(max_length=500, help_text="ssh://…, git@host:path or https://…")
    ssh_key = Text(required=False, max_length=20_000, trim_whitespace=False, help_text="Without it one is made for ssh")
    token = Text(required=False, max_length=2_000, help_text="For https")
    target_branch = Text(default="main", max_length=200, validators=[BRANCH])
    folder = Text(default="", max_length=300, allow_blank=True, validators=[FOLDER])


def secret_of(body: dict[str, Any]) -> str:
    """The key or the token; a new key where SSH has none. Raises OfNoUse."""
    try:
        if not places.place_of(body["repository_url"]).is_ssh:
            return str(body.get("token", ""))
        secret = body.get("ssh_key") or ssh.new_key()
        ssh.read_key(secret)
    except (ValidationError, GitFailed) as error:
        raise OfNoUse(error.message) from error
    return str(secret)


class RepositoryItem(serializers.ModelSerializer[GitRepository]):
    repository_url = serializers.CharField(source="url")
    target_branch = serializers.CharField(source="branch")

    class Meta:
        model = GitRepository
        fields = ["id", "repository_url", "target_branch", "folder", "public_key", "fingerprint", "pull_every"]


class RepositoryStatus(serializers.Serializer[GitRepository]):
    head = serializers.CharField(help_text="The commit that was fetched last; empty: none was")
    is_merged = serializers.BooleanField(help_text="Somebody agreed to the first merge")
    looked_at = serializers.DateTimeField(allow_null=True)
    failure = serializers.SerializerMethodField()
    pending = serializers.SerializerMethodField(help_text="Files that a push would send")
    incoming = serializers.SerializerMethodField(help_text="Files that were fetched and not merged")
    conflicts = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_failure(self, repository: GitRepository) -> str | None:
        return " ".join(repository.failure).strip() if repository.failure else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_pending(self, repository: GitRepository) -> list[str]:
        return [diff.path for diff in repository.pending()]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_incoming(self, repository: GitRepository) -> list[str]:
        return [diff.path for diff in repository.incoming()]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_conflicts(self, repository: GitRepository) -> list[str]:
        return list(repository.conflicts().values_list("path", flat=True))


class Word(Strict):
    message = Text(max_length=5_000)
    branch = Text(required=False, max_length=200, validators=[BRANCH], help_text="A new one, or the connected one")


class Repositories(Endpoint):
    @operation(RepositoryItem(many=True), needs=(VIEW,))
    def get(self, request: Request, project: str) -> Response:
        """The repository that is connected, or none."""
        known(project)
        return Response(RepositoryItem(GitRepository.objects.all(), many=True).data)

    @operation(RepositoryItem, needs=CONNECT, body=RepositoryToConnect, status=201, errors=(409, 422))
    def post(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Connect a repository. Nothing is fetched and nothing changes, until you pull."""
        known(project)
        secret = secret_of(body)
        if GitRepository.objects.exists():
            raise Conflict(ONE_ONLY)
        repository = GitRepository.objects.connect(
            body["repository_url"], body["target_branch"], body["folder"], secret, person(request)
        )
        return Response(RepositoryItem(repository).data, status=201)


class OneRepository(Endpoint):
    @operation(RepositoryItem, needs=(VIEW,))
    def get(self, request: Request, project: str, pk: int) -> Response:
        """The repository."""
        return Response(RepositoryItem(_repository(project, pk)).data)

    @operation(None, needs=CONNECT, status=204)
    def delete(self, request: Request, project: str, pk: int) -> Response:
        """Disconnect it. The data stay, and so does the repository."""
        _repository(project, pk).disconnect(person(request))
        return Response(status=204)


class Status(Endpoint):
    @operation(RepositoryStatus, needs=(VIEW,))
    def get(self, request: Request, project: str, pk: int) -> Response:
        """What is pending on either side, as of the last fetch."""
        return Response(RepositoryStatus(_repository(project, pk)).data)


class Pull(Endpoint):
    @operation(JobState, needs=SYNC, status=202)
    def post(self, request: Request, project: str, pk: int) -> Response:
        """Fetch and merge. What both sides changed becomes a conflict; what is here stays."""
        _repository(project, pk)
        return _begun(Job.objects.ask(sync_jobs.PULL, person(request)))


class Push(Endpoint):
    @operation(JobState, needs=SYNC, body=Word, status=202)
    def post(self, request: Request, project: str, pk: int, body: dict[str, Any]) -> Response:
        """Pull, then send what is pending as one commit."""
        _repository(project, pk)
        return _begun(
            Job.objects.ask(sync_jobs.PUSH, person(request), message=body["message"], branch=body.get("branch", ""))
        )


def _repository(project: str, pk: int) -> GitRepository:
    known(project)
    return get_object_or_404(GitRepository, pk=pk)


def _begun(job: Job) -> Response:
    return Response(JobState(job).data, status=202)
