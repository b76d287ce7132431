"""Whatever comes in goes out byte for byte; an edit touches its block alone; an undo brings the bytes back."""

import difflib

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from rasax.training import intents
from rasax.training.edits import Put, Remove
from rasax.training.formats import blocks, nodes, reading
from rasax.training.formats.errors import Refused
from rasax.training.models import Block, Example, Mention, Project
from tests.rasax.training.writing import texts

pytestmark = pytest.mark.once

QUICKLY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
PATHS = st.sampled_from(["data/nlu.yml", "domain.yml", "tests/test_stories.yml"])


def read(path, text):
    try:
        return blocks.split(path, text)
    except Refused:
        assume(False)  # not every mixture is YAML


@settings(max_examples=150, deadline=None)
@given(texts(), PATHS)
def test_the_blocks_of_a_file_are_the_file(text, path):
    parts = read(path, text)
    assert "".join(part.text for part in parts) == text
    for part in parts:
        for use in [*reading.used(part), *(u for each in reading.written(part) for u in reading.used_in(each))]:
            assert use.node.string[use.start : use.end] == use.name
        if part.kind in blocks.ITEM_KINDS:
            alone = blocks.one(path, part.section, part.kind, part.text)
            assert (alone.kind, alone.name) == (part.kind, part.name)
            assert [e.source for e in reading.written(alone)] == [e.source for e in reading.written(part)]


@settings(max_examples=100, deadline=None)
@given(texts())
def test_it_is_read_as_others_read_yaml(text):
    read("x.yml", text)
    yaml = YAML(typ="safe", pure=True)
    assert nodes.values(text) == yaml.load(text)


def index():
    """What is found and counted, apart from rows' ids."""
    examples = Example.objects.order_by("block__file__path", "block__position", "pk")
    mentions = Mention.objects.order_by("block__file__path", "block__position", "kind", "name", "how")
    return (
        list(examples.values_list("block__file__path", "intent", "text", "source", "entities", "digest")),
        list(mentions.values_list("block__file__path", "kind", "name", "how")),
        list(Block.objects.order_by("file__path", "position").values_list("kind", "section", "name", "text")),
    )


def edit(data, project):
    """One thing that people do; returns the file and the blocks that it may touch."""
    block = data.draw(st.sampled_from(list(Block.objects.select_related("file"))))
    example = Example.objects.filter(block=block).last()
    doing = data.draw(st.sampled_from(["comment", "remove", "change", "more", "drop"]))
    if doing in ("change", "drop", "more") and example is None:
        doing = "comment"
    if doing == "comment":
        end = "\r\n" if "\r\n" in block.text else "\n"
        project.write([Put(block, f"# a remark{end}{block.text}" if block.position > 1024 else block.text)], None, "x")
    elif doing == "remove":
        project.write([Remove(block)], None, "x")
    elif doing == "change":
        intents.change_example(example, "to Oslo", [{"start": 3, "end": 7, "entity": "town"}], None)
    elif doing == "drop":
        intents.remove_examples([example], None)
    else:
        intents.add_examples(example.intent, [intents.NewExample("one more: really")], None)
        return (
            Block.objects.filter(kind="intent", name=example.intent).order_by("file__path", "position").last() or block
        )
    return block


@QUICKLY
@given(data=st.data(), text=texts(), path=PATHS)
def test_an_edit_touches_its_block_and_an_undo_restores_the_bytes(db, data, text, path):
    project = Project.objects.default()
    project.take({}, None, replace=True)
    change = project.take({path: text}, None)
    assert project.files() == {path: text}
    assume(not project.faults() and Block.objects.exists())
    imported = index()
    others = set(Block.objects.values_list("pk", "text"))
    try:
        block = edit(data, project)
    except Refused:
        assert project.files() == {path: text}
        return
    assert_only_these_lines(text, project.files().get(path, ""), others, block)
    again = index()
    edited = project.files()
    project.take({}, None, replace=True)
    project.take(edited, None)
    assert index() == again, "the rows are those of a fresh import"
    while change is not None and project.files() != {path: text}:
        newest = type(change).objects.filter(undone_by=None, undoes=None).first()
        newest.undo(None)
    assert index() == imported


def assert_only_these_lines(before, after, others, block):
    now = dict(Block.objects.values_list("pk", "text"))
    changed = {pk for pk, text in others if now.get(pk) != text}
    declared = set(Block.objects.filter(kind="declared").values_list("pk", flat=True))
    heads = set(Block.objects.filter(kind="text").values_list("pk", flat=True))
    *_, last = sorted(pk for pk, _ in others)  # a section that is added leaves a blank line before it
    assert changed <= {block.pk, last} | declared | heads
    kept = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line.startswith("- ")]
    assert len(kept) <= block.text.count("\n") + 2
