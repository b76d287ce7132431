"""Training data: import, export, warnings, and edits saved, also inside an intent of very many examples.

`python -m benchmarks.training_data [--sqlite] [--million]` measures it alone.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.ending import end_in_order
from tests.deployment import Deployment
from tests.servers.postgres import PostgresServer

EXAMPLES, LONGEST, STORIES, EDITS = 100_000, 50_000, 5_000, 100
WORDS = ("the", "my", "please", "order", "pizza", "flight", "cancel", "book", "table", "rome", "now", "what", "when")
PAGES = 20  # times that each is asked for
CHANCE = random.Random(1)
HEAD = 'version: "3.1"\n'


def show(database_url: str, name: str, scale: int = 1, million: bool = False) -> None:
    work = f"from benchmarks.training_data import measure; measure({scale}, {million})"
    with Deployment(database_url) as deployment:
        print(f"Training data on {name}: {EXAMPLES // scale:,} examples, {STORIES // scale:,} stories")
        print(deployment.manage("shell", "-c", work).stdout, end="")


def measure(scale: int, million: bool) -> None:
    """In a process that has Django."""
    from rasax.training import contradictions, validation
    from rasax.training.models import Example, Project

    project, files = Project.objects.default(), project_files(scale)
    print(f"  import {seconds(lambda: project.take(files, None)):.2f} s")
    print(f"  import again, nothing new {seconds(lambda: project.take(files, None)):.2f} s")
    print(f"  export {seconds(project.files):.3f} s")
    project.refresh_from_db()
    print(f"  warnings {seconds(lambda: validation.warnings(project)):.2f} s")
    print(f"  stories compared {seconds(contradictions.found_in_stories):.2f} s")
    for name in ("longest", "i7"):
        told(f"an example changed, of {Example.objects.filter(intent=name).count():,}", changes(name))
        told(f"an example added, to {Example.objects.filter(intent=name).count():,}", additions(name, EDITS))
    told("a story changed", story_edits())
    pages()
    for what, work in renamings():
        started = time.process_time()
        print(f"  {what} {seconds(work):.2f} s, of the processor {time.process_time() - started:.2f} s")
    if million:
        lines = "".join(f"    - hello {number}\n" for number in range(1_000_000))
        alone = {"data/million.yml": f"{HEAD}nlu:\n- intent: million\n  examples: |\n{lines}"}
        print(f"  a million examples of one intent, imported {seconds(lambda: project.take(alone, None)):.2f} s")
        told("an example added to them", additions("million", 10))


def renamings() -> list[tuple[str, Callable[[], Any]]]:
    """The large ones are jobs where somebody asks for them on a page."""
    from rasax.training import intents, names

    return [
        ("an intent renamed, which every thirteenth step names", lambda: intents.rename_intent("i7", "seven", None)),
        ("an intent of 50,000 examples renamed", lambda: intents.rename_intent("longest", "long", None)),
        ("it merged into another", lambda: intents.rename_intent("long", "i3", None, merge=True)),
        ("an entity renamed that stands in every fifth example", lambda: names.rename("entity", "city", "town", None)),
    ]


def pages() -> None:
    """Each of them twenty times, and before that once with nothing kept: after an edit."""
    from django.test import Client

    from rasax.accounts.models import User
    from rasax.training.models import Block, Example

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser(username="alice"))
    example = Example.objects.filter(intent="longest").earliest("pk")
    story = Block.objects.filter(kind="story").earliest("pk")
    paths = [
        *("", "intent/?name=longest", "intent/?name=longest&q=pizza+7", f"examples/{example.pk}/", "repeated/"),
        *("entities/", "stories/", "stories/?q=utter_7", "rules/", "responses/", "domain/", "warnings/", "files/"),
        *("history/", f"blocks/{story.pk}/", "graph/?kind=intent&name=i7", "intents/rename/?name=i7&new=i7b"),
    ]
    for path in paths:
        first = seconds(lambda p=path: asked(client, p)) * 1000  # type: ignore[misc]
        told(f"/data/{path} ({first:.0f} ms at first)", [lambda p=path: asked(client, p)] * PAGES)  # type: ignore[misc]


def asked(client: Any, path: str) -> None:
    answer = client.get(f"/data/{path}")
    assert answer.status_code == 200, f"{path}: {answer.status_code}"


def project_files(scale: int) -> dict[str, str]:
    longest, rest = LONGEST // scale, (EXAMPLES - LONGEST) // scale
    others = (intent(f"i{n}", range(longest + n * rest // 50, longest + (n + 1) * rest // 50)) for n in range(50))
    return {
        "data/longest.yml": f"{HEAD}nlu:\n{intent('longest', range(longest))}",
        "data/nlu.yml": f"{HEAD}nlu:\n{''.join(others)}",
        "data/stories.yml": f"{HEAD}stories:\n{''.join(map(story, range(STORIES // scale)))}",
        "domain.yml": f"intents:\n- longest\n{''.join(f'- i{n}{chr(10)}' for n in range(50))}",
    }


def intent(name: str, numbers: Iterable[int]) -> str:
    lines = "".join(f"    - {example(number)}\n" for number in numbers)
    return f"- intent: {name}\n  examples: |\n{lines}"


def example(number: int) -> str:
    words = " ".join(CHANCE.choice(WORDS) for _ in range(6))
    return f"{words} {number}{' to [berlin](city)' if number % 5 == 0 else ''}"


def story(number: int) -> str:
    turns = ((CHANCE.randrange(50), CHANCE.randrange(90)) for _ in range(4))
    steps = "".join(f"  - intent: i{said}\n  - action: utter_{answer}\n" for said, answer in turns)
    return f"- story: story {number}\n  steps:\n{steps}"


def changes(name: str) -> list[Callable[[], Any]]:
    from rasax.training import intents
    from rasax.training.models import Example

    pks = list(Example.objects.filter(intent=name).values_list("pk", flat=True))
    chosen = Example.objects.filter(pk__in=CHANCE.sample(pks, EDITS))
    return [lambda e=each: intents.change_example(e, f"changed words {e.pk}", [], None) for each in chosen]  # type: ignore[misc]


def additions(name: str, times: int) -> list[Callable[[], Any]]:
    from rasax.training import intents

    new = [intents.NewExample(f"new words {number}") for number in range(times)]
    return [lambda e=each: intents.add_examples(name, [e], None) for each in new]  # type: ignore[misc]


def story_edits() -> list[Callable[[], Any]]:
    from rasax.training import stories
    from rasax.training.models import Block

    chosen = Block.objects.filter(kind="story").select_related("file")[:EDITS]
    more = "  - action: utter_more\n"
    return [lambda b=each: stories.change_block(b, b.text + more, None) for each in chosen]  # type: ignore[misc]


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def told(name: str, works: Iterable[Callable[[], Any]]) -> None:
    each = sorted(seconds(work) * 1000 for work in works)
    print(f"  {name}: {statistics.median(each):.1f} ms, p95 {each[int(len(each) * 0.95)]:.1f} ms")


def main() -> None:
    million = "--million" in sys.argv
    if "--sqlite" in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            show(f"sqlite:///{Path(folder, 'training.sqlite3')}", "SQLite", million=million)
    else:
        with PostgresServer() as postgres:
            show(postgres.create_database("training"), "PostgreSQL", million=million)


if __name__ == "__main__":
    end_in_order()
    main()
