"""A real Rasa server trains for rasax, calls it back, and is evaluated."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from rasax.accounts import jobs
from rasax.accounts.models import Job, User
from rasax.deployment import evaluating, joining, judging, training
from rasax.deployment.models import Evaluation, Model, RasaServer, WorkerTask
from rasax.deployment.polling import poll_servers
from rasax.deployment.projects import sorted_out
from rasax.deployment.worker_tasks import look_after_worker_tasks
from rasax.training import intents, stories
from rasax.training.contradictions import contradictions
from rasax.training.models import Project as TrainingProject
from rasax.training.validation import warnings
from tests.inside_rasa.server import BOT, environment, rasa_python
from tests.servers.process import HOST, free_port
from trackers.stories import story

pytestmark = [pytest.mark.rasa, pytest.mark.django_db(transaction=True)]
SECONDS = 300
PIPELINE = """
recipe: default.v1
assistant_id: trained-from-rasax
language: en
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
- name: RegexEntityExtractor
policies:
- name: RulePolicy
"""
NLU = """
version: "3.1"
nlu:
- intent: hello
  examples: |
    - hello
    - good morning
    - hey there
    - hi you
- intent: bye
  examples: |
    - bye
    - see you
    - good night
    - until [tomorrow](day)
- lookup: day
  examples: |
    - tomorrow
    - monday
"""
DOMAIN = {
    "domain/intents.yml": 'version: "3.1"\nintents: [hello, bye]\nentities: [day]\n',
    "domain/responses.yml": "responses:\n  utter_hello:\n  - text: Hello 👋\n  utter_bye:\n  - text: Bye\n",
}
RULES = """
rules:
- rule: hello
  steps: [{intent: hello}, {action: utter_hello}]
- rule: bye
  steps: [{intent: bye}, {action: utter_bye}]
"""
CONVERSATION = [
    {"event": "action", "name": "action_listen"},
    {"event": "user", "text": "bye", "parse_data": {"intent": {"name": "bye"}, "entities": []}},
    {"event": "action", "name": "utter_bye"},
    {"event": "action", "name": "action_listen"},
]
TESTS = """
stories:
- story: is greeted
  steps: [{user: "hello", intent: hello}, {action: utter_hello}]
- story: is greeted wrongly
  steps: [{user: "hello", intent: hello}, {action: utter_bye}]
"""


@pytest.fixture(scope="module")
def rasa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Without a model at first."""
    folder, port = tmp_path_factory.mktemp("rasa"), free_port()
    arguments = ["run", "--enable-api", "--auth-token", "tok3n", "-i", HOST, "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [rasa_python(), "-m", "rasa", *arguments], cwd=folder, env=environment(), stdout=log, stderr=log
        )
    yield f"http://{HOST}:{port}"
    server.terminate()
    try:
        server.wait(30)
    except subprocess.TimeoutExpired:
        server.kill()


@pytest.fixture
def site(live_server: Any, settings: Any) -> Any:
    """The settings of a rasax that the Rasa server reaches."""
    settings.RASAX_URL, settings.ALLOW_PRIVATE_ADDRESSES = live_server.url, True
    return settings


@pytest.fixture
def run(site: Any, tmp_path: Path, alice: User, rasa: str, monkeypatch: Any) -> Callable[..., Job]:
    """Asks, and does what a worker does until the job has ended."""
    sent: list[Any] = []
    monkeypatch.setattr(jobs, "send", sent.append)
    site.RASA_PROJECT = str(project(tmp_path / "bot"))
    RasaServer.objects.add(alice, name="worker", url=rasa, token="tok3n", use="worker")
    wait_for(lambda: not polled().reason)

    def ask(kind: str, **arguments: Any) -> Job:
        task = WorkerTask.objects.ask(kind, alice, **{"source": "folder", **arguments})

        def ended() -> bool:
            polled()
            look_after_worker_tasks()
            for pk in list(sent):
                sent.remove(pk)
                Job.objects.run(pk)
            return Job.objects.get(pk=task.pk).ended

        wait_for(ended)
        return Job.objects.get(pk=task.pk)

    return ask


def project(folder: Path) -> Path:
    files = {"config.yml": PIPELINE, "data/nlu.yml": NLU, "data/rules.yml": RULES, "tests/test_stories.yml": TESTS}
    for name, text in (files | DOMAIN).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def polled() -> RasaServer:
    RasaServer.objects.update(look_after=timezone.now())
    poll_servers()
    return RasaServer.objects.get()


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.3)


def test_a_real_rasa_trains_calls_back_and_is_evaluated(run: Callable[..., Job], tmp_path: Path) -> None:
    job = run(training.TRAIN)
    print(job.log)
    assert job.state == Job.State.DONE, job.line
    RasaServer.objects.get().rasa().put_model(model_file=str(model_on_disk(job, tmp_path)))
    wait_for(lambda: bool(polled().model_file))

    crossed = evaluation(run(evaluating.EVALUATE, method="cross_validation", folds=2))
    assert crossed.n_tested == 8
    assert sum(crossed.confusions.values_list("n", flat=True)) == 8
    assert crossed.f1 is not None

    tested = evaluation(run(evaluating.EVALUATE, method="nlu"))
    assert tested.n_tested == 8
    assert sum(tested.right) + sum(tested.wrong) == 8
    assert tested.figures.filter(kind="entity", label="day", extractor="RegexEntityExtractor").exists()

    stories = evaluation(run(evaluating.EVALUATE, method="stories"))
    assert (stories.n_tested, stories.accuracy) == (2, 0.5)
    assert set(stories.errors.values_list("text", flat=True)) == {"is greeted wrongly"}


