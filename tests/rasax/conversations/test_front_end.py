"""What the pages are made of: no inline code, little JavaScript, icons that exist, tags that can be read."""

import re
from pathlib import Path

import pytest
from django.template.loader import render_to_string

import rasax
from rasax.conversations.models import Tag
from rasax.conversations.stylesheet import contrast, stylesheet

ROOT = Path(__file__).parent.parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = ROOT / "static"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_code_or_styles(template):
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on|javascript:|\|safe\b|autoescape off", text)
    assert not re.search(r"<script(?![^>]* src=)", text)


def test_the_list_page_needs_little_javascript(signed_in, ann):
    page = signed_in.get("/conversations/").content.decode()
    loaded = set(re.findall(r'<script[^>]* src="/static/([^"]+)"', page)) | {
        f"rasax/{name}.js" for name in ("live", "tags", "rows", "selection", "sidebar")
    }
    assert sum((STATIC / name).stat().st_size for name in loaded) < 100_000
    assert "http" not in "".join(re.findall(r'(?:src|href)="(http[^"]*)"', page))


def test_vendored_files_ask_for_no_maps():
    for path in (STATIC / "vendor").iterdir():
        assert "sourceMappingURL=" not in path.read_text()


def test_the_sprite_holds_the_icons_in_use_and_no_others():
    used = {name for path in TEMPLATES for name in re.findall(r'{% icon "([^"]+)"', path.read_text())}
    source = "".join(path.read_text() for path in Path(rasax.__file__).parent.rglob("*.py"))
    held = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/icons.svg").read_text()))
    assert used <= held
    assert {name for name in held - used if f'"{name}"' not in source} == set()


def test_the_page_of_a_failure_needs_neither_database_nor_request():
    assert "Something went wrong" in render_to_string("500.html")


@pytest.mark.parametrize("color", [*Tag.COLORS, "#000000", "#ffffff", "#ffff00", "#ff0000", "#808080"])
def test_tags_of_every_color_can_be_read(color):
    pairs = re.findall(r"background:(#\w+);color:(#\w+)", stylesheet([(7, color)]))
    assert len(pairs) == 2
    assert all(contrast(*pair) >= 4.5 for pair in pairs)


def test_the_colors_of_tags_are_kept_by_the_browser(signed_in):
    Tag.objects.called("billing", "#be123c")
    response = signed_in.get("/tags.css?1")
    assert response["Content-Type"] == "text/css"
    assert "immutable" in response["Cache-Control"]
    assert f".tag-{Tag.objects.get().pk}{{" in response.content.decode()
