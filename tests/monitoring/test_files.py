"""Metrics, their documentation, the dashboard and the alerts name the same."""

import json
import re
import subprocess

import pytest
from prometheus_client import Counter
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from events.monitoring import metrics
from tests.deployment import ROOT
from tests.servers.process import find_program

pytestmark = pytest.mark.once

FOLDER = ROOT / "docker/monitoring"
DOCS = (ROOT / "docs/monitoring.md").read_text()
KNOWN = [each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)]


def name_of(metric):
    return metric._name + ("_total" if isinstance(metric, Counter) else "")


def named_in(text):
    """Without what a histogram adds."""
    found = set(re.findall(r"\brasax_[a-z_]+[a-z]\b", text))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if name not in NAMES else name for name in found}


NAMES = {name_of(metric) for metric in KNOWN}


def test_every_metric_is_documented_with_its_type_and_labels_and_no_other():
    told = {(name_of(each), each._type, ", ".join(f"`{label}`" for label in each._labelnames)) for each in KNOWN}
    rows = re.findall(r"^\| `(rasax_\w+)` \| (\w+) \| (.*?) ?\| \S.* \|$", DOCS, re.MULTILINE)
    assert set(rows) == told
    assert len(rows) == len(told)


def test_every_alert_is_explained_and_no_other():
    rules = YAML(typ="safe").load(FOLDER / "alerts.yml")["groups"][0]["rules"]
    explained = re.findall(r"^\| `(Rasax\w+)` \| \S.* \|$", DOCS, re.MULTILINE)
    assert [rule["alert"] for rule in rules] == explained
    assert all(rule["annotations"]["summary"] and rule["labels"]["severity"] for rule in rules)


@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json"])
def test_what_the_files_ask_for_is_there(file):
    assert named_in((FOLDER / file).read_text()) <= NAMES


def test_the_dashboard_shows_every_metric_and_no_two_panels_in_one_place():
    board = json.loads((FOLDER / "grafana.json").read_text())
    assert named_in(json.dumps(board["panels"])) == NAMES - {"rasax_event_service_running"}
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)


def test_prometheus_accepts_its_files_and_the_dashboard_s_questions(tmp_path):
    def accepts(*arguments):
        done = subprocess.run([find_program("promtool"), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    accepts("check", "rules", str(FOLDER / "alerts.yml"))
    accepts("check", "config", "--syntax-only", str(FOLDER / "prometheus.yml"))
    board = json.loads((FOLDER / "grafana.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    rules = [{"record": f"panel:{n}", "expr": e.replace("$__rate_interval", "5m")} for n, e in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    accepts("check", "rules", str(tmp_path / "panels.yml"))
