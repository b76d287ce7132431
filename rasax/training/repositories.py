"""The git repository in which the training data also are, and what is known of its files."""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events import live
from rasax.accounts.models import AuditEntry
from rasax.accounts.sealing import SealedField, Unreadable, seal, unseal
from rasax.training.edits import FileDiff
from rasax.training.git import places
from rasax.training.git.failures import NO_ENCRYPTION, GitFailed
from rasax.training.projects import TOPIC, Project

# What speaks with git servers is imported where it is first used: it takes half a second of every process's start.
if TYPE_CHECKING:
    from rasax.accounts.models import User
    from rasax.training.git.remote import Remote


class GitRepositoryQuerySet(models.QuerySet["GitRepository"]):
    @transaction.atomic
    def connect(self, url: str, branch: str, folder: str, secret: str, by: User | None) -> GitRepository:
        """Nothing is fetched, and nothing of the training data changes. `secret` is a private key for SSH, else a
        token. Raises GitFailed where the key is none."""
        from rasax.training.git import ssh

        public = ssh.public_half(secret) if places.place_of(url).is_ssh else ""
        repository = self.create(
            url=url, branch=branch, folder=folder.strip("/"), secret=seal(secret), public_key=public
        )
        AuditEntry.objects.note(by, "connected a git repository", [repository], branch=branch)
        live.announce([TOPIC])
        return repository


class GitRepository(models.Model):
    url = models.CharField(_("Address"), max_length=500, validators=[places.validate])
    branch = models.CharField(_("Branch"), max_length=200, default="main")
    folder = models.CharField(
        _("Folder"), max_length=300, blank=True, help_text=_("Of the Rasa project in the repository; empty: its top.")
    )
    secret = SealedField(editable=False, blank=True)
    public_key = models.TextField(editable=False, blank=True)
    host_key = models.TextField(editable=False, blank=True)
    head = models.CharField(max_length=64, editable=False, blank=True, help_text="The commit that was fetched last")
    is_merged = models.BooleanField(default=False, editable=False, help_text="Somebody agreed to the first merge")
    notes = models.JSONField(default=list, editable=False, help_text="Files that are not read: [path, why]")
    failure = models.JSONField(null=True, editable=False, help_text="What went wrong the last time: [message, words]")
    looked_at = models.DateTimeField(null=True, editable=False)
    pull_every = models.PositiveSmallIntegerField(
        _("Pull every … minutes"), default=0, help_text=_("0: only when somebody asks for it")
    )
    pull_after = models.DateTimeField(null=True, editable=False)

    objects = GitRepositoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "git repositories"

    def __str__(self) -> str:
        return self.url

    @property
    def remote(self) -> Remote:
        """Raises GitFailed."""
        from rasax.training.git.remote import Remote

        try:
            return Remote(places.place_of(self.url), unseal(self.secret), self.host_key)
        except Unreadable as error:
            raise GitFailed(NO_ENCRYPTION) from error

    @property
    def fingerprint(self) -> str:
        from rasax.training.git import ssh

        return ssh.fingerprint(self.host_key)

    def pending(self) -> list[FileDiff]:
        """What a push would send."""
        ours = Project.objects.default().files()
        known = {file.path: file.base for file in self.files.all()}
        return [
            FileDiff(path, known.get(path), ours.get(path))
            for path in sorted({*ours, *known})
            if known.get(path) != ours.get(path)
        ]

    def incoming(self) -> list[FileDiff]:
        """What the last look at the branch found, that is not merged."""
        ours = Project.objects.default().files()
        return [
            FileDiff(file.path, ours.get(file.path), file.theirs)
            for file in self.files.order_by("path")
            if file.theirs not in {file.base, ours.get(file.path)}
        ]

    def conflicts(self) -> models.QuerySet[GitFile]:
        return self.files.filter(is_conflict=True).order_by("path")

    @transaction.atomic
    def schedule(self, minutes: int, by: User | None) -> None:
        self.pull_every = minutes
        self.pull_after = timezone.now() + timedelta(minutes=minutes) if minutes else None
        self.save(update_fields=["pull_every", "pull_after"])
        AuditEntry.objects.note(by, "scheduled pulls", [self], minutes=minutes)

    @transaction.atomic
    def forget_host_key(self, by: User | None) -> None:
        AuditEntry.objects.note(by, "forgot a host key", [self], fingerprint=self.fingerprint)
        GitRepository.objects.filter(pk=self.pk).update(host_key="", failure=None)

    @transaction.atomic
    def disconnect(self, by: User | None) -> None:
        """The training data stay as they are, and so does the repository."""
        AuditEntry.objects.note(by, "disconnected a git repository", [self])
        self.delete()
        live.announce([TOPIC])


class GitFile(models.Model):
    """`base` is what both sides last had in common, `theirs` what the branch held when it was last fetched; null: no
    such file."""

    repository = models.ForeignKey(GitRepository, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=500)
    base = models.TextField(null=True)  # noqa: DJ001 - no file is not an empty file
    theirs = models.TextField(null=True)  # noqa: DJ001
    is_conflict = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["repository", "path"], name="git_file_is_known_once")]

    def __str__(self) -> str:
        return self.path

    def stamp(self, ours: str | None) -> str:
        """Of both sides as somebody sees them, to tell later whether one has changed."""
        return blake2b(repr((ours, self.theirs)).encode(errors="surrogatepass"), digest_size=16).hexdigest()
