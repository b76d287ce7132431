"""What a model archive says about itself is read; what no Rasa packs is refused, and nothing is unpacked."""

import gzip
import io
import json
import tarfile
import time
from datetime import UTC, datetime

import pytest

from rasax.deployment import archives
from rasax.deployment.archives import ArchiveRefused, read
from tests.servers.rasa_models import archive, directory, file, fingerprint, metadata, packed, root, special

pytestmark = pytest.mark.once

METADATA = json.dumps(metadata()).encode()


def told(content):
    return read(io.BytesIO(content), len(content))


def refusal(content):
    with pytest.raises(ArchiveRefused) as raised:
        told(content)
    return str(raised.value)


def test_a_model_of_3_x_tells_its_rasa_when_it_was_trained_and_its_id():
    found = told(archive("3.6.21", trained_at="2026-11-22T01:58:05.123456", model_id="a2ea5c53"))
    assert (found.rasa_version, found.model_id) == ("3.6.21", "a2ea5c53")
    assert found.trained_at == datetime(2026, 11, 22, 1, 58, 5, 123456, UTC)


def test_a_model_of_2_x_has_a_fingerprint():
    found = told(archive("2.8.34", trained_at=1_637_600_000.5))
    assert (found.rasa_version, found.model_id) == ("2.8.34", "")
    assert found.trained_at == datetime.fromtimestamp(1_637_600_000.5, UTC)


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_it_is_read_as_any_tar_writes_it(style):
    long = "components/" + "a" * (80 if style == tarfile.USTAR_FORMAT else 200) + ".json"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz", format=style) as tar:
        for info, content in (directory("components"), file(long, b"x" * 3000), file("./metadata.json", METADATA)):
            info.mtime = int(info.mtime) if style != tarfile.PAX_FORMAT else info.mtime
            tar.addfile(info, io.BytesIO(content))
    assert told(made.getvalue()).rasa_version == "3.6.21"


OUT = {
    "a step up": "../metadata.json",
    "a step up inside": "components/../../x",
    "an absolute name": "/etc/cron.d/x",
    "a step up in Windows's spelling": "..\\x",
    "a long name that steps up": "a/" * 120 + "../" * 130 + "x",
}


@pytest.mark.parametrize("name", OUT.values(), ids=OUT.keys())
def test_a_name_that_leads_out_is_refused(name):
    assert refusal(packed([file(name, b"x"), file("metadata.json", METADATA)])) == archives.LEADS_OUT


SPECIAL = {
    "a symbolic link": special("components/x", tarfile.SYMTYPE, "/etc/passwd"),
    "a hard link": special("components/x", tarfile.LNKTYPE, "metadata.json"),
    "a character device": special("components/x", tarfile.CHRTYPE),
    "a block device": special("components/x", tarfile.BLKTYPE),
    "a pipe": special("components/x", tarfile.FIFOTYPE),
    "the metadata as a link": special("metadata.json", tarfile.SYMTYPE, "/etc/passwd"),
    "a sparse file": special("components/x", tarfile.GNUTYPE_SPARSE),
    "a long link": special("components/x", tarfile.SYMTYPE, "a" * 300),
}


@pytest.mark.parametrize("member", SPECIAL.values(), ids=SPECIAL.keys())
def test_links_and_devices_are_refused(member):
    assert refusal(packed([member, file("metadata.json", METADATA)])) == archives.NO_FILES


def test_what_grows_without_end_is_refused_soon():
    """300 MB of zeros in 300 kB."""
    began = time.monotonic()
    assert (
        refusal(packed([file("components/x", bytes(300 * 2**20)), file("metadata.json", METADATA)]))
        == archives.TOO_LARGE
    )
    assert time.monotonic() - began < 10


def header(name, size, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L"])
def test_a_header_that_promises_much_is_not_taken_into_memory(kind):
    assert refusal(gzip.compress(header("x", 2**33, kind) + bytes(1024))) == archives.TOO_LARGE


def test_metadata_of_any_size_are_not_taken():
    assert refusal(gzip.compress(header("metadata.json", 2**32) + bytes(2048))) == archives.TOO_LARGE


def pax(**records):
    """A header that changes what the next one says."""
    text = b""
    for key, value in records.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = next(n for n in range(len(body), len(body) + 9) if len(str(n)) + len(body) == n)
        text += str(length).encode() + body
    return header("pax", len(text), b"x") + text + bytes(-len(text) % 512)


@pytest.mark.parametrize("records", [{"size": "9"}, {"linkpath": "/etc/passwd"}, {"GNU__sparse__major": "1"}], ids=str)
def test_a_header_that_changes_what_a_member_is_is_refused(records):
    member = header("metadata.json", len(METADATA)) + METADATA + bytes(-len(METADATA) % 512)
    assert refusal(gzip.compress(pax(**records) + member + bytes(1024))) == archives.NO_FILES


def test_a_header_that_renames_a_member_is_heard():
    member = header("harmless", 0) + header("metadata.json", len(METADATA)) + METADATA
    assert refusal(gzip.compress(pax(path="../../x") + member + bytes(2048))) == archives.LEADS_OUT


def test_endless_members_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 100)
    assert refusal(packed([file(f"components/{n}", b"") for n in range(101)])) == archives.TOO_LARGE


GOOD = archive()
WRONG = {
    "a text": b"hello",
    "a zip": b"PK\x03\x04" + bytes(100),
    "a tar that is not packed": packed([file("metadata.json", METADATA)], "w:"),
    "a packed text": gzip.compress(b"hello" * 500),
    "half a model": GOOD[: len(GOOD) // 2],
    "a model whose last byte did not come": GOOD[:-1],
    "a model whose checksum is another": GOOD[:-8] + bytes(4) + GOOD[-4:],
    "noise in a model": GOOD[:40] + bytes(20) + GOOD[60:],
    "an endless number in a pax header": gzip.compress(header("x", 600, b"x") + b"9" * 600 + bytes(1024)),
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_archive_is_refused(content):
    assert refusal(content) == archives.NO_ARCHIVE


NO_MODEL = {
    "nothing": b"",
    "no metadata": packed([file("README", b"x")]),
    "metadata below a folder": packed([file("model/metadata.json", METADATA)]),
    "a folder in their name": packed([root(), directory("metadata.json")]),
    "no JSON": packed([file("metadata.json", b"{")]),
    "a list": packed([file("metadata.json", b"[]")]),
    "deep JSON": packed([file("metadata.json", b"[" * 100_000)]),
    "no version": packed([file("metadata.json", b"{}")]),
    "a version that is none": packed([file("metadata.json", json.dumps(metadata(3.6)).encode())]),
    "a version that is long": packed([file("metadata.json", json.dumps(metadata("3" * 99)).encode())]),
    "a fingerprint without a version": packed([file("fingerprint.json", json.dumps(fingerprint("")).encode())]),
}


@pytest.mark.parametrize("content", NO_MODEL.values(), ids=NO_MODEL.keys())
def test_what_says_not_which_rasa_trained_it_is_refused(content):
    assert refusal(content) == archives.NO_MODEL


@pytest.mark.parametrize("moment", ["yesterday", 1e400, float("nan"), None, [], "", -1e18, {"x": 1}], ids=str)
def test_a_moment_that_is_none_is_left_out(moment):
    assert told(archive(trained_at=moment)).trained_at is None


@pytest.mark.parametrize("model_id", ["x" * 99, 7, None, "a/b", "<b>"], ids=str)
def test_an_id_that_is_none_is_left_out(model_id):
    assert told(archive(model_id=model_id)).model_id == ""
