"""What two long lists have in common, in order. What stands once in both is found first, so that files of many thousand
lines that are much alike take no longer than they are long; what lies between is compared closely where it is short."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher

CLOSELY = 200_000  # pairs that are compared with each other
CONTEXT = 3  # lines around what differs

Items = Sequence[Hashable]
Run = tuple[int, int, int]  # from where in the one, from where in the other, and how many are the same
Opcode = tuple[str, int, int, int, int]


def runs(one: Items, other: Items) -> Iterator[Run]:
    head, tail = _ends(one, other)
    yield 0, 0, head
    yield from _inside(one, (head, len(one) - tail), other, (head, len(other) - tail))
    yield len(one) - tail, len(other) - tail, tail


def _ends(one: Items, other: Items) -> tuple[int, int]:
    """How many are the same at the beginning, and of the rest at the end."""
    most = min(len(one), len(other))
    head = next((at for at in range(most) if one[at] != other[at]), most)
    most -= head
    return head, next((at for at in range(most) if one[-1 - at] != other[-1 - at]), most)


def _inside(one: Items, part: tuple[int, int], other: Items, beside: tuple[int, int]) -> Iterator[Run]:
    (at, end), (at_beside, end_beside) = part, beside
    anchors = _anchors(one[at:end], other[at_beside:end_beside])
    for place, place_beside in [(at + here, at_beside + there) for here, there in anchors]:
        if at < place and at_beside < place_beside:
            yield from _between(one, (at, place), other, (at_beside, place_beside))
        yield place, place_beside, 1
        at, at_beside = place + 1, place_beside + 1
    yield from _between(one, (at, end), other, (at_beside, end_beside))


def _anchors(one: Items, other: Items) -> list[tuple[int, int]]:
    """What stands once in both: as many as stand in the same order."""
    once = {text for text, number in Counter(one).items() if number == 1}
    places = {text: place for place, text in enumerate(other) if text in once}
    twice = {text for text, number in Counter(other).items() if number > 1}
    pairs = [(place, places[text]) for place, text in enumerate(one) if text in places and text not in twice]
    return _rising(pairs)


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest row of them whose second numbers rise."""
    ends, last, before = list[int](), list[int](), list[int]()
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        before.append(last[at - 1] if at else -1)
        if at == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[at], last[at] = place, number
    found, number = list[tuple[int, int]](), last[-1] if last else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _between(one: Items, part: tuple[int, int], other: Items, beside: tuple[int, int]) -> Iterator[Run]:
    (start, end), (start_beside, end_beside) = part, beside
    some, others = one[start:end], other[start_beside:end_beside]
    head, tail = _ends(some, others)
    yield start, start_beside, head
    yield from _closely(some[head : len(some) - tail], others[head : len(others) - tail], start + head,
                        start_beside + head)  # fmt: skip
    yield end - tail, end_beside - tail, tail


def _closely(one: Items, other: Items, at: int, beside: int) -> Iterator[Run]:
    if 1 < len(one) * len(other) <= CLOSELY:
        for match in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
            yield at + match.a, beside + match.b, match.size


def opcodes(one: Items, other: Items) -> list[Opcode]:
    """As difflib says it: ("equal" or "replace", from, to, from, to)."""
    found, at, beside = list[Opcode](), 0, 0
    for place, place_beside, number in [*runs(one, other), (len(one), len(other), 0)]:
        if at < place or beside < place_beside:
            found.append(("replace", at, place, beside, place_beside))
        if number and found and found[-1][0] == "equal":
            found[-1] = ("equal", found[-1][1], place + number, found[-1][3], place_beside + number)
        elif number:
            found.append(("equal", place, place + number, place_beside, place_beside + number))
        at, beside = place + number, place_beside + number
    return found


class _Known(SequenceMatcher[str]):
    def __init__(self, known: list[Opcode]) -> None:
        super().__init__(None, [], [])
        self._known = known

    def get_opcodes(self) -> list[Opcode]:  # type: ignore[override]
        return self._known


def unified(before: str, after: str) -> Iterator[str]:
    """The hunks of a unified diff, line by line, each with its break as it is."""
    one, other = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if one == other:
        return
    for group in _Known(opcodes(one, other)).get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        yield f"@@ -{_span(first[1], last[2])} +{_span(first[3], last[4])} @@\n"
        for tag, start, end, start_beside, end_beside in group:
            signs = (" ", "") if tag == "equal" else ("-", "+")
            yield from (signs[0] + line for line in one[start:end])
            yield from (signs[1] + line for line in other[start_beside:end_beside] if signs[1])


def _span(start: int, end: int) -> str:
    length = end - start
    return str(start + 1) if length == 1 else f"{start + 1 if length else start},{length}"
