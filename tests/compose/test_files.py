"""The files of docker/: what Docker, Compose, nginx and a shell make of them, and rules of our own."""

import http.client
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rasax import settings as production
from tests.compose.reading import Composed
from tests.compose.servers import Nginx
from tests.deployment import ROOT

PROGRAMS = Path(sys.executable).parent
DOCKER = ROOT / "docker"
RUNS = ["manage.py", "pyproject.toml", "rasax", "events", "trackers", "templates", "static"]
PROFILES = ["separate", "rasa-production", "rasa-worker", "app", "kafka", "mongo", "dynamodb"]


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, **options)


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    return Composed(tmp_path_factory.mktemp("compose"), *PROFILES)


def test_the_dockerfile_is_one_that_its_linter_likes():
    linted = run(PROGRAMS / "hadolint", "docker/Dockerfile")
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_the_image_has_no_compiler_no_secret_and_no_root():
    text = (DOCKER / "Dockerfile").read_text()
    last = text.rpartition("\nFROM ")[2]
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert last.startswith("python:3.11-slim") and "pip" not in last and "apt-get" not in last
    assert re.search(r"^USER (?!0|root)\d+:\d+$", last, re.MULTILINE)
    assert "HEALTHCHECK" in last
    assert not re.search(r"(SECRET|PASSWORD|TOKEN|KEY)\w*=", text)


def test_what_is_copied_into_the_image_is_what_runs():
    let_through = {line[1:] for line in (DOCKER / "Dockerfile.dockerignore").read_text().split() if line[0] == "!"}
    assert let_through == {*RUNS, "requirements.txt", "docker/probe.py"}


