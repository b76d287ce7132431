"""The pages of training and evaluation, and the API beside them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from rasax.accounts.models import Job
from rasax.deployment.comparing import Comparison
from rasax.deployment.models import Evaluation, UploadedProject, WorkerTask
from tests.rasax.api.conftest import Api
from tests.rasax.deployment.conftest import PROJECT, outcome, zipped

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def api(alice):
    return Api(alice)


def test_an_empty_page_says_what_to_do(desk):
    page = desk.get("/training/").content.decode()
    assert "Pack the folder of a Rasa project" in page
    assert "There is no worker server." in page
    assert "RASAX_URL is not set" in page
    assert "No results yet." in page


def test_a_project_is_uploaded_trained_from_and_evaluated(desk, worker, sent):
    file = SimpleUploadedFile("bot.zip", zipped(PROJECT).read())
    answer = desk.post("/training/upload", {"upload-file": file}, follow=True)
    assert "Read 6 YAML files of bot.zip." in answer.content.decode()
    source = f"upload:{UploadedProject.objects.get().pk}"
    answer = desk.post("/training/train", {"train-source": source, "train-force": "on"}, follow=True)
    task = WorkerTask.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("worker_task", args=[task.pk])
    assert task.job.arguments == {"source": source, "force": True}
    data = {"evaluate-source": source, "evaluate-method": "cross_validation", "evaluate-folds": "3"}
    page = desk.post("/training/evaluate", data, follow=True).content.decode()
    assert "In line: worker is busy." in page
    job = Job.objects.exclude(pk=task.pk).get()
    assert job.arguments == {"source": source, "method": "cross_validation", "folds": 3}
    assert desk.post(f"/training/{job.pk}/cancel").status_code == 302
    assert Job.objects.get(pk=job.pk).state == "cancelled"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("bot.zip", b"hello", "neither a zip nor a tar.gz"),
        ("bot.zip", b"", "empty"),
        ("b.zip", None, "leads out of it"),
    ],
)
def test_a_bad_upload_is_refused_with_words(desk, name, content, said):
    content = zipped({"../config.yml": "a: 1"}).read() if content is None else content
    answer = desk.post("/training/upload", {"upload-file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not UploadedProject.objects.exists()


@pytest.mark.parametrize("folds", ["1", "0", "21", "x"])
def test_folds_that_rasa_would_fail_over_are_refused(desk, worker, project, folds):
    data = {"evaluate-source": project, "evaluate-method": "cross_validation", "evaluate-folds": folds}
    assert desk.post("/training/evaluate", data).status_code == 400
    assert not Job.objects.exists()


def test_without_a_worker_it_is_told(desk, project):
    answer = desk.post("/training/train", {"train-source": project}, follow=True)
    assert "There is no worker server." in answer.content.decode()


def test_a_tester_may_not_train(client, carol, bob, worker, project):
    for person, seen in ((carol, 403), (bob, 200)):
        client.force_login(person)
        assert client.get("/training/").status_code == seen
        assert client.post("/training/train", {"train-source": project}).status_code == 403
        assert client.post("/training/evaluate", {"evaluate-source": project}).status_code == 403
        assert client.post("/training/upload").status_code == 403
        assert Api(person).send("POST", "projects/default/models/jobs", {}).status_code == 403
        assert Api(person).send("POST", "evaluations", {"method": "nlu"}).status_code == 403
    assert not Job.objects.exists()


def test_a_result_is_shown_with_its_tables_and_the_charts_data(desk, alice):
    first = Evaluation.objects.keep(outcome(), alice, method="nlu", model_file="a.tar.gz")
    second = Evaluation.objects.keep(outcome(f1_of_greet=0.6, mistakes=[]), alice, method="nlu")
    page = desk.get(f"/training/evaluations/{first.pk}/").content.decode()
    assert "hey &lt;b&gt;you&lt;/b&gt;" in page
    assert '"cells": [["goodbye", "goodbye", 2], ["greet", "goodbye", 1], ["greet", "greet", 1]]' in page
    assert "75.0 %" in page
    page = desk.get(f"/training/evaluations/compare?before={first.pk}&after={second.pk}").content.decode()
    assert "▼ worse" in page
    assert "hey &lt;b&gt;you&lt;/b&gt;" in page
    assert desk.post(f"/training/evaluations/{first.pk}/delete").status_code == 302
    assert Evaluation.objects.get() == second
    for bad in ("", "?before=x&after=1", f"?before={'9' * 30}&after=1", f"?before={second.pk}&after=0"):
        assert desk.get(f"/training/evaluations/compare{bad}").status_code == 404


def test_a_page_costs_the_same_whatever_there_is(desk, worker, project, django_assert_max_num_queries):
    for _ in range(15):
        Evaluation.objects.keep(outcome(), None, method="nlu")
    with django_assert_max_num_queries(12):
        desk.get("/training/")


def test_what_got_better_and_worse_is_told(alice):
    before = Evaluation.objects.keep(outcome(), alice, method="nlu")
    after = Evaluation.objects.keep(outcome(f1_of_greet=0.9, accuracy=0.7), alice, method="nlu")
    comparison = Comparison(before, after)
    assert {row.label: row.verdict for row in comparison.totals()} == {
        "accuracy": "worse", "precision": "same", "f1": "same",
    }  # fmt: skip
    assert [(row.label, row.verdict) for row in comparison.labels()][-1] == ("greet", "better")
    assert (comparison.new_errors(), comparison.mended()) == ([], [])


def test_the_api_trains_and_evaluates(api, worker, project, sent):
    answer = api.send("POST", "projects/default/models/jobs", {"force": True})
    assert (answer.status_code, answer.json()["kind"]) == (202, "deployment.train")
    assert Job.objects.get().arguments == {"source": project, "force": True}
    assert api.ask("projects/default/models/jobs").json()[0]["id"] == answer.json()["id"]
    assert api.ask("projects/default/trainingSources").json()[0]["key"] == project
    assert api.send("POST", "projects/other/models/jobs", {}).status_code == 404
    assert api.send("POST", "evaluations", {"method": "cross_validation", "folds": 1}).status_code == 400
    assert api.send("POST", "evaluations", {"method": "cross_validation", "source": "upload:0"}).status_code == 404
    answer = api.send("POST", "evaluations", {"method": "cross_validation"})
    assert answer.status_code == 202
    assert Job.objects.get(pk=answer.json()["id"]).arguments["folds"] == 5


def test_the_api_gives_results_and_compares_them(api, alice):
    first = Evaluation.objects.keep(outcome(), alice, method="nlu")
    second = Evaluation.objects.keep(outcome(f1_of_greet=0.6), alice, method="nlu")
    assert [each["id"] for each in api.ask("evaluations").json()] == [second.pk, first.pk]
    detail = api.ask(f"evaluations/{first.pk}").json()
    assert detail["errors"][0]["text"] == "hey <b>you</b>"
    assert {"expected": "greet", "predicted": "goodbye", "n": 1} in detail["confusions"]
    compared = api.ask(f"evaluations/{second.pk}/comparison", before=first.pk).json()
    assert (compared["labels"][0]["label"], compared["labels"][0]["verdict"]) == ("greet", "worse")
    assert api.send("DELETE", f"evaluations/{first.pk}").status_code == 204
    assert api.ask(f"evaluations/{first.pk}").status_code == 404


def test_the_api_says_what_is_missing(api, worker):
    assert api.send("POST", "projects/default/models/jobs", {}).status_code == 409
    UploadedProject.objects.keep("b.zip", zipped(PROJECT), None)
    worker.delete()
    answer = api.send("POST", "projects/default/models/jobs", {})
    assert (answer.status_code, "no worker server" in answer.json()["message"]) == (409, True)
