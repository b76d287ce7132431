"""Long files that are much alike are compared quickly, and what is said to differ makes the one of the other."""

import difflib
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasax.training.formats.comparing import opcodes, unified

pytestmark = pytest.mark.once

LINES = st.lists(st.sampled_from([f"{letter}\n" for letter in "abcdefgh"]), max_size=14)


@given(LINES, LINES)
def test_what_differs_makes_the_one_of_the_other(one, other):
    found, made, places = opcodes(one, other), [], (0, 0)
    for tag, start, end, start_beside, end_beside in found:
        assert (start, start_beside) == places
        assert tag == "replace" or one[start:end] == other[start_beside:end_beside]
        made += other[start_beside:end_beside]
        places = end, end_beside
    assert made == other
    assert places == (len(one), len(other))
    assert all(this[0] != after[0] for this, after in pairwise(found))


def test_it_is_written_as_others_write_unified_differences():
    before = "".join(f"{number}\n" for number in range(40))
    after = before.replace("7\n", "8\n").replace("30\n", "").replace("20\n", "20\nnew\n") + "end\n"
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    assert list(unified(before, after)) == list(lines)[2:]


def test_a_name_changed_in_thousands_of_stories_is_found_at_once():
    story = "- story: {}\n  steps:\n  - intent: greet\n  - action: utter_greet\n  - intent: i{}\n"
    before = "".join(story.format(number, number % 13) for number in range(10_000))
    started = time.process_time()
    changed = [line for line in unified(before, before.replace("i7\n", "seven\n")) if line.startswith("+")]
    assert changed == ["+  - intent: seven\n"] * len(range(7, 10_000, 13))
    assert time.process_time() - started < 5
