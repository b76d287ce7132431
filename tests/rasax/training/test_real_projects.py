"""Rasa's own example projects, the demo's assistant and the lab's, where they are installed: out as they came in."""

import os
import subprocess
from pathlib import Path

import pytest

from rasax.training.formats import blocks
from rasax.training.models import Block, Example, Project

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[3]


def yaml_below(root):
    paths = [*root.rglob("*.yml"), *root.rglob("*.yaml")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def comes_out_as_it_went_in(files):
    project = Project.objects.default()
    project.take(files, None, replace=True)
    kept = project.files()
    assert {path: text.encode() for path, text in kept.items()} == {path: files[path] for path in kept}
    assert project.take(files, None, replace=True) is None
    return kept


@pytest.mark.parametrize("folder", ["events/demo/bot", "tests/inside_rasa/bot"])
def test_the_assistants_of_this_project(db, folder):
    kept = comes_out_as_it_went_in(yaml_below(ROOT / folder))
    assert any(path.startswith("domain") for path in kept)
    assert Example.objects.exists()
    assert set(Project.objects.default().faults()) <= {"journeys.yml", "phrases.yml"}  # of the demo, not of Rasa


def test_each_block_of_them_is_read_alone_as_in_its_file(db):
    comes_out_as_it_went_in(yaml_below(ROOT / "tests/inside_rasa/bot"))
    for block in Block.objects.select_related("file").filter(kind__in=blocks.ITEM_KINDS):
        alone = blocks.one(block.file.path, block.section, block.kind, block.text)
        assert (alone.kind, alone.name, alone.text) == (block.kind, block.name, block.text)


@pytest.mark.rasa
def test_every_project_that_rasa_s_package_brings(db):
    python = os.environ["RASA_PYTHON"]
    told = subprocess.run([python, "-c", "import rasa; print(rasa.__path__[0])"], capture_output=True, check=True)
    package = Path(told.stdout.decode().strip())
    for project in (package / "cli" / "initial_project", package):
        assert len(comes_out_as_it_went_in(yaml_below(project))) > 5
