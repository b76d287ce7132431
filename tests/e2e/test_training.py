"""Train, see how it goes, evaluate, look at the plots: a real browser, a real worker, and a Rasa that speaks HTTP."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Site, sign_in
from tests.e2e.looks import picture
from tests.rasax.deployment.conftest import PROJECT, zipped
from tests.servers.rasa import RasaStandIn

pytestmark = pytest.mark.e2e

ADD_WORKER = """
import sys
import django
django.setup()
from rasax.deployment.models import RasaServer
RasaServer.objects.add(None, name="worker", url=sys.stdin.read(), token="tok3n", use="worker")
"""


@pytest.fixture
def rasa(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RasaStandIn]:
    """A worker server, and the worker of rasax that asks it."""
    environment = {
        **site.env, "ALLOW_PRIVATE_ADDRESSES": "1",
        "EVENT_BROKER_URL": f"file://{tmp_path / 'rasa_event.log'}",
    }  # fmt: skip
    monkeypatch.setattr(site, "env", environment)
    with RasaStandIn(token="tok3n") as rasa:
        site.run("-c", ADD_WORKER, stdin=rasa.url)
        command = [sys.executable, "-m", "celery", "-A", "rasax", "worker", "--without-gossip", "--loglevel", "ERROR"]
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=site.log, stderr=site.log)
        yield rasa
        worker.terminate()
        worker.wait(60)


def test_a_model_is_trained_and_evaluated(
    site: Site, rasa: RasaStandIn, page: Page, axe: Callable[[], list[str]], tmp_path: Path
) -> None:
    rasa.training_takes = 4
    sign_in(page, "alice")
    page.get_by_role("link", name="Training", exact=True).click()
    expect(page.get_by_text("Pack the folder of a Rasa project")).to_be_visible()
    assert axe() == []

    bot = tmp_path / "bot.zip"
    bot.write_bytes(zipped(PROJECT).read())
    page.get_by_label("A Rasa project as zip or tar.gz").set_input_files(bot)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Read 6 YAML files of bot.zip.")).to_be_visible()
    assert axe() == []

    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("worker trains.")).to_be_visible(timeout=30_000)
    expect(page.locator("time[data-since]")).to_have_text(re.compile(r"00:0\d"))
    assert axe() == []
    expect(page.get_by_text(re.compile(r"Trained the model \d{8}-"))).to_be_visible(timeout=60_000)
    assert rasa.called_back[0][1] == 204
    page.get_by_text("Log", exact=True).click()
    expect(page.get_by_text("Filed as")).to_be_visible()
    assert axe() == []

    page.get_by_role("link", name="Training and evaluation").click()
    page.get_by_label("What is tested").select_option(label="The loaded model on the NLU data")
    page.get_by_role("button", name="Evaluate").click()
    page.get_by_role("link", name="Result").click(timeout=60_000)
    page.wait_for_url("**/evaluations/*/")
    for chart in ("matrix-chart", "bins-chart"):
        assert page.evaluate(f"Chart.getChart('{chart}').data.datasets.length") == 2
        assert page.evaluate(DRAWN, chart)
    page.keyboard.press("Tab")
    for summary in page.get_by_text("As a table").all():
        summary.focus()
        page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="see you around")).to_have_count(0)
    expect(page.get_by_role("cell", name="cu", exact=True)).to_be_visible()
    assert axe() == []
    picture(page, "evaluation", whole=True)

    result = page.url
    page.goto(f"/training/evaluations/compare?before={result.split('/')[-2]}&after={result.split('/')[-2]}")
    expect(page.get_by_text("the same").first).to_be_visible()
    assert axe() == []
    page.goto("/training/")
    assert axe() == []
    picture(page, "training", whole=True)


DRAWN = """(id) => {
  const canvas = document.getElementById(id);
  return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((each) => each);
}"""