def test_what_was_edited_here_is_learned(run: Callable[..., Job], alice: User, tmp_path: Path) -> None:
    data = TrainingProject.objects.default()
    data.take({"config.yml": PIPELINE, "data/nlu.yml": NLU, "data/rules.yml": RULES, **DOMAIN}, alice)
    intents.add_examples("hello", [intents.NewExample("ahoy today", [{"start": 5, "end": 10, "entity": "day"}])], alice)
    intents.rename_intent("hello", "greet", alice)
    stories.add_story("story", story("from a conversation", CONVERSATION), alice)
    data.refresh_from_db()
    assert [(each.kind, each.words) for each in [*warnings(data), *contradictions(data)]] == []
    job = run(training.TRAIN, source="data")
    assert job.state == Job.State.DONE, job.line
    server = RasaServer.objects.get()
    server.rasa().put_model(model_file=str(model_on_disk(job, tmp_path)))
    wait_for(lambda: bool(polled().model_file))
    with httpx.Client(base_url=server.url, params={"token": "tok3n"}, timeout=60, trust_env=False) as rasa:
        assert rasa.post("/model/parse", json={"text": "ahoy today"}).json()["intent"]["name"] == "greet"
        domain = rasa.get("/domain", headers={"Accept": "application/json"}).json()
    assert "greet" in str(domain["intents"])
    assert "hello" not in str(domain["intents"])


def test_a_real_rasas_own_words_are_told(run: Callable[..., Job]) -> None:
    one_fold = run(evaluating.EVALUATE, method="cross_validation", folds=1)
    assert "n_splits=1" in one_fold.line
    config = Path(job_project(), "config.yml")
    config.write_text(PIPELINE.replace("WhitespaceTokenizer", "NoSuchTokenizer"))
    job = run(training.TRAIN)
    assert job.state == Job.State.FAILED
    assert "NoSuchTokenizer" in job.line


def test_a_bot_of_several_files_trains_the_same_when_it_is_joined(rasa: str, tmp_path: Path) -> None:
    files = {str(path.relative_to(BOT)): path.read_text() for path in BOT.rglob("*.yml")}
    text = joining.training_data(sorted_out(files))
    joined = tmp_path / "joined.yml"
    joined.write_text(text)
    script = (
        "import sys; from rasa.shared.importers.importer import TrainingDataImporter as I;"
        "load = I.load_from_config; d = lambda i: i.get_domain();"
        "seen = [({k: v for k, v in d(i).as_dict().items() if k in ('intents', 'entities', 'slots', 'forms', "
        "'responses')}, sorted(d(i).action_names_or_texts), sorted(s.block_name for s in i.get_stories().story_steps), "
        "sorted(m.get('text') or '' for m in i.get_nlu_data().training_examples)) for i in "
        "(load(sys.argv[1] + '/config.yml', sys.argv[1] + '/domain.yml', [sys.argv[1] + '/data']), "
        "load(sys.argv[2], sys.argv[2], [sys.argv[2]]))]; assert seen[0] == seen[1], seen"
    )
    done = subprocess.run(
        [rasa_python(), "-c", script, str(BOT), str(joined)],
        env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def evaluation(job: Job) -> Evaluation:
    print(job.log, job.line)
    assert job.state == Job.State.DONE, job.line
    return Evaluation.objects.get(pk=job.result["evaluation"])


def job_project() -> str:
    from django.conf import settings

    return str(settings.RASA_PROJECT)


def model_on_disk(job: Job, folder: Path) -> Path:
    path = folder / "trained.tar.gz"
    path.write_bytes(Model.objects.get(name=job.result["model"]).file.read())
    return path


TROUBLE = """
stories:
- story: not as the rule has it
  steps: [{user: "hello [today](day)", intent: hello}, {action: utter_bye}]
"""


def test_rasa_judges_the_data_in_its_own_words_and_learns_nothing(run: Callable[..., Job], alice: User) -> None:
    data = TrainingProject.objects.default()
    data.take({"config.yml": PIPELINE, "data/nlu.yml": NLU, "data/rules.yml": RULES, **DOMAIN}, alice)
    job = run(judging.JUDGE, source="data")
    assert job.state == Job.State.DONE, job.line
    assert not Model.objects.exists()
    data.take({"data/trouble.yml": TROUBLE}, alice)
    run(judging.JUDGE, source="data")
    word = judging.latest()
    assert word
    assert "Contradicting rules or stories found" in word.refusal
    data.take({"data/trouble.yml": TROUBLE.replace("action:", "actoin:")}, alice)
    assert word.is_old
    run(judging.JUDGE, source="data")
    word = judging.latest()
    assert word
    assert "Key 'actoin' was not defined" in word.refusal
