"""What is selected in the list comes as a file."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Site, live, sign_in
from tests.rasa import said

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("export")
    site = Site(folder)
    site.record(
        *(
            said(f"Question {number}", sender_id=f"person-{number}", intent=intent, timestamp=1_750_000_000.0 - number)
            for number, intent in enumerate(["order", "track"] * 3)
        )
    )
    yield site
    site.stop()


def exported(page: Page, name: str) -> Path:
    page.get_by_label("Format").select_option(label=name)
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    return download.value.path()


def test_the_selected_rows_and_all_that_match_are_downloaded(page: Page) -> None:
    sign_in(page)
    live(page)
    for number in (0, 3):
        page.locator(".row-of").nth(number).locator("[name=selected]").check()
    lines = exported(page, "JSONL").read_text().splitlines()
    assert {json.loads(line)["sender_id"] for line in lines} == {"person-0", "person-3"}

    page.locator("label.choice", has_text="track").first.click()
    expect(page.locator("[data-total]")).to_have_text("3 conversations")
    page.locator("[data-select-page]").check()
    page.get_by_label("Select all 3 that match").check()
    with exported(page, "CSV of messages").open(encoding="utf-8-sig", newline="") as file:
        assert {row["text"] for row in csv.DictReader(file)} == {"Question 1", "Question 3", "Question 5"}
