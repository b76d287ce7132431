"""A real Rasa reads the same entities in an example."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasax.training.entities import broken, read

pytestmark = pytest.mark.rasa

PIECES = (
    *("[", "]", "(", ")", "{", "}", ":", "][", "](", "]{", "}]", '"', ",", "\\"),
    *("city", "Ulm", " ", "\n", "\t", "👋🏽", "e\u0301", "ä", "[Ulm](city)", "[Köln](city:Cologne)"),
    *('{"entity": "city"}', '{"entity": "a", "role": "to", "group": "1", "value": "b"}', '{"entity": ""}'),
    *('{"entity": "city", "unknown": [1]}', '[x][{"entity": "a"}, {"entity": "b", "value": ""}]', '{"entity": 1}'),
    *('"entity": "city"', '"value": 5', '"role": null', '"value": true', r'"\u007d"', '[a]{"entity": "c", "role": ""}'),
)


def test_rasa_reads_the_same_text_and_entities_in_any_source():
    sources = made()
    command = [os.environ["RASA_PYTHON"], Path(__file__).parent / "read_examples.py"]
    done = subprocess.run(command, input=json.dumps(sources), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    theirs = dict(zip(sources, map(as_text, json.loads(done.stdout)), strict=True))
    assert theirs == {source: ours(source) for source in sources}
    assert {None, 0, 1, 2} <= {answer and len(answer[1]) for answer in theirs.values()}


def made():
    sources = {*PIECES}

    @settings(max_examples=5000, database=None, deadline=None)
    @given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
    def gather(source):
        sources.add(source)

    gather()
    return sorted(sources)


def ours(source):
    if broken(source):
        return None
    return list(read(source))


def as_text(answer):
    """Values that are numbers are texts to us."""
    return answer and [answer[0], [{**each, "value": str(each["value"])} for each in answer[1]]]
