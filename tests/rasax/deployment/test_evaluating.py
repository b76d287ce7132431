"""Evaluations at a worker server: asked, kept in rows, and told where they fail."""

import pytest

from rasax.accounts.models import Job
from rasax.deployment import answers, evaluating, figures, joining
from rasax.deployment.models import Evaluation, RasaServer, WorkerTask
from rasax.deployment.worker_tasks import look_after_worker_tasks
from tests.servers.rasa_dialogue import HTTP

pytestmark = pytest.mark.django_db(transaction=True)
State = Job.State


@pytest.fixture
def evaluate(live_server, settings, worker, project, alice):
    settings.RASAX_URL = live_server.url

    def ask(method, **arguments):
        return WorkerTask.objects.ask(evaluating.EVALUATE, alice, **{"source": project, "method": method, **arguments})

    return ask


def ended(rasa, run_sent):
    job = run_sent()
    rasa.wait()
    job.refresh_from_db()
    return job


def test_a_cross_validation_is_kept_in_rows(evaluate, rasa, run_sent, alice):
    evaluate("cross_validation", folds=3)
    job = ended(rasa, run_sent)
    assert job.state == State.DONE, job.line
    asked = next(asked for asked in rasa.asked if asked.path == "/model/test/intents")
    assert asked.query["cross_validation_folds"] == "3"
    evaluation = Evaluation.objects.get(pk=job.result["evaluation"])
    assert (evaluation.folds, evaluation.server, evaluation.rasa_version) == (3, "worker", "3.6.21")
    assert (evaluation.model_file, evaluation.by) == ("", alice)
    assert (evaluation.accuracy, evaluation.f1, evaluation.n_tested, evaluation.n_errors) == (0.0, 0.0, 8, 8)
    assert list(evaluation.figures.values_list("kind", "label", "support")) == [
        ("intent", "goodbye", 4), ("intent", "greet", 4),
    ]  # fmt: skip
    assert list(evaluation.confusions.values_list("expected", "predicted", "n")) == [
        ("goodbye", "", 4), ("greet", "", 4),
    ]  # fmt: skip
    assert evaluation.errors.filter(text="good morning", expected="greet", confidence=0).exists()
    assert (evaluation.right, sum(evaluation.wrong), evaluation.wrong[0]) == ([], 8, 8)


def test_the_loaded_model_is_tested_on_the_nlu_data(evaluate, rasa, run_sent):
    evaluate("nlu")
    evaluation = Evaluation.objects.get(pk=ended(rasa, run_sent).result["evaluation"])
    assert (evaluation.model_file, evaluation.folds, evaluation.accuracy) == ("m.tar.gz", None, 0.875)
    assert sum(evaluation.right) == 7
    assert evaluation.wrong[14] == 1
    assert list(evaluation.confusions.values_list("expected", "predicted", "n")) == [
        ("goodbye", "affirm", 1), ("goodbye", "goodbye", 3), ("greet", "greet", 4),
    ]  # fmt: skip


def test_stories_are_tested_one_by_one(evaluate, rasa, run_sent):
    evaluate("stories")
    job = ended(rasa, run_sent)
    asked = [asked for asked in rasa.asked if asked.path == "/model/test/stories"]
    assert [asked_one.query["e2e"] for asked_one in asked] == ["true", "true"]
    assert (job.state, job.done, job.total) == (State.DONE, 2, 2)
    evaluation = Evaluation.objects.get()
    assert (evaluation.accuracy, evaluation.n_tested, evaluation.n_errors) == (1.0, 2, 0)


def test_one_fold_is_an_error_that_rasa_words(evaluate, rasa, run_sent):
    evaluate("cross_validation", folds=1)
    job = ended(rasa, run_sent)
    assert job.state == State.FAILED
    assert "k-fold cross-validation requires at least one train/test split" in job.line
    assert not Evaluation.objects.exists()


