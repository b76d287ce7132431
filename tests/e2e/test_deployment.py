"""Alice adds an environment, uploads a model, activates it, and sees it arrive; by keyboard, and without reloading."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, sign_in
from tests.servers.rasa import RasaStandIn
from tests.servers.rasa_models import archive

pytestmark = pytest.mark.e2e
SERVICE_TOKEN = "a-token-that-only-rasa-servers-know"
LOOK = """
import django
django.setup()
from django.utils import timezone
from rasax.deployment.models import RasaServer
from rasax.deployment.polling import poll_servers
RasaServer.objects.update(look_after=timezone.now())
poll_servers()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("ALLOW_PRIVATE_ADDRESSES", "1")
    monkeypatch.setenv("SERVICE_TOKEN", SERVICE_TOKEN)
    site = Site(tmp_path)
    yield site
    site.stop()


@pytest.fixture
def rasa() -> Iterator[RasaStandIn]:
    with RasaStandIn(token="tok3n") as server:
        yield server


def add_environment(page: Page, rasa: RasaStandIn) -> None:
    page.goto("/settings/environments/add/")
    page.get_by_label("Name").fill("production")
    page.get_by_label("Address").fill(rasa.url)
    page.get_by_label("What it is for").select_option("production")
    page.get_by_label("Token").fill("tok3n")


def test_an_environment_is_tried_kept_and_followed(page: Page, site: Site, rasa: RasaStandIn) -> None:
    sign_in(page, "alice")
    add_environment(page, rasa)
    page.get_by_role("button", name="Test the connection").press("Enter")
    expect(page.locator("#tried")).to_contain_text("It answers: Rasa 3.6.21 with the model 20261122-lab.tar.gz.")
    assert page.get_by_label("Token").input_value() == "tok3n"
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("status").filter(has_text="It answers")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="production")
    expect(row).to_contain_text("answers")
    rasa.stop()
    site.run("-c", LOOK)
    expect(row).to_contain_text("Nothing answers at this address")
    assert "tok3n" not in page.content()


def test_a_model_is_uploaded_activated_and_seen_to_arrive(
    page: Page, site: Site, rasa: RasaStandIn, tmp_path: Path
) -> None:
    sign_in(page, "alice")
    add_environment(page, rasa)
    page.get_by_label("Name").press("Enter")
    expect(page.get_by_role("status").filter(has_text="It answers")).to_be_visible()
    path = tmp_path / "20261125-better.tar.gz"
    path.write_bytes(archive(size=30 * 2**20))
    page.goto("/models/")
    page.get_by_label("Model archive").set_input_files(path)
    page.get_by_role("button", name="Upload").press("Enter")
    page.wait_for_url("**/models/1/")
    expect(page.get_by_text("The model “20261125-better” is here.")).to_be_visible()
    page.get_by_role("button", name="Activate it for production").press("Enter")
    expect(page.get_by_role("row").filter(has_text="production")).to_contain_text("gets it when it next asks")
    page.goto("/models/")
    assert rasa.pull(f"{site.url}/api/projects/default/models/tags/production", SERVICE_TOKEN) == 200
    assert rasa.model == "20261125-better.tar.gz"
    site.run("-c", LOOK)
    expect(page.get_by_role("row").filter(has_text="production").first).to_contain_text("The one with its tag")


def test_a_model_that_is_too_large_is_not_even_sent(page: Page, tmp_path: Path) -> None:
    sign_in(page, "alice")
    page.goto("/models/")
    path = tmp_path / "text.tar.gz"
    path.write_text("hello")
    page.get_by_label("Model archive").set_input_files(path)
    page.evaluate("document.getElementById('upload').dataset.limit = '3'")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("larger than")
