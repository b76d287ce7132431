"""The pages of models. Alice may change them, Bob may see them, Carol neither."""

import re
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from rasax.accounts.models import AuditEntry
from rasax.deployment.models import Model
from rasax.deployment.polling import look
from tests.rasax.deployment.test_registry import keep
from tests.servers.rasa_models import archive

pytestmark = [pytest.mark.django_db, pytest.mark.once]
SCRIPT = {"HX-Request": "true"}


def text_of(response):
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return re.sub(r"\s+", " ", content.decode())


def upload(browser, content, file_name="first.tar.gz", **given):
    sent = {"archive": SimpleUploadedFile(file_name, content), "name": given.pop("name", "")}
    return browser.post("/models/upload/", sent, **given)


def address(model, part=""):
    return f"/models/{model.pk}/{part}"


def test_an_empty_list_says_what_to_do(desk):
    shown = text_of(desk.get("/models/"))
    assert "No model yet" in shown
    assert "Upload a model" in shown


def test_a_model_is_uploaded_and_named_like_its_file(desk):
    shown = text_of(upload(desk, archive(), follow=True))
    assert "The model “first” is here." in shown
    assert "3.6.21" in shown
    assert AuditEntry.objects.get(action="uploaded").username == "alice"
    upload(desk, archive(), name="better")
    assert set(Model.objects.values_list("name", flat=True)) == {"first", "better"}


def test_a_script_that_shows_progress_is_told_where_to_go(desk):
    answer = upload(desk, archive(), headers=SCRIPT)
    assert answer.json() == {"address": reverse("model", args=[Model.objects.get().pk])}
    again = upload(desk, archive(), headers=SCRIPT)
    assert (again.status_code, "already" in again.json()["error"]) == (400, True)


BAD = {
    "no archive": (b"hello", "first.tar.gz", "This is no model archive"),
    "nothing": (b"", "first.tar.gz", "empty"),
    "a name that is none": (archive(), "my model.tar.gz", "letters, digits"),
}


@pytest.mark.parametrize(("content", "name", "told"), BAD.values(), ids=BAD.keys())
def test_what_is_no_model_is_refused_in_words(desk, content, name, told):
    answer = upload(desk, content, name)
    assert answer.status_code == 400
    assert told in text_of(answer)
    assert not Model.objects.exists()


def test_a_model_that_is_too_large_is_refused_before_it_is_read(desk, settings):
    settings.MODEL_SIZE_LIMIT = 1000
    answer = upload(desk, archive(size=2**21))
    assert answer.status_code == 413
    assert "larger than rasax takes" in text_of(answer)


def test_nothing_of_a_body_is_read_for_those_who_may_not_upload(client, bob, carol):
    for person in (bob, carol):
        client.force_login(person)
        answer = client.generic("POST", "/models/upload/", b"x" * 100, "multipart/form-data; boundary=x")
        assert answer.status_code == 403
        assert answer.wsgi_request.META["wsgi.input"].read(1) == b"x"


def test_an_upload_needs_the_form_s_token(alice):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert upload(browser, archive()).status_code == 403
    assert not Model.objects.exists()


def test_the_archive_comes_back_as_it_was(desk, bob, client):
    content = archive(size=3 * 2**20)
    model = keep(content=content)
    client.force_login(bob)
    answer = client.get(address(model, "file"))
    assert answer.streaming
    assert b"".join(answer.streaming_content) == content
    assert answer["Content-Disposition"] == 'attachment; filename="first.tar.gz"'
    assert (answer["filename"], answer["Content-Length"]) == ("first.tar.gz", str(len(content)))


def test_tags_are_put_on_and_taken_off(desk):
    model = keep()
    assert "“first” has the tag “production” now." in text_of(
        desk.post(address(model, "tags/"), {"tag": "production"}, follow=True)
    )
    assert '<span class="model-tag"><bdi>production</bdi>' in text_of(desk.get("/models/"))
    assert "letters, digits" in text_of(desk.post(address(model, "tags/"), {"tag": "a/b"}, follow=True))
    desk.post(address(model, "tags/remove/"), {"tag": "production"})
    assert Model.objects.tagged("production") is None


def test_a_model_is_activated_for_an_environment_by_its_tag(desk, rasa, production):
    content = archive()
    model = keep(content=content)
    shown = text_of(desk.post(address(model, "activate/"), {"server": production.pk}, follow=True))
    assert "“production” gets “first” when it next asks for the tag “production”." in shown
    assert Model.objects.tagged("production") == model
    production.saw(look(production))
    assert "gets it when it next asks" in text_of(desk.get(address(model)))
    rasa.load("first.tar.gz", content)
    production.saw(look(production))
    assert "has this model loaded" in text_of(desk.get(address(model)))
    assert "The one with its tag “production”." in text_of(desk.get("/models/", headers=SCRIPT))


def test_a_model_that_a_server_cannot_load_is_activated_after_a_question(desk, production):
    production.saw(look(production))
    model = keep(version="2.8.34")
    assert "cannot load it" in text_of(desk.get(address(model)))
    asked = text_of(desk.post(address(model, "activate/"), {"server": production.pk}))
    assert "runs Rasa 3.6.21, which cannot load it" in asked
    assert Model.objects.tagged("production") is None
    desk.post(address(model, "activate/"), {"server": production.pk, "confirmed": "1"})
    assert Model.objects.tagged("production") == model


def test_a_model_is_deleted_after_a_question_and_not_while_it_has_tags(desk, alice, django_capture_on_commit_callbacks):
    model = keep()
    model.put_tag("production", alice)
    assert "Delete the model “first”?" in text_of(desk.post(address(model, "delete/")))
    refused = text_of(desk.post(address(model, "delete/"), {"confirmed": "1"}, follow=True))
    assert "Take its tags off first" in refused
    model.take_tag("production", alice)
    path = Path(storages["models"].path(model.file.name))
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(address(model, "delete/"), {"confirmed": "1"})
    assert not Model.objects.exists()
    assert not path.exists()


def test_bob_sees_and_changes_nothing(client, bob, production):
    model = keep()
    client.force_login(bob)
    for path in ("/models/", address(model)):
        shown = text_of(client.get(path))
        assert "first" in shown
        assert not {"Upload a model", "Activate</button>", "Delete the model"} & set(re.findall(r"[\w</> ]+", shown))
    for part in ("tags/", "tags/remove/", "activate/", "delete/"):
        assert client.post(address(model, part)).status_code == 403


def test_many_models_come_page_by_page_with_few_queries(desk, production, django_assert_max_num_queries):
    template = keep("m0")
    fields = {"size": 1, "digest": template.digest, "rasa_version": "3.6.21", "file": template.file.name}
    Model.objects.bulk_create(Model(name=f"m{number}", **fields) for number in range(1, 60))
    with django_assert_max_num_queries(10):
        first = text_of(desk.get("/models/"))
    assert "60 models" in first
    assert first.count("download aria-label") == 50
    assert text_of(desk.get("/models/?page=2")).count("download aria-label") == 10


def test_an_asked_server_or_model_that_is_not_there_is_404(desk, production):
    model = keep()
    for server in ("", "x", "9" * 30, "99999"):
        assert desk.post(address(model, "activate/"), {"server": server}).status_code == 404
    assert desk.get("/models/99999/").status_code == 404
