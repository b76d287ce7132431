"""What rasax asks of a git server: the tip of a branch with what is in it, and to take a commit upon it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko
from dulwich.client import SSHGitClient, TraditionalGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, ObjectFormatException, SendPackError
from dulwich.object_store import MemoryObjectStore, ObjectStoreGraphWalker
from dulwich.objects import Commit, ObjectID
from dulwich.pack import PackData, PackInflater, pack_objects_to_data
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as TimeoutOfHTTP

from rasax.training.git import packs, trees
from rasax.training.git.budget import LARGEST_OBJECT, Budget
from rasax.training.git.failures import (
    BROKEN,
    MOVED,
    NO_BRANCH,
    NO_REPOSITORY,
    NOT_TAKEN,
    TOO_LATE,
    UNREACHABLE,
    GitFailed,
)
from rasax.training.git.http import HttpClient
from rasax.training.git.places import Place
from rasax.training.git.ssh import Vendor

DEPTH = 50  # commits, to see whether a branch's history was rewritten
OF_A_RACE = ("fast-forward", "fetch first", "lock", "failed to update ref")  # git-receive-pack(1)
FILTER = b"blob:limit=%d" % LARGEST_OBJECT
HEADS = b"refs/heads/"


@dataclass(frozen=True)
class Tip:
    """A branch as it is at the server. `is_whole`: no older commits than those in the store are there."""

    head: ObjectID
    store: MemoryObjectStore
    is_whole: bool

    def holds(self, commit: str) -> bool | None:
        """Whether its history has the commit; None where it goes back further than was fetched."""
        return True if ObjectID(commit.encode()) in self.store else False if self.is_whole else None

    @property
    def tree(self) -> ObjectID:
        commit = self.store[self.head]
        if not isinstance(commit, Commit):
            raise GitFailed(BROKEN)
        return ObjectID(commit.tree)


@dataclass(frozen=True)
class Author:
    name: str
    email: str

    @property
    def line(self) -> bytes:
        kept = [part.translate(dict.fromkeys(map(ord, "<>\n\r\0"))).strip() for part in (self.name, self.email)]
        return f"{kept[0] or 'rasax'} <{kept[1] or 'rasax@localhost'}>".encode()


@dataclass(frozen=True)
class Word:
    """What a commit says; `at` is seconds of the epoch."""

    message: str
    author: Author
    at: int


class Remote:
    """`secret` is a private key for SSH, else a token. `host_key` is what an SSH server showed the first time, and
    what it has shown by now."""

    def __init__(self, place: Place, secret: str, host_key: str = "") -> None:
        self.place, self._secret, self.host_key = place, secret, host_key

    def branches(self) -> dict[str, str]:
        """The commit of each by its name."""
        with self._client() as client:
            found = client.get_refs(self._path)
        refs = {ref: sha for ref, sha in found.refs.items() if sha and ref.startswith(HEADS)}
        return {ref[len(HEADS) :].decode("utf-8", "replace"): sha.decode() for ref, sha in refs.items()}

    def fetch(self, branch: str) -> Tip:
        wanted, store = HEADS + branch.encode(), MemoryObjectStore()
        with self._client() as client, tempfile.TemporaryFile() as pack:
            walker = ObjectStoreGraphWalker([], lambda sha: [])
            result = client.fetch_pack(
                self._path,
                lambda refs, depth=None: [refs[wanted]] if wanted in refs else [],
                walker,
                pack.write,
                depth=DEPTH,
                filter_spec=FILTER,
            )
            head = result.refs.get(wanted)
            if not head:
                raise GitFailed(NO_BRANCH, branch)
            packs.look_through(pack)
            _unpack(pack, store)
        return Tip(head, store, not result.new_shallow)

    def push(self, tip: Tip, branch: str, tree: ObjectID, word: Word) -> str:
        """The new commit upon the tip. Raises GitFailed with MOVED where the branch is no longer there."""
        commit, wanted = _commit(tip, tree, word), HEADS + branch.encode()
        tip.store.add_object(commit)

        def update(refs: Mapping[Any, Any]) -> dict[Any, Any]:
            if refs.get(wanted, tip.head) != tip.head:
                raise GitFailed(MOVED)
            return {wanted: commit.id}

        with self._client() as client:
            result = client.send_pack(
                self._path, update, lambda have, want, **options: _new_objects(tip, commit, options)
            )
            _look_at(result.ref_status or {})
        return commit.id.decode()

    @property
    def _path(self) -> Any:
        return self.place.path if self.place.is_ssh else self.place.path.encode()

    @contextmanager
    def _client(self) -> Iterator[Any]:
        budget = Budget()
        vendor = Vendor(self._secret, self.host_key, budget)
        try:
            yield self._ssh(vendor) if self.place.is_ssh else self._http(budget)
        except NotGitRepository as error:
            raise GitFailed(NO_REPOSITORY, str(error)) from error
        except (HangupException, EOFError) as error:
            raise GitFailed(NO_REPOSITORY if self.place.is_ssh else BROKEN, _words(error)) from error
        except SendPackError as error:
            raise GitFailed(NOT_TAKEN, _words(error)) from error
        except (GitProtocolError, ObjectFormatException, AssertionError, ValueError, KeyError) as error:
            raise _cause(error) from error
        except (OSError, HTTPError, paramiko.SSHException) as error:
            raise _cause(error, UNREACHABLE) from error
        finally:
            self.host_key = vendor.seen

    def _ssh(self, vendor: Vendor) -> TraditionalGitClient:
        return SSHGitClient(self.place.host, self.place.port, self.place.user, vendor, quiet=True)

    def _http(self, budget: Budget) -> HttpClient:
        return HttpClient(self.place.origin, self.place.user, self._secret, budget)


def _cause(error: BaseException, message: str = BROKEN) -> GitFailed:
    """What of ours is behind an error that a library wrapped."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, GitFailed):
            return at
        if isinstance(at, TimeoutError | TimeoutOfHTTP):
            return GitFailed(TOO_LATE)
        at = at.__cause__ or at.__context__
    return GitFailed(message, _words(error))


def _words(error: BaseException) -> str:
    lines = getattr(error, "stderr_lines", None) or []
    said = b"\n".join(line for line in lines if isinstance(line, bytes)).decode("utf-8", "replace")
    return said or str(error)


def _unpack(pack: Any, store: MemoryObjectStore) -> None:
    size = pack.seek(0, 2)
    pack.seek(0)
    data = PackData.from_file(pack, store.object_format, size)
    data.check()
    for each in PackInflater.for_pack_data(data, store.get_raw):
        store.add_object(each)


def _commit(tip: Tip, tree: ObjectID, word: Word) -> Commit:
    commit = Commit()
    commit.tree, commit.parents = tree, [tip.head]
    commit.author = commit.committer = word.author.line
    commit.author_time = commit.commit_time = word.at
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding, commit.message = b"UTF-8", f"{word.message.strip()}\n".encode()
    return commit


def _new_objects(tip: Tip, commit: Commit, options: Any) -> Any:
    """The commit, and of its trees and files those that the tip has not."""
    known = set(trees.ids(tip.store, tip.tree))
    new = [sha for sha in trees.ids(tip.store, commit.tree) if sha not in known]
    return pack_objects_to_data([(tip.store[sha], None) for sha in (commit.id, *dict.fromkeys(new))], **options)


def _look_at(told: Mapping[bytes, str | None]) -> None:
    for words in told.values():
        if words:
            moved = any(sign in words for sign in OF_A_RACE)
            raise GitFailed(MOVED if moved else NOT_TAKEN, str(words))