def test_stories_without_a_model_or_without_stories_fail_with_words(evaluate, rasa, run_sent, worker, alice):
    rasa.model = None
    evaluate("stories")
    assert "no model" in ended(rasa, run_sent).line
    from rasax.deployment.models import UploadedProject
    from tests.rasax.deployment.conftest import PROJECT, zipped

    without = {name: text for name, text in PROJECT.items() if "test" not in name}
    upload = UploadedProject.objects.keep("b.zip", zipped(without), alice)
    evaluate("stories", source=f"upload:{upload.pk}")
    assert run_sent().message == joining.NO_TESTS


def test_a_training_and_an_evaluation_take_turns(evaluate, rasa, run_sent, sent):
    rasa.training = "never"
    evaluate("cross_validation", folds=2)
    evaluate("stories")
    run_sent()
    look_after_worker_tasks()
    assert sent == []
    Job.objects.filter(state=State.WAITING).earliest("queued_at").cancel()
    look_after_worker_tasks()
    assert len(sent) == 1


def test_an_idle_rasa_says_nothing_about_an_evaluation(evaluate, rasa, run_sent):
    """Its status counts trainings alone."""
    from django.utils import timezone

    rasa.training = "never"
    evaluate("cross_validation", folds=2)
    run_sent()
    RasaServer.objects.update(answered_at=timezone.now(), n_training_jobs=0)
    look_after_worker_tasks()
    assert WorkerTask.objects.get().idle_since is None


def test_a_failed_story_is_named_with_what_went_wrong():
    body = HTTP["test/stories"]["body"]
    wrong = dict(body["actions"][0], predicted="utter_goodbye", confidence=0.4)
    report = dict(body["report"], greet={"precision": 0.0, "recall": 0.0, "f1-score": 0.0, "support": 1})
    good = answers.story_test(body)
    bad = answers.story_test(body | {"actions": [wrong, *body["actions"][1:]], "report": report})
    outcome = figures.of_stories([("good", good), ("bad", bad)])
    assert (outcome.accuracy, outcome.n_tested) == (0.5, 2)
    assert [(each.kind, each.text, each.expected, each.predicted) for each in outcome.mistakes] == [
        ("action", "bad", "utter_greet", "utter_goodbye"), ("intent", "bad", "greet", ""),
    ]  # fmt: skip
    figure = next(each for each in outcome.figures if each.label == "utter_greet")
    assert (figure.precision, figure.recall, figure.support) == (1.0, 0.5, 2)
    assert (sum(outcome.right), outcome.wrong[8]) == (7, 1)


def test_entities_have_figures_by_their_extractor():
    report = {"city": {"precision": 0.5, "recall": 1.0, "f1-score": 0.6, "support": 3}, "micro avg": {"precision": 1}}
    error = {"text": "to Rome", "entities": [{"entity": "city", "value": "Rome"}], "predicted_entities": []}
    test = answers.intent_test(
        {"intent_evaluation": None, "entity_evaluation": {"CRF": {"report": report, "errors": [error]}}}
    )
    outcome = figures.of_intents(test)
    assert [(each.kind, each.label, each.extractor, each.support) for each in outcome.figures] == [
        ("entity", "city", "CRF", 3),
    ]
    assert (outcome.mistakes[0].expected, outcome.mistakes[0].predicted) == ("city=Rome", " (CRF)")


def test_what_is_no_evaluation_is_refused(evaluate, rasa, run_sent):
    from tests.rasax.deployment.test_training import post

    rasa.training = "never"
    for body in (b"[1", b'{"hello": 1}', b"[" * 20_000, b'{"intent_evaluation": 7}'):
        evaluate("nlu")
        run_sent()
        address = rasa.asked[-1].query["callback_url"]
        assert post(address, body, "application/json") == 422
        assert Job.objects.order_by("queued_at").last().state == State.FAILED
        look_after_worker_tasks()


def test_removing_one_is_audited(alice):
    from rasax.accounts.models import AuditEntry

    evaluation = Evaluation.objects.keep(figures.Outcome(None, None, None, 0), alice, method="nlu")
    evaluation.remove(alice)
    assert AuditEntry.objects.get(action="deleted").object_type == "deployment.evaluation"
