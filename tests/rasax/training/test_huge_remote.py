"""A git server with a file of two gigabytes, which it really sends: of `make chaos`; else the file is a tenth of a
gigabyte, which is above the bound for one file too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rasax.training import syncing
from rasax.training.git import failures
from rasax.training.git.budget import MOST
from rasax.training.models import Change, GitRepository, Project
from tests.long import LONG
from tests.rasax.training.git import FILES
from tests.servers.git import git

pytestmark = [pytest.mark.chaos, pytest.mark.once, pytest.mark.django_db]

SIZE = 2 * 2**30 if LONG else 100 * 2**20
MEGABYTE = 2**20
CONTENTS = {"incompressible": os.urandom(MEGABYTE), "compressible": bytes(MEGABYTE)}
MOST_MEMORY = 200 * MEGABYTE  # more than before
MOST_WRITTEN = MOST + 50 * MEGABYTE  # to disk, to the git server and to the database together


def commit(repository, path, content):
    """Puts it into the branch as git keeps what is large, without a copy of it in a clone."""
    file = repository.clone / "huge"
    with file.open("wb") as huge:
        for number in range(SIZE // MEGABYTE):
            huge.write(number.to_bytes(8) + content[8:])
    quick = ("-c", "core.bigFileThreshold=1m", "-c", f"core.compression={0 if content.strip(bytes(1)) else 1}")
    blob = git(*quick, "hash-object", "-w", file, cwd=repository.bare)
    file.unlink()
    git("read-tree", "main", cwd=repository.bare)
    git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", cwd=repository.bare)
    tree = git("write-tree", cwd=repository.bare)
    git(
        "update-ref",
        "refs/heads/main",
        git("commit-tree", tree, "-p", "main", "-m", "Huge", cwd=repository.bare),
        cwd=repository.bare,
    )


def measured(work):
    """What work() gave, how much memory it took more than before at most, and how much it wrote; in bytes."""
    Path("/proc/self/clear_refs").write_text("5")  # the highest memory counts from here
    before, written = told("status", "VmHWM"), told("io", "wchar")
    result = work()
    return result, (told("status", "VmHWM") - before) * 1024, told("io", "wchar") - written


def told(file, name):
    lines = Path("/proc/self", file).read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def failure(work):
    with pytest.raises(failures.GitFailed) as caught:
        work()
    return caught.value.message


@pytest.mark.parametrize("kind", CONTENTS)
def test_a_remote_that_holds_a_huge_file_is_refused_or_asked_without_it(over_ssh, bare, alice, kind):
    syncing.pull(over_ssh, alice)
    head, changes = GitRepository.objects.get().head, Change.objects.count()
    commit(bare, "data/huge.yml", CONTENTS[kind])

    git("config", "uploadpack.allowFilter", "false", cwd=bare.bare)
    message, memory, written = measured(lambda: failure(lambda: syncing.pull(over_ssh, alice)))
    print(f"\n{SIZE >> 20} MB, {kind}, sent: {memory >> 20} MB of memory more, {written >> 20} MB written")
    assert message == failures.TOO_LARGE
    assert (memory < MOST_MEMORY, written < MOST_WRITTEN) == (True, True), (memory, written)
    assert Project.objects.default().files() == FILES
    assert (GitRepository.objects.get().head, Change.objects.count()) == (head, changes)

    git("config", "uploadpack.allowFilter", "true", cwd=bare.bare)
    outcome, memory, written = measured(lambda: syncing.pull(over_ssh, alice))
    print(f"{SIZE >> 20} MB, {kind}, not asked for: {memory >> 20} MB of memory more, {written >> 20} MB written")
    assert not outcome.taken
    assert max(memory, written) < 20 * MEGABYTE
    assert [path for path, _ in GitRepository.objects.get().notes] == ["data/huge.yml"]
    assert Project.objects.default().files() == FILES
