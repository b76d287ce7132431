"""Rasa's word on the training data: a button of the warnings page, and a training that learns nothing."""

import pytest

from rasax.accounts.models import Job
from rasax.deployment import judging, plain_yaml
from rasax.deployment.models import Model
from rasax.training.models import Project
from tests.rasax.deployment.conftest import PROJECT
from tests.rasax.training.conftest import text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
PAGE = "/data/warnings/"


@pytest.fixture
def site(live_server, settings, rasa, worker, alice):
    """With the data of a project, and an address that the stand-in reaches."""
    settings.RASAX_URL, rasa.training_takes = live_server.url, 0.3
    Project.objects.default().take(PROJECT, alice)
    return live_server


@pytest.fixture
def asked(site, desk, rasa, run_sent):
    """The button is pressed, and Rasa has answered."""

    def ask():
        desk.post(f"{PAGE}rasa/ask/")
        run_sent()
        rasa.wait()
        return Job.objects.get(kind=judging.JUDGE)

    return ask


def test_rasa_reads_the_data_and_learns_nothing(asked, desk, rasa):
    assert "Rasa was not asked yet." in text_of(desk.get(PAGE))
    job = asked()
    assert job.state == Job.State.DONE, job.line
    trained = plain_yaml.read(next(each.body for each in rasa.asked if each.path == "/model/train").decode())
    assert trained["pipeline"] == [{"name": "WhitespaceTokenizer"}]
    assert trained["policies"] == [{"name": "RulePolicy"}]
    assert [each["intent"] for each in trained["nlu"]] == ["goodbye", "greet"]
    assert not Model.objects.exists()
    page = text_of(desk.get(PAGE))
    assert "Rasa reads all of the data, and its rules contradict nothing." in page
    assert "The data have changed since." not in page


def test_without_a_rule_policy_nothing_is_said_of_rules(asked, desk):
    config = "language: en\npipeline: []\npolicies:\n- name: MemoizationPolicy\n"
    Project.objects.default().take({"config.yml": config}, None)
    assert asked().state == Job.State.DONE
    page = text_of(desk.get(PAGE))
    assert "Without a RulePolicy in config.yml it looks at no rules." in page
    assert "contradict nothing" not in page


def test_what_rasa_refuses_is_told_in_its_words_until_the_data_change(asked, desk, rasa):
    rasa.training = "error"
    assert asked().state == Job.State.FAILED
    page = text_of(desk.get(PAGE))
    assert "Rasa refuses the data:" in page
    assert '<pre class="body" tabindex="0" dir="ltr">Ran training, but it finished without a trained model.' in page
    Project.objects.default().take({"data/more.yml": "nlu:\n- intent: more\n  examples: |\n    - more\n"}, None)
    assert "The data have changed since." in text_of(desk.get(f"{PAGE}rasa/"))


def test_it_is_asked_once_while_it_is_at_it(site, desk, sent):
    for _ in range(2):
        desk.post(f"{PAGE}rasa/ask/")
    assert Job.objects.filter(kind=judging.JUDGE).count() == 1
    assert "worker judges the data." in text_of(desk.get(PAGE))


def test_a_rasa_that_cannot_be_asked_refuses_nothing(asked, desk, rasa):
    rasa.stop()
    assert asked().state == Job.State.FAILED
    page = text_of(desk.get(PAGE))
    assert "Nothing answers at this address." in page
    assert "Rasa refuses the data:" not in page


def test_without_a_worker_nothing_is_shown(desk, alice):
    Project.objects.default().take(PROJECT, alice)
    assert "Ask Rasa" not in text_of(desk.get(PAGE))


def test_an_annotator_sees_it_and_cannot_ask(site, client, bob):
    client.force_login(bob)
    page = text_of(client.get(PAGE))
    assert "Rasa was not asked yet." in page
    assert "Ask Rasa" not in page
    assert client.post(f"{PAGE}rasa/ask/").status_code == 403


@pytest.mark.parametrize(
    ("own", "policies"),
    [
        ({}, [{"name": "RulePolicy"}]),
        ({"policies": [{"name": "TEDPolicy", "epochs": 100}]}, [{"name": "MemoizationPolicy"}]),
        (
            {"policies": [{"name": "TEDPolicy"}, {"name": "RulePolicy", "restrict_rules": False}]},
            [{"name": "RulePolicy", "restrict_rules": False}],
        ),
        ({"policies": "none"}, [{"name": "RulePolicy"}]),
    ],
)
def test_the_rules_are_judged_as_strictly_as_the_project_has_it(own, policies):
    assert judging.learning_nothing(own)["policies"] == policies
