"""What a commit's tree holds of training data, and the tree in which some of its files are others."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext_noop
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob, ObjectID, Tree

from rasax.training.git.failures import IN_THE_WAY, TOO_LARGE, GitFailed
from rasax.training.paths import checked

MOST_FILES = 5_000
MOST_ENTRIES = 200_000  # a tree may hold one subtree many times, and so be endless in few bytes
MOST_BYTES = 64 * 2**20  # of all YAML together
DEEPEST = 40
LFS = b"version https://git-lfs.github.com/spec/"
ORDINARY = {0o100644, 0o100755, 0o100664}

LINK = gettext_noop("It is a link. rasax reads files alone.")
SUBMODULE = gettext_noop("It is a submodule. rasax reads the repository alone.")
POINTER = gettext_noop("It is a pointer of Git LFS. Keep training data in the repository itself.")
LEFT_AT_SERVER = gettext_noop("It is too large, and stays at the git server.")
NAME = gettext_noop("Its name is no text in UTF-8, or leads elsewhere. Rename it.")
SAME_NAME = gettext_noop("Another file has this name but for capitals. Rename one of them.")


@dataclass
class Found:
    """`notes` say of files why they are not read: (path, message)."""

    files: dict[str, bytes] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    looked_at: int = 0

    def look_at(self, above: str, depth: int) -> None:
        self.looked_at += 1
        if depth > DEEPEST or self.looked_at > MOST_ENTRIES:
            raise GitFailed(TOO_LARGE, above[:200])


def found_in(store: MemoryObjectStore, tree: ObjectID, folder: str) -> Found:
    """The YAML of a project by path below the folder."""
    found, size, seen = Found(), 0, dict[str, str]()
    for path, mode, sha in _entries(store, _below(store, tree, folder), found):
        note = _kind_note(mode, path)
        if note or checked(path) != path:
            if note and path.endswith((".yml", ".yaml")):
                found.notes.append((path, note))
            continue
        content = _content(store, sha)
        note = LEFT_AT_SERVER if content is None else POINTER if content.startswith(LFS) else ""
        note = note or (SAME_NAME if path.lower() in seen else "")
        if note or content is None:
            found.notes.append((path, note))
            continue
        seen[path.lower()] = path
        found.files[path], size = content, size + len(content)
        if size > MOST_BYTES or len(found.files) > MOST_FILES:
            raise GitFailed(TOO_LARGE)
    return found


def _kind_note(mode: int, path: str) -> str:
    if stat.S_ISLNK(mode):
        return LINK
    return "" if mode in ORDINARY else SUBMODULE


def _content(store: MemoryObjectStore, sha: ObjectID) -> bytes | None:
    try:
        return bytes(store[sha].as_raw_string())
    except KeyError:
        return None


def _below(store: MemoryObjectStore, tree: ObjectID, folder: str) -> ObjectID | None:
    """The tree of a folder; None where there is none."""
    at: ObjectID | None = tree
    for step in filter(None, folder.split("/")):
        at = _subtree(store, at, step.encode())
    return at


def _subtree(store: MemoryObjectStore, tree: ObjectID | None, name: bytes) -> ObjectID | None:
    if tree is None:
        return None
    try:
        mode, sha = _tree(store, tree)[name]
    except KeyError:
        return None
    return sha if stat.S_ISDIR(mode) else None


def _tree(store: MemoryObjectStore, sha: ObjectID) -> Tree:
    found = store[sha]
    if not isinstance(found, Tree):
        raise KeyError(sha)
    return found


def _entries(
    store: MemoryObjectStore, tree: ObjectID | None, found: Found, above: str = "", depth: int = 0
) -> Iterator[tuple[str, int, ObjectID]]:
    if tree is None:
        return
    for entry in _tree(store, tree).items():
        found.look_at(above, depth)
        name = _name(entry.path)
        if name is None:
            found.notes.append((above + entry.path.decode("utf-8", "replace"), NAME))
        elif stat.S_ISDIR(entry.mode):
            yield from _entries(store, entry.sha, found, f"{above}{name}/", depth + 1)
        else:
            yield above + name, entry.mode, entry.sha


def _name(raw: bytes) -> str | None:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if name in {"", ".", "..", ".git"} or "/" in name or "\\" in name or not name.isprintable() else name


def ids(store: MemoryObjectStore, tree: ObjectID) -> Iterator[ObjectID]:
    """Of the tree, and of all in it that is in the store; each once."""
    left, seen = [tree], {tree}
    while left:
        at = left.pop()
        yield at
        for entry in _tree(store, at).items():
            if entry.sha in seen or entry.sha not in store:
                continue
            seen.add(entry.sha)
            if stat.S_ISDIR(entry.mode):
                left.append(entry.sha)
            else:
                yield entry.sha


def empty(store: MemoryObjectStore) -> ObjectID:
    tree = Tree()
    store.add_object(tree)
    return tree.id


def changed(
    store: MemoryObjectStore, tree: ObjectID | None, folder: str, changes: Mapping[str, bytes | None]
) -> ObjectID | None:
    """The tree in which these files of the folder have other contents, or (None) are gone; everything else is as it
    was. Its new objects are in the store. None where nothing is left of it."""
    prefix = [step for step in folder.split("/") if step]
    return _changed(store, tree, {(*prefix, *path.split("/")): content for path, content in changes.items()})


def _changed(
    store: MemoryObjectStore, tree: ObjectID | None, changes: Mapping[tuple[str, ...], bytes | None]
) -> ObjectID | None:
    old = _tree(store, tree) if tree is not None else Tree()
    new = Tree()
    for entry in old.items():
        new.add(entry.path, entry.mode, entry.sha)
    by_step: dict[str, dict[tuple[str, ...], bytes | None]] = {}
    for path, content in changes.items():
        by_step.setdefault(path[0], {})[path[1:]] = content
    for step, below in by_step.items():
        _put(store, new, step.encode(), below)
    if not len(new):
        return None
    store.add_object(new)
    return new.id


def _put(store: MemoryObjectStore, tree: Tree, name: bytes, below: Mapping[tuple[str, ...], bytes | None]) -> None:
    """Raises GitFailed where a link, a submodule or a folder has the name of a file, or the other way round."""
    mode, sha = tree[name] if name in tree else (0, None)  # noqa: SIM401 - a Tree has no get()
    is_file = () in below
    if mode and (mode not in ORDINARY if is_file else not stat.S_ISDIR(mode)):
        raise GitFailed(IN_THE_WAY, name.decode("utf-8", "replace"))
    if is_file:
        content = below[()]
        changed_to, mode = None if content is None else _stored(store, content), mode or 0o100644
    else:
        changed_to, mode = _changed(store, sha, below), stat.S_IFDIR
    if name in tree:
        del tree[name]
    if changed_to is not None:
        tree.add(name, mode, changed_to)


def _stored(store: MemoryObjectStore, content: bytes) -> ObjectID:
    blob = Blob.from_string(content)
    store.add_object(blob)
    return blob.id
