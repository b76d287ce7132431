"""Pulling and pushing: what was edited on one side goes to the other, and what was edited on both is asked about.

The network is never waited for inside a transaction. What was fetched counts only if the branch's known tip is still
the one from before the fetch; else somebody else's pull or push came between, and it is fetched anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from events import live
from rasax.accounts.models import AuditEntry
from rasax.training.edits import RemoveFile
from rasax.training.formats import blocks
from rasax.training.formats.errors import Refused
from rasax.training.formats.messages import CHANGED_MEANWHILE
from rasax.training.git import trees
from rasax.training.git.failures import MOVED, GitFailed
from rasax.training.git.remote import Author, Remote, Tip, Word
from rasax.training.importing import decoded
from rasax.training.merging import merged
from rasax.training.projects import TOPIC, Project
from rasax.training.repositories import GitFile, GitRepository

if TYPE_CHECKING:
    from rasax.accounts.models import User

TRIES = 5
MOST_NOTES = 1000  # kept and shown of one branch
PULLED, DISCARDED, RESOLVED = "pulled from git", "discarded changes", "solved a conflict"

CONFLICTS = gettext_noop("Both sides changed the same lines. Solve the conflicts first, then push.")
NOT_MERGED = gettext_noop("Look at what connecting would change, and merge first.")
NOTHING = gettext_noop("There is nothing to push: both sides have the same.")
NO_FILES = gettext_noop("The branch holds no YAML file in this folder any more. Nothing was merged; look at both.")
REWRITTEN = gettext_noop("The branch's history was rewritten. What is in it now was merged with what is here.")

Texts = dict[str, str]


@dataclass
class Fetched:
    """`seen` is the known tip from before."""

    seen: str
    tip: Tip
    texts: Texts
    unread: set[str]
    notes: list[tuple[str, str]]

    @property
    def head(self) -> str:
        return self.tip.head.decode()


@dataclass
class Outcome:
    taken: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def fetch(repository: GitRepository) -> Fetched:
    """Raises GitFailed, which is remembered."""
    seen = GitRepository.objects.values_list("head", flat=True).get(pk=repository.pk)
    with _remembered(repository) as remote:
        tip = remote.fetch(repository.branch)
        found = trees.found_in(tip.store, tip.tree, repository.folder)
    texts, notes, unread = Texts(), found.notes[:MOST_NOTES], {path for path, _ in found.notes}
    for path, content in found.files.items():
        try:
            texts[path] = decoded(content)
        except Refused as refused:
            notes.append((f"{path}:{refused.line}", refused.message))
            unread.add(path)
    if not texts and repository.files.filter(base__isnull=False).exists():
        raise GitFailed(NO_FILES)
    if seen and tip.holds(seen) is False:
        notes.append((repository.branch, REWRITTEN))
    return Fetched(seen, tip, texts, unread, notes)


@contextmanager
def _remembered(repository: GitRepository) -> Iterator[Remote]:
    """How the exchange went is kept with the repository."""
    failure: list[str] | None = None
    remote = None
    try:
        remote = repository.remote
        yield remote
    except GitFailed as error:
        failure = [error.message, error.words]
        raise
    finally:
        known: dict[str, Any] = {"failure": failure, "looked_at": timezone.now()}
        if remote and not repository.host_key:
            known["host_key"] = repository.host_key = remote.host_key
        GitRepository.objects.filter(pk=repository.pk).update(**known)
        live.announce([TOPIC])


def look(repository: GitRepository) -> Fetched:
    """Fetches, and remembers what the branch holds. The training data stay as they are. Raises GitFailed."""
    for _ in range(TRIES):
        fetched = fetch(repository)
        with Project.objects.default().held():
            if _settled(repository, fetched):
                return fetched
    raise GitFailed(MOVED)


def pull(repository: GitRepository, by: User | None) -> Outcome:
    """Fetches and merges. Raises GitFailed, Refused."""
    for _ in range(TRIES):
        fetched = fetch(repository)
        with Project.objects.default().held():
            if _settled(repository, fetched):
                return merge(repository, by)
    raise GitFailed(MOVED)


def _settled(repository: GitRepository, fetched: Fetched) -> bool:
    """Remembers what was fetched, unless somebody else fetched or pushed meanwhile. The project is held."""
    known = GitRepository.objects.filter(pk=repository.pk, head__in=(fetched.seen, fetched.head))
    if not known.update(head=fetched.head, notes=fetched.notes):
        return False
    rows = {file.path: file for file in repository.files.all()}
    for path in {*rows, *fetched.texts} - fetched.unread:  # what cannot be read is not gone
        row = rows.get(path) or GitFile(repository=repository, path=path)
        if row.pk is None or row.theirs != fetched.texts.get(path):
            row.theirs = fetched.texts.get(path)
            row.save()
    repository.refresh_from_db()
    return True


def merge(repository: GitRepository, by: User | None) -> Outcome:
    """Brings what is known of the branch together with the training data. Raises Refused."""
    project, outcome = Project.objects.default(), Outcome()
    with project.held():
        ours, taken = project.files(), Texts()
        for row in repository.files.order_by("path"):
            _merge_one(row, ours.get(row.path), taken, outcome)
        if taken:
            project.take(taken, by, verb=PULLED)
        if outcome.removed:
            project.write([RemoveFile(path) for path in outcome.removed], by, PULLED)
        GitRepository.objects.filter(pk=repository.pk).update(is_merged=True)
        live.announce([TOPIC])
    outcome.taken = list(taken)
    return outcome


def _merge_one(row: GitFile, ours: str | None, taken: Texts, outcome: Outcome) -> None:
    if row.theirs == row.base:
        return
    if ours == row.base and row.theirs is None:
        outcome.removed.append(row.path)
    elif ours == row.base and row.theirs is not None:
        taken[row.path] = row.theirs
    elif ours != row.theirs:
        both = _both(row, ours)
        if both is None:
            outcome.conflicts.append(row.path)
            GitFile.objects.filter(pk=row.pk).update(is_conflict=True)
            return
        taken[row.path] = both
    _agree(row)


def _both(row: GitFile, ours: str | None) -> str | None:
    """What has the changes of both sides; None where they are to the same lines, or where what comes of them can no
    longer be read."""
    if row.base is None or row.theirs is None or ours is None:
        return None
    text = merged(row.base, row.theirs, ours)
    try:
        return text if text is None or blocks.split(row.path, text) else None
    except Refused:
        return None


def _agree(row: GitFile) -> None:
    """Both sides now know what the branch holds."""
    if row.theirs is None:
        row.delete()
    else:
        GitFile.objects.filter(pk=row.pk).update(base=row.theirs, is_conflict=False)


def resolve(row: GitFile, text: str | None, by: User | None, stamp: str) -> None:
    """Takes this text for the file, None for no file. `stamp` is of both sides when somebody decided. Raises Refused
    where the text cannot be read, or where one side has changed since."""
    project = Project.objects.default()
    with project.held():
        ours = project.files().get(row.path)
        row.refresh_from_db()
        if stamp != row.stamp(ours):
            raise Refused(CHANGED_MEANWHILE, row.path)
        if text is not None:
            blocks.split(row.path, text)
            project.take({row.path: text}, by, verb=RESOLVED)
        elif ours is not None:
            project.write([RemoveFile(row.path)], by, RESOLVED, row.path[:255])
        _agree(row)


def discard(repository: GitRepository, paths: Iterable[str], by: User | None) -> None:
    """Brings these files back to what both sides last had in common. Raises Refused."""
    project = Project.objects.default()
    with project.held():
        base = {file.path: file.base for file in repository.files.filter(path__in=list(paths))}
        ours = project.files()
        back = {path: base.get(path) for path in paths}
        project.take({path: text for path, text in back.items() if text is not None}, by, verb=DISCARDED)
        gone = [RemoveFile(path) for path, text in back.items() if text is None and path in ours]
        if gone:
            project.write(gone, by, DISCARDED)


def push(repository: GitRepository, branch: str, message: str, by: User) -> str:
    """Pulls, then sends what is pending to the branch, or to a new one. The commit. Raises GitFailed, Refused."""
    for _ in range(TRIES):
        fetched = fetch(repository)
        with Project.objects.default().held():
            if not _settled(repository, fetched):
                continue
            if not repository.is_merged:
                raise GitFailed(NOT_MERGED)
            if merge(repository, by).conflicts or repository.conflicts().exists():
                raise GitFailed(CONFLICTS)
            pending = (diff for diff in repository.pending() if diff.path not in fetched.unread)
            changes = {diff.path: diff.after for diff in pending}
        if not changes:
            raise GitFailed(NOTHING)
        try:
            return _sent(repository, fetched, changes, (branch, message, by))
        except GitFailed as error:
            if error.message != MOVED:
                raise
    raise GitFailed(MOVED)


def _sent(
    repository: GitRepository, fetched: Fetched, changes: dict[str, str | None], word: tuple[str, str, User]
) -> str:
    branch, message, by = word
    tip = fetched.tip
    contents = {path: None if text is None else text.encode() for path, text in changes.items()}
    tree = trees.changed(tip.store, tip.tree, repository.folder, contents) or trees.empty(tip.store)
    said = Word(message, Author(by.get_full_name() or by.get_username(), by.email), int(timezone.now().timestamp()))
    with _remembered(repository) as remote:
        commit = remote.push(tip, branch or repository.branch, tree, said)
    _pushed(repository, fetched, changes, commit if (branch or repository.branch) == repository.branch else "")
    AuditEntry.objects.note(by, "pushed to git", [repository], branch=branch or repository.branch, commit=commit)
    return commit


@transaction.atomic
def _pushed(repository: GitRepository, fetched: Fetched, changes: dict[str, str | None], commit: str) -> None:
    """The branch now holds what was sent. Where another pull was faster, it knows already."""
    if not commit or not GitRepository.objects.filter(pk=repository.pk, head=fetched.head).update(head=commit):
        return
    for path, text in changes.items():
        if text is None:
            repository.files.filter(path=path).delete()
        else:
            repository.files.update_or_create(path=path, defaults={"base": text, "theirs": text})
    live.announce([TOPIC])
