"""Files come in after their differences were shown, and go out as they came."""

import io
import re
import tarfile
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from rasax.accounts import jobs
from rasax.accounts.models import Job
from rasax.training import importing_jobs, uploads
from rasax.training.models import Change, Project, TrainingFile
from tests.rasax.training.conftest import FILES, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def tarred(files):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            packed.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()


def upload(desk, name, content, **given):
    return desk.post("/data/files/upload/", {"files": SimpleUploadedFile(name, content), **given}, follow=True)


def take(desk, page):
    address, token = re.search(
        r'action="(\S+/take/)".*?name="token" value="([^"]+)"', page.content.decode(), re.S
    ).groups()
    return desk.post(address, {"token": token}, follow=True)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_project_comes_in_after_a_look_and_goes_out_byte_for_byte(desk, pack):
    shown = upload(
        desk, "bot.zip", pack({f"bot/{path}": text for path, text in FILES.items()} | {"bot/README.md": "x"})
    )
    assert "4 files differ. Nothing is written yet." in text_of(shown)
    assert not TrainingFile.objects.exists()
    assert "The files are taken in." in text_of(take(desk, shown))
    packed = b"".join(desk.get("/data/files/project.zip").streaming_content)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == FILES
    file = TrainingFile.objects.get(path="data/nlu.yml")
    assert desk.get(f"/data/files/{file.pk}.yml").content.decode() == FILES["data/nlu.yml"]
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}


def test_a_broken_file_is_named_with_its_line_and_the_others_go_on(desk, project):
    broken = "nlu:\n- intent: x\n  examples: [\n"
    shown = upload(desk, "bot.zip", zipped({"data/broken.yml": broken, "data/more.yml": "rules: []\n"}))
    assert "1 file cannot be read" in text_of(shown)
    listed = text_of(take(desk, shown))
    assert "Line 4:" in listed or "Line 3:" in listed
    assert Project.objects.default().files()["data/broken.yml"] == broken


def test_what_changed_since_the_look_has_to_be_looked_at_again(desk, project):
    shown = upload(desk, "config.yml", b"pipeline: []\n")
    desk.post("/data/intents/add/", {"name": "meanwhile"})
    assert "The training data changed since this was shown." in text_of(take(desk, shown))


def test_files_that_are_not_among_them_go_only_if_asked(desk, project):
    take(desk, upload(desk, "domain.yml", b"intents: [a]\n", replace="1"))
    assert set(Project.objects.default().files()) == {"domain.yml"}


def test_a_large_import_is_a_job_with_progress(desk, project, monkeypatch):
    monkeypatch.setattr(jobs, "send", lambda pk: None)
    monkeypatch.setattr(importing_jobs, "LARGE", 10)
    page = upload(desk, "config.yml", b"pipeline: []\npolicies: []\n")
    assert "The files are being compared with what is here." in text_of(page)
    Job.objects.run(Job.objects.get().pk)
    job = Job.objects.get()
    assert job.leads_to == page.redirect_chain[-1][0]
    shown = desk.get(job.leads_to)
    assert "+policies: []" in text_of(shown)
    assert "policies" not in Project.objects.default().files()["config.yml"]
    take(desk, shown)
    Job.objects.run(Job.objects.get().pk)
    job.refresh_from_db()
    assert not job.parts.exists()
    assert (job.state, job.result["change"]) == ("done", Change.objects.first().pk)
    assert "policies" in Project.objects.default().files()["config.yml"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bot.zip", b"PK\x03\x04nothing", "neither a zip nor a tar.gz"),
        ("bot.tgz", b"nothing", "neither a zip nor a tar.gz"),
        ("bot.zip", zipped({"../domain.yml": "x: 1"}), "leads out of it"),
        ("bot.zip", zipped({"README.md": "x"}), "no YAML file in it"),
    ],
)
def test_what_is_no_project_is_refused_in_words(desk, name, content, said):
    assert said in text_of(upload(desk, name, content))
    assert not Job.objects.exists()


def test_an_archive_that_unpacks_to_too_much_is_refused(desk, monkeypatch):
    monkeypatch.setattr(uploads, "LARGEST", 1000)
    assert "more than rasax takes" in text_of(upload(desk, "bot.zip", zipped({"a.yml": "#" * 2000})))


def test_an_import_is_its_uploaders_own(desk, project, bob, client):
    upload(desk, "config.yml", b"pipeline: []\n")
    job = Job.objects.get()
    client.force_login(bob)
    assert client.get(f"/data/files/import/{job.pk}/").status_code == 404
    assert client.post(f"/data/files/import/{job.pk}/discard/").status_code == 404
