"""The rules that hold the house together, as tests."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import call_command

from events.checks import check_packages
from events.vocabulary import VOCABULARY

ROOT = Path(__file__).parent.parent
APPS = ("events", "trackers", "rasax")
TOP_LEVEL = {
    "manage.py", "rasax", "events", "trackers", "templates", "static", "requirements.txt", "tests", "docker",
    "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml",
    "requirements-dev.txt", ".env.example", ".gitignore", ".ci", "docs", "benchmarks",
}  # fmt: skip
IGNORED = [".git", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())]
BANNED_NAMES = {"utils", "helpers", "common", "core", "manager", "services"}


def inside(folder=ROOT):
    """The project's files, without what .gitignore names."""
    for entry in sorted(folder.iterdir()):
        if any(fnmatch(entry.name, pattern) for pattern in IGNORED):
            continue
        if entry.is_dir():
            yield from inside(entry)
        else:
            yield entry


def sources():
    """Our Python, without the migrations, and without the demo's bot, which runs in a Rasa server's process."""
    python = (path for path in inside() if path.suffix == ".py" and "migrations" not in path.parts)
    return [path for path in python if not path.is_relative_to(ROOT / "events" / "demo" / "bot")]


def names(paths):
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def test_imports_point_one_way():
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_top_level_is_the_one_we_agreed_on():
    assert {path.relative_to(ROOT).parts[0] for path in inside()} - TOP_LEVEL == set()


def test_no_file_is_longer_than_five_hundred_lines():
    pages = [path for path in inside() if path.suffix in {".html", ".js", ".css", ".md"}]
    ours = [path for path in pages if "vendor" not in path.parts and not path.name.endswith(".min.js")]
    assert names(path for path in [*sources(), *ours] if path.read_text().count("\n") > 500) == []


def test_nothing_is_named_for_being_of_use():
    assert names(path for path in sources() if path.stem in BANNED_NAMES or path.parent.name in BANNED_NAMES) == []


def test_a_process_starts_without_what_speaks_with_git():
    code = "import django, sys; django.setup(); sys.exit(any(name in sys.modules for name in ('paramiko', 'dulwich')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False).returncode == 0


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_every_event_type_is_documented():
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/events.md").read_text(), re.MULTILINE))
    assert documented == set(VOCABULARY)


def test_psycopg_3_and_the_other_events_are_not_installed():
    assert list(check_packages()) == []
    assert Path(find_spec("events").origin).is_relative_to(ROOT)


def test_yaml_is_never_read_with_pyyaml():
    importing = re.compile(r"^\s*(?:import yaml|from yaml\b)", re.MULTILINE)
    assert names(path for path in sources() if importing.search(path.read_text())) == []


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for path in sources() if path.relative_to(ROOT).parts[0] in APPS}
    assert names(folder for folder in folders if not (folder / "__init__.py").exists()) == []