def test_an_image_starts_without_anything_else(tmp_path):
    """The files that go into it, alone and not to be written to."""
    for name in RUNS:
        source, target = ROOT / name, tmp_path / "app" / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    environment = {"SECRET_KEY": "x" * 40, "ENCRYPTION_KEYS": "x" * 40, "RASAX_RUN_DIR": str(tmp_path / "run")}
    before = {path for path in (tmp_path / "app").rglob("*") if "__pycache__" not in path.parts}
    checked = subprocess.run(
        [sys.executable, "-B", "manage.py", "check", "--fail-level", "ERROR"],
        cwd=tmp_path / "app", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert {path for path in (tmp_path / "app").rglob("*") if "__pycache__" not in path.parts} == before


def test_compose_s_own_schema_accepts_the_file():
    checked = run(PROGRAMS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yml")
    assert checked.returncode == 0, checked.stdout


def test_every_service_that_was_promised_is_there(everything):
    assert set(everything.services) == {
        "rasax", "event-service", "db-migration-service", "celery-worker", "celery-beat", "nginx", "postgres",
        "rabbitmq", "redis", "rasa-production", "rasa-worker", "app", "kafka", "mongo", "dynamodb",
    }  # fmt: skip


def test_all_in_one_is_one_container_and_the_servers(tmp_path):
    assert set(Composed(tmp_path, "all-in-one").services) == {"all-in-one", "nginx", "postgres", "rabbitmq", "redis"}


def test_our_containers_can_write_nowhere_and_gain_no_rights(everything):
    ours = [service for service in everything.services.values() if "rasax" in service["image"] and "build" in service]
    assert len(ours) == 5
    for service in ours:
        assert service["read_only"] and service["tmpfs"] == ["/tmp"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"] and "healthcheck" in service
        assert "privileged" not in service and "ports" not in service


def test_only_nginx_can_be_reached_from_outside(everything):
    assert [name for name, service in everything.services.items() if "ports" in service] == ["nginx"]


def test_no_secret_stands_in_the_file_or_in_an_environment(everything):
    for name, service in everything.services.items():
        for variable, value in service.get("environment", {}).items():
            assert not re.search(r"(PASSWORD|SECRET|TOKEN|KEYS?|URL)$", variable) or variable in PUBLIC, (
                name,
                variable,
            )
            assert not re.search(r"://[^/]*:[^/]*@", str(value))


PUBLIC = {"RASAX_URL", "EVENT_BROKER_URL"}


def test_what_is_mounted_and_shared_is_there(everything):
    document = everything.document
    for service in everything.services.values():
        sources = [volume.split(":")[0] for volume in service.get("volumes", [])]
        assert all(
            (everything.docker / path).exists() or path == "./actions" for path in sources if path.startswith(".")
        )
        assert {path for path in sources if not path.startswith(".")} <= document["volumes"].keys()
        names = {entry["source"] if isinstance(entry, dict) else entry for entry in service.get("secrets", [])}
        assert all((everything.docker / document["secrets"][name]["file"]).exists() for name in names)
        waits_for = service.get("depends_on", {})
        assert all(document["services"][name].get("healthcheck") for name in waits_for)


def test_secrets_are_made_once_at_random_and_for_nobody_else(everything, tmp_path):
    first, second = everything.docker, Composed(tmp_path).docker
    names = {path.name for path in (first / "secrets").iterdir()}
    assert stat.S_IMODE((first / "secrets").stat().st_mode) == 0o700
    alike = [
        name for name in names if (first / "secrets" / name).read_text() == (second / "secrets" / name).read_text()
    ]
    assert alike == []
    assert all(len((first / "secrets" / name).read_text()) >= 64 for name in names)
    before = {name: (first / "secrets" / name).read_text() for name in names}
    subprocess.run([first / "init-secrets"], check=True, capture_output=True)
    assert {name: (first / "secrets" / name).read_text() for name in names} == before


def test_rasa_servers_find_every_variable_that_their_files_name(everything):
    given = dict(line.split("=", 1) for line in (everything.docker / "secrets/rasa.env").read_text().split())
    for path in (DOCKER / "rasa").glob("endpoints*.yml"):
        assert set(re.findall(r"\$\{(\w+)\}", path.read_text())) <= given.keys(), path


@pytest.mark.parametrize("path", sorted((DOCKER / "rasa").glob("endpoints*.yml")), ids=lambda path: path.stem)
def test_rasax_could_read_each_endpoints_file_of_the_rasa_servers(everything, path, monkeypatch):
    from events.endpoints import read_endpoints

    for line in (everything.docker / "secrets/rasa.env").read_text().split():
        monkeypatch.setenv(*line.split("=", 1))
    endpoints = read_endpoints(path)
    assert endpoints.event_broker and endpoints.tracker_store


def test_nginx_accepts_its_configuration(everything):
    nginx = Nginx(everything)
    nginx.prepare()
    tested = run(*nginx.command("-t"))
    nginx.close()
    assert tested.returncode == 0, tested.stderr
    assert "client_max_body_size 800m" in (DOCKER / "nginx/default.conf.template").read_text()


def test_nginx_writes_no_secret_and_no_id_into_its_log(everything):
    with Nginx(everything) as nginx:
        for path in ASKED:
            asking = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
            asking.request("GET", f"{path}?token=S3cret")
            asking.getresponse().read()
            asking.close()
        nginx.stop()
        said = nginx.log.read_text()
    assert "S3cret" not in said
    assert [line.split()[3] for line in said.splitlines() if " GET " in line] == list(ASKED.values())


ASKED = {
    "/guest/S3cret/": "/guest/...",
    "/invitation/S3cret": "/invitation/...",
    "/./guest/S3cret/say/": "/./...",
    "//guest/S3cret": "...",
    "/%67uest/S3cret": "...",
    "/conversations/12/": "/conversations/...",
    "/api/conversations/S3cret/tracker": "/api/conversations/...",
    "/api/health": "/api/health",
    "/core/conversations/S3cret/tracker": "/core/conversations/...",
    "/webhooks/telegram/webhook": "/webhooks/telegram/...",
    "/": "/",
    "/S3cret": "...",
}


def test_every_variable_of_the_template_is_set_by_compose(everything):
    named = set(re.findall(r"\$\{(\w+)\}", (DOCKER / "nginx/default.conf.template").read_text()))
    assert named <= everything.services["nginx"]["environment"].keys()


def test_scripts_are_scripts():
    assert run("sh", "-n", "docker/init-secrets").returncode == 0
    assert (DOCKER / "init-secrets").stat().st_mode & stat.S_IXUSR
    assert run(sys.executable, "docker/probe.py", "http://127.0.0.1:9/health").returncode == 1


def test_every_setting_is_one_that_there_is(everything):
    known = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    given = {name.removesuffix("_FILE") for name in everything.services["rasax"]["environment"]}
    assert given <= known


def test_versions_are_one(everything):
    image = everything.services["rasax"]["image"]
    assert image == f"rasax:{production.VERSION}"
