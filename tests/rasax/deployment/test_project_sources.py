"""Projects that people upload, or that an operator mounted: read, bounded, and never written anywhere."""

import io
import tarfile
import zipfile

import pytest

from rasax.accounts import packed as reading
from rasax.deployment import projects, unpacking
from rasax.deployment.models import UploadedProject
from rasax.deployment.unpacking import Refused, unpacked
from tests.rasax.deployment.conftest import PROJECT, zipped
from tests.servers.rasa_models import file, packed, special

pytestmark = pytest.mark.once


def tarred(*members):
    return io.BytesIO(packed(list(members)))


def refusal(archive):
    with pytest.raises(Refused) as caught:
        unpacked(archive)
    return caught.value.message


def test_a_zip_and_a_tar_gz_give_their_yaml_files():
    with_more = PROJECT | {"models/a.tar.gz": b"x" * 100, "actions/a.py": "import os", ".git/config.yml": "a: 1"}
    assert unpacked(zipped(with_more)) == PROJECT
    assert unpacked(tarred(*(file(name, text.encode()) for name, text in PROJECT.items()))) == PROJECT


def test_the_folder_around_a_project_does_not_count():
    assert unpacked(zipped({f"bot/main/{name}": text for name, text in PROJECT.items()})) == PROJECT


@pytest.mark.parametrize("name", ["../config.yml", "/etc/config.yml", "a/../../b.yml", "..\\b.yml", "C:\\b.yml"])
def test_names_that_lead_out_are_refused(name):
    assert refusal(zipped(PROJECT | {name: "a: 1"})) == unpacking.LEADS_OUT
    assert refusal(tarred(file(name, b"a: 1"))) == unpacking.LEADS_OUT


def test_links_and_devices_are_passed_over():
    members = [special("config.yml", tarfile.SYMTYPE, "/etc/passwd"), special("b.yml", tarfile.LNKTYPE, "config.yml")]
    members += [special("c.yml", tarfile.CHRTYPE), special("d.yml", tarfile.FIFOTYPE), file("domain.yml", b"a: 1")]
    assert unpacked(tarred(*members)) == {"domain.yml": "a: 1"}
    made = zipped({"domain.yml": "a: 1"})
    with zipfile.ZipFile(made, "a") as archive:
        link = zipfile.ZipInfo("config.yml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    made.seek(0)
    assert unpacked(made) == {"domain.yml": "a: 1"}


def test_bombs_are_refused():
    assert refusal(zipped({"config.yml": " " * (unpacking.LARGEST + 1)})) == unpacking.TOO_LARGE
    assert refusal(tarred(file("config.yml", b" " * (unpacking.LARGEST + 1)))) == unpacking.TOO_LARGE


def test_what_is_not_read_may_not_unpack_to_any_size(monkeypatch):
    monkeypatch.setattr(unpacking, "BOUNDS", reading.Bounds(yaml=unpacking.LARGEST, passed=2**20))
    assert refusal(tarred(file("model.bin", bytes(2**21)), file("config.yml", b"a: 1"))) == unpacking.TOO_LARGE
    monkeypatch.setattr(reading, "MOST_MEMBERS", 3)
    assert refusal(zipped({f"{n}.yml": "" for n in range(4)})) == unpacking.TOO_LARGE
    assert refusal(tarred(*(file(f"{n}.txt", b"") for n in range(4)))) == unpacking.TOO_LARGE


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04" + bytes(50), b"\x1f\x8b" + bytes(50), b"hello" * 99])
def test_what_is_no_archive_is_refused(content):
    assert refusal(io.BytesIO(content)) == unpacking.NO_ARCHIVE


def test_a_cut_archive_and_other_texts_than_utf_8_are_refused():
    whole = packed([file("config.yml", bytes(range(32, 127)) * 50)])
    assert refusal(io.BytesIO(whole[:60])) == unpacking.NO_ARCHIVE
    assert refusal(zipped({"config.yml": b"\xff\xfe"})) == unpacking.NOT_UTF_8
    assert refusal(zipped({"config.yml": "a\x00b"})) == unpacking.NOT_UTF_8
    assert refusal(zipped({"readme.md": "x"})) == unpacking.NO_YAML


def test_of_many_uploads_the_newest_stay(alice):
    for number in range(12):
        UploadedProject.objects.keep(f"{number}.zip", zipped(PROJECT), alice)
    assert UploadedProject.objects.count() == 10
    choices = projects.choices()
    assert "11.zip" in choices[0][1]
    assert projects.project_of(choices[0][0]).config == {"config.yml": PROJECT["config.yml"]}
    for gone in ("upload:1234567", "upload:x", "folder"):
        with pytest.raises(Refused):
            projects.project_of(gone)


def test_a_mounted_folder_is_read_without_its_links(settings, tmp_path, db):
    for name, text in PROJECT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    secret = tmp_path.parent / "secret.yml"
    secret.write_text("a: secret")
    (tmp_path / "data/link.yml").symlink_to(secret)
    (tmp_path / "linked").symlink_to(tmp_path.parent)
    assert projects.choices() == []
    settings.RASA_PROJECT = str(tmp_path)
    assert [key for key, _ in projects.choices()] == ["folder"]
    assert set(projects.project_of("folder").nlu) == {"data/nlu.yml", "data/more/nlu.yaml", "data/rules.yml"}


def test_what_is_edited_here_is_offered_first(settings, alice):
    UploadedProject.objects.keep("bot.zip", zipped(PROJECT), alice)
    with pytest.raises(Refused):
        projects.project_of("data")
    settings.TRAINING_DATA = f"{__name__}.edited_here"
    assert [key.partition(":")[0] for key, _ in projects.choices()] == ["data", "upload"]
    assert projects.project_of("data").config == {"config.yml": PROJECT["config.yml"]}


def edited_here():
    return PROJECT
