"""What the documentation names is there: pages, headings, commands and targets of make."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

pytestmark = pytest.mark.once
ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def links(page: Path) -> list[str]:
    return LINK.findall(re.sub(r"`[^`]*`", "", prose(page)))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: no punctuation, small letters, dashes for spaces."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target in links(page):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_the_index_has_every_page_once():
    listed = links(DOCS / "README.md")
    assert len(set(listed)) == len(listed)
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= set(listed)


def test_the_index_of_decisions_has_each_of_them():
    listed = set(links(DOCS / "decisions/README.md"))
    assert {page.name for page in (DOCS / "decisions").glob("*.md")} - {"README.md"} == listed


def test_every_command_of_manage_py_that_is_named_is_there():
    named = {name for page in PAGES for name in re.findall(r"manage\.py ([a-z_]+)", page.read_text())}
    assert named - get_commands().keys() == set()


def test_every_command_of_ours_is_explained():
    explained = "".join(page.read_text() for page in PAGES)
    ours = [name for name, app in get_commands().items() if app.split(".")[0] in ("events", "trackers", "rasax")]
    assert [name for name in ours if name not in explained] == []


def test_every_target_of_make_that_is_named_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"[`$] ?make ([a-z-]+)", page.read_text())}
    assert named - targets == set()
