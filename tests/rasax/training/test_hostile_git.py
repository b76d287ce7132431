"""What a git server may send: packs that stand for gigabytes, trees without an end, names that lead elsewhere."""

import io
import zlib

import pytest
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import Blob, Tree

from rasax.training.git import trees
from rasax.training.git.failures import BROKEN, TOO_LARGE, GitFailed
from rasax.training.git.packs import look_through

pytestmark = pytest.mark.once
BLOB, OFFSET_DELTA = 3, 6
GIGABYTES = 2 * 2**30


def number(value):
    """Seven bits a byte, the least first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def head(kind, size):
    first, rest = (kind << 4) | (size & 15), size >> 4
    return bytes([first | 0x80]) + number(rest) if rest else bytes([first])


def pack(*objects):
    return b"PACK" + (2).to_bytes(4) + len(objects).to_bytes(4) + b"".join(objects) + bytes(20)


def honest():
    files = [b"nlu: []\n" * n for n in range(1, 9)]
    return pack(*[head(BLOB, len(file)) + zlib.compress(file) for file in files])


def refused(data):
    with pytest.raises(GitFailed) as caught:
        look_through(io.BytesIO(data))
    return caught.value.message


def test_an_honest_pack_passes():
    look_through(io.BytesIO(honest()))
    look_through(io.BytesIO(b""))


@pytest.mark.parametrize(
    ("hostile", "message"),
    [
        pytest.param(pack(head(BLOB, GIGABYTES)), TOO_LARGE, id="a file of two gigabytes"),
        pytest.param(pack(head(BLOB, 5) + zlib.compress(bytes(2**20))), BROKEN, id="more than it says"),
        pytest.param(
            pack(head(OFFSET_DELTA, 9) + b"\x01" + zlib.compress(number(8) + number(GIGABYTES))), TOO_LARGE,
            id="a delta that makes two gigabytes",
        ),
        pytest.param(pack(b"\xff" * 2**20), BROKEN, id="a number without an end"),
        pytest.param(pack(head(BLOB, 5) + b"no zlib"), BROKEN, id="not compressed"),
        pytest.param(b"<html>", BROKEN, id="no pack"),
    ],
)  # fmt: skip
def test_a_hostile_pack_is_refused_before_it_is_unpacked(hostile, message):
    assert refused(hostile) == message


def test_many_small_files_may_be_too_much(monkeypatch):
    monkeypatch.setattr("rasax.training.git.packs.MOST_UNPACKED", 8 * 20)
    assert refused(honest()) == TOO_LARGE


def test_a_pack_that_breaks_off_anywhere_is_refused():
    whole = honest()[:-20]
    assert {refused(whole[:length]) for length in range(1, len(whole))} == {BROKEN}


def stored(*entries):
    """A store, and a tree in it of these entries: (name, mode, what)."""
    store, tree = MemoryObjectStore(), Tree()
    for name, mode, what in entries:
        if not isinstance(what, bytes):
            store.add_object(what)
        tree.add(name, mode, what if isinstance(what, bytes) else what.id)
    store.add_object(tree)
    return store, tree


def test_a_tree_that_is_endless_in_few_bytes_is_given_up(monkeypatch):
    monkeypatch.setattr(trees, "MOST_ENTRIES", 1000)
    store, tree = stored((b"notes.txt", 0o100644, Blob.from_string(b"x")))
    for _ in range(30):
        above = Tree()
        for name in (b"a", b"b", b"c", b"d"):
            above.add(name, 0o40000, tree.id)
        store.add_object(above)
        tree = above
    with pytest.raises(GitFailed) as caught:
        trees.found_in(store, tree.id, "")
    assert caught.value.message == TOO_LARGE
    assert len(list(trees.ids(store, tree.id))) == 32


def test_what_is_no_file_of_ours_is_named_and_left():
    nlu = Blob.from_string(b"nlu: []\n")
    store, tree = stored(
        (b"data.yml", 0o100644, nlu), (b"sub.yml", 0o160000, b"1" * 40),
        (b"\xff.yml", 0o100644, nlu), (b"..", 0o100644, nlu), (b".git", 0o100644, nlu), (b"a\\b.yml", 0o100644, nlu),
        (b"link.yml", 0o120000, nlu),
    )  # fmt: skip
    found = trees.found_in(store, tree.id, "")
    assert found.files == {"data.yml": b"nlu: []\n"}
    assert dict(found.notes) == {
        "sub.yml": trees.SUBMODULE, "link.yml": trees.LINK, "..": trees.NAME, ".git": trees.NAME,
        "a\\b.yml": trees.NAME, "\N{REPLACEMENT CHARACTER}.yml": trees.NAME,
    }  # fmt: skip
    changed = trees.changed(store, tree.id, "", {"data.yml": b"nlu: [] # ours\n"})
    assert {entry.path for entry in store[changed].items()} == {entry.path for entry in tree.items()}
