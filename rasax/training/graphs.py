"""Stories as pictures: where each box lies. The pages draw them as SVG and write the same as a list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rasax.training.steps import BOT, STATE, USER, Step, Steps

WIDTH, HEIGHT = 208, 30  # of a box
ACROSS, DOWN = 44, 12  # between two boxes
LANE = 120  # from one lane of a story to the next: no two boxes stand in one row, and all fit beside the editor
WIDE = 1150  # more than a page has
DEEPEST, WIDEST = 4, 6  # steps from the middle, and ways on from each
MOST_STEPS = 300  # of one story
LANES = {USER: 0, STATE: 1, BOT: 2}
SHORTEST = 27  # characters that fit into a box


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    step: Step
    count: int = 0

    @property
    def short(self) -> str:
        label = self.step.label
        return label if len(label) <= SHORTEST else f"{label[: SHORTEST - 1]}…"

    @property
    def width(self) -> int:
        return WIDTH

    @property
    def height(self) -> int:
        return HEIGHT


@dataclass(frozen=True)
class Line:
    """A curve; `wide` says how many stories go along it."""

    path: str
    wide: float = 1.5


@dataclass
class Picture:
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    is_cut: bool = False

    @property
    def width(self) -> int:
        return max((box.x for box in self.boxes), default=0) + WIDTH + 2

    @property
    def is_wide(self) -> bool:
        return self.width > WIDE

    @property
    def height(self) -> int:
        return max((box.y for box in self.boxes), default=0) + HEIGHT + 2


def of_story(steps: Steps) -> Picture:
    """From top to bottom: what the user does on the left, the assistant on the right, what it keeps in between."""
    picture, y, above = Picture(is_cut=len(steps) > MOST_STEPS), 1, list[Box]()
    for alternatives in steps[:MOST_STEPS]:
        row = [Box(1 + LANES[step.lane] * LANE, y + n * (HEIGHT + 4), step) for n, step in enumerate(alternatives)]
        picture.boxes += row
        picture.lines += [_down(one, other) for one in above[-1:] for other in row[:1]]
        y, above = row[-1].y + HEIGHT + DOWN + 10, row
    return picture


def _down(one: Box, other: Box) -> Line:
    x1, y1, x2, y2 = one.x + WIDTH // 2, one.y + HEIGHT, other.x + WIDTH // 2, other.y
    middle = (y1 + y2) // 2
    return Line(f"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}")


@dataclass
class Twig:
    """A step, how many stories take it here, and what they do next; `left_out` ways are not shown."""

    step: Step
    count: int = 0
    twigs: list[Twig] = field(default_factory=list)
    left_out: int = 0

    @property
    def leaves(self) -> int:
        return sum(twig.leaves for twig in self.twigs) or 1


def around(name: str, stories: Iterable[Steps]) -> tuple[Twig, Twig]:
    """What comes before and after a name, in all stories, the same ways once: two trees that grow from it."""
    before, after = list[list[Step]](), list[list[Step]]()
    for steps in stories:
        for place, alternatives in enumerate(steps):
            if any(step.name == name for step in alternatives):
                before.append([each[0] for each in reversed(steps[max(place - DEEPEST, 0) : place])])
                after.append([each[0] for each in steps[place + 1 : place + 1 + DEEPEST]])
    here = Step(_lane(name, stories), name)
    return _grown(here, before), _grown(here, after)


def _lane(name: str, stories: Iterable[Steps]) -> str:
    found = (step.lane for steps in stories for each in steps for step in each if step.name == name)
    return next(found, BOT)


def _grown(step: Step, ways: Sequence[Sequence[Step]], depth: int = 0) -> Twig:
    nexts: dict[Step, list[Sequence[Step]]] = {}
    for way in ways if depth < DEEPEST else ():
        if way:
            nexts.setdefault(Step(way[0].lane, way[0].label, way[0].kind, way[0].name), []).append(way[1:])
    often = sorted(nexts.items(), key=lambda pair: (-len(pair[1]), pair[0].label))
    twig = Twig(step, len(ways), left_out=max(len(often) - WIDEST, 0))
    twig.twigs = [_grown(next_step, rest, depth + 1) for next_step, rest in often[:WIDEST]]
    return twig


def of_name(before: Twig, after: Twig) -> Picture:
    """The name in the middle, what comes before on its left, what comes after on its right."""
    picture = Picture()
    columns = _depth(before)
    rows = max(before.leaves, after.leaves)
    middle = Box(1 + columns * (WIDTH + ACROSS), 1 + _middle(rows), after.step, max(after.count, before.count))
    picture.boxes.append(middle)
    for twig, side in ((before, -1), (after, 1)):
        top = (rows - twig.leaves) * (HEIGHT + DOWN) // 2
        _place(picture, twig, middle, side, 1 + top)
    return picture


def _depth(twig: Twig) -> int:
    return max((1 + _depth(each) for each in twig.twigs), default=0)


def _middle(rows: int) -> int:
    return (rows - 1) * (HEIGHT + DOWN) // 2


def _place(picture: Picture, twig: Twig, at: Box, side: int, top: int) -> None:
    for each in twig.twigs:
        box = Box(at.x + side * (WIDTH + ACROSS), top + _middle(each.leaves), each.step, each.count)
        picture.boxes.append(box)
        picture.lines.append(_across(*((box, at) if side < 0 else (at, box)), each.count))
        _place(picture, each, box, side, top)
        top += each.leaves * (HEIGHT + DOWN)


def _across(one: Box, other: Box, count: int) -> Line:
    x1, y1, x2, y2 = one.x + WIDTH, one.y + HEIGHT // 2, other.x, other.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return Line(f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}", min(1 + count**0.5 / 2, 8))


def walked(twig: Twig) -> Iterator[tuple[str, Twig]]:
    """For a list: ("item", a twig), ("in", its twig) and ("out", its twig) around what follows it."""
    for each in twig.twigs:
        yield "item", each
        if each.twigs:
            yield "in", each
            yield from walked(each)
            yield "out", each
        yield "end", each
