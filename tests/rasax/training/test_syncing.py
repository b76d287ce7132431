"""Pull and push against real git servers: nothing is lost on either side, and what both changed is asked about."""

import threading

import pytest
from django.db import connection

from rasax.training import syncing
from rasax.training.edits import Put
from rasax.training.formats.errors import Refused
from rasax.training.git import failures, ssh
from rasax.training.git.failures import GitFailed
from rasax.training.models import Block, GitRepository, Project, TrainingFile
from tests.rasax.training.git import FILES, NLU, OTHERS
from tests.servers.git import git

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def ours():
    return Project.objects.default().files()


def edit(old, new, by, kind="intent"):
    block = Block.objects.get(kind=kind, text__contains=old)
    Project.objects.default().write([Put(block, block.text.replace(old, new))], by, "changed")


def failure(do):
    with pytest.raises(GitFailed) as caught:
        do()
    return caught.value.message


@pytest.mark.parametrize("way", ["over_ssh", "over_http"])
def test_what_is_edited_on_each_side_comes_to_the_other(way, request, bare, alice):
    repository = request.getfixturevalue(way)
    outcome = syncing.pull(repository, alice)
    assert sorted(outcome.taken) == sorted(FILES)
    assert ours() == FILES

    edit("- see you\n", "- see you\n    - until then\n", alice)
    bare.write({"data/nlu.yml": NLU.replace("    - hi\n", "    - hi\n    - good day\n")}, "More greetings")
    syncing.push(repository, "", "More farewells\n\nOf users", alice)

    both = NLU.replace("    - hi\n", "    - hi\n    - good day\n").replace(
        "- see you\n", "- see you\n    - until then\n"
    )
    assert bare.read("data/nlu.yml") + "\n" == both
    assert ours()["data/nlu.yml"] == both
    assert bare.log() == ["More farewells", "More greetings", "Begin"]
    assert {path: bare.read(path) + "\n" for path in OTHERS} == OTHERS
    assert git("log", "-1", "--format=%an <%ae>", "main", cwd=bare.bare).startswith("alice <")
    assert repository.pending() == []


def test_connecting_looks_and_changes_nothing_on_either_side(over_http, bare, alice):
    Project.objects.default().take(
        {"data/nlu.yml": "nlu:\n- intent: mine\n  examples: |\n    - me\n", "new.yml": "nlu: []\n"}, alice
    )
    before = ours()
    syncing.look(over_http)
    assert ours() == before
    assert bare.log() == ["Begin"]
    assert {diff.path for diff in over_http.incoming()} == {"data/nlu.yml", "domain.yml"}

    outcome = syncing.pull(over_http, alice)
    assert (outcome.taken, outcome.conflicts) == (["domain.yml"], ["data/nlu.yml"])
    assert ours()["data/nlu.yml"] == before["data/nlu.yml"]
    assert failure(lambda: syncing.push(over_http, "", "Mine", alice)) == syncing.CONFLICTS


@pytest.mark.parametrize(
    ("text", "then"),
    {
        "ours": ("ours", "- ours\n"),
        "theirs": ("theirs", "- theirs\n"),
        "edited": ("edited", "- both\n"),
    }.values(),
)
def test_a_conflict_is_solved_by_a_choice_and_pushed(text, then, over_http, bare, alice):
    syncing.pull(over_http, alice)
    edit("- hi\n", "- ours\n", alice)
    bare.write({"data/nlu.yml": NLU.replace("- hi\n", "- theirs\n")})
    assert syncing.pull(over_http, alice).conflicts == ["data/nlu.yml"]
    row = over_http.conflicts().get()
    stamp = row.stamp(ours()["data/nlu.yml"])
    chosen = {"ours": ours()["data/nlu.yml"], "theirs": row.theirs, "edited": NLU.replace("- hi\n", "- both\n")}[text]

    with pytest.raises(Refused):
        syncing.resolve(row, "nlu:\n- intent: [\n", alice, stamp)
    with pytest.raises(Refused, match="Somebody else changed"):
        syncing.resolve(row, chosen, alice, row.stamp("what somebody saw before"))
    syncing.resolve(row, chosen, alice, stamp)

    assert not over_http.conflicts().exists()
    if text != "theirs":
        syncing.push(over_http, "", "Solved", alice)
    assert bare.read("data/nlu.yml") + "\n" == ours()["data/nlu.yml"] == NLU.replace("- hi\n", then)


def test_a_broken_file_is_named_with_its_line_and_the_rest_is_in_sync(over_http, bare, alice):
    syncing.pull(over_http, alice)
    bare.write(
        {
            "data/broken.yml": "nlu:\n- intent: x\n  examples: [\n",
            "data/latin.yml": b"nlu: []\n# \xe9\n",
            "more.yml": "nlu: []\n",
        }
    )
    syncing.pull(over_http, alice)
    assert TrainingFile.objects.get(path="data/broken.yml").fault["line"] >= 3
    assert ours()["more.yml"] == "nlu: []\n"
    over_http.refresh_from_db()
    assert [path for path, _ in over_http.notes] == ["data/latin.yml:2"]
    edit("- hi\n", "- hey\n", alice)
    syncing.push(over_http, "", "Hey", alice)
    assert "- hey" in bare.read("data/nlu.yml")
    assert "data/latin.yml" in bare.paths()


def test_a_deletion_crosses_over_and_an_edited_file_that_is_deleted_there_is_a_conflict(over_http, bare, alice):
    syncing.pull(over_http, alice)
    bare.write({"domain.yml": None})
    assert syncing.pull(over_http, alice).removed == ["domain.yml"]
    edit("- hi\n", "- hey\n", alice)
    bare.write({"data/nlu.yml": None, "other.yml": "nlu: []\n"})
    assert syncing.pull(over_http, alice).conflicts == ["data/nlu.yml"]
    assert "- hey" in ours()["data/nlu.yml"]


def test_a_branch_that_lost_all_its_files_takes_none_away_here(over_http, bare, alice):
    syncing.pull(over_http, alice)
    bare.write(dict.fromkeys(FILES))
    assert failure(lambda: syncing.pull(over_http, alice)) == syncing.NO_FILES
    assert ours() == FILES


def test_a_rewritten_history_is_told_and_loses_nothing(over_http, bare, alice):
    syncing.pull(over_http, alice)
    edit("- hi\n", "- hey\n", alice)
    bare.rewrite({"data/nlu.yml": NLU.replace("- bye\n", "- ciao\n")})
    syncing.pull(over_http, alice)
    over_http.refresh_from_db()
    assert ["main", syncing.REWRITTEN] in over_http.notes
    assert ours()["data/nlu.yml"] == NLU.replace("- bye\n", "- ciao\n").replace("- hi\n", "- hey\n")
    syncing.push(over_http, "", "Hey", alice)
    assert bare.log() == ["Hey", "Begin anew"]


def test_a_push_to_a_new_branch_leaves_the_old_one(over_http, bare, alice):
    syncing.pull(over_http, alice)
    edit("- hi\n", "- hey\n", alice)
    syncing.push(over_http, "feature/hey", "Hey", alice)
    assert bare.log() == ["Begin"]
    assert bare.log("feature/hey") == ["Hey", "Begin"]
    assert [diff.path for diff in over_http.pending()] == ["data/nlu.yml"]


def test_a_folder_of_the_repository_is_the_project(over_http, bare, alice):
    bare.write({"bots/one/data/nlu.yml": NLU, "bots/two/data/nlu.yml": "nlu: []\n"})
    GitRepository.objects.filter(pk=over_http.pk).update(folder="bots/one")
    over_http.refresh_from_db()
    syncing.pull(over_http, alice)
    assert ours() == {"data/nlu.yml": NLU}
    edit("- hi\n", "- hey\n", alice)
    syncing.push(over_http, "", "Hey", alice)
    assert "- hey" in bare.read("bots/one/data/nlu.yml")
    assert bare.read("bots/two/data/nlu.yml") == "nlu: []"
    assert "- hi" in bare.read("data/nlu.yml")


def test_discarding_brings_back_what_both_had(over_http, alice):
    syncing.pull(over_http, alice)
    edit("- hi\n", "- hey\n", alice)
    Project.objects.default().take({"new.yml": "nlu: []\n"}, alice)
    syncing.discard(over_http, ["data/nlu.yml", "new.yml"], alice)
    assert ours() == FILES
    assert over_http.pending() == []


def test_odd_files_of_a_repository_are_named_and_left_where_they_are(over_http, bare, alice):
    syncing.pull(over_http, alice)
    (bare.clone / "link.yml").symlink_to("/etc/passwd")
    bare.write({
        "Domain.yml": "intents: []\n",
        "lfs.yml": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ".github/ci.yml": "on: push\n",
        "data/<img src=x onerror=alert(1)>.yml": "nlu: []\n",
    })  # fmt: skip
    syncing.pull(over_http, alice)
    over_http.refresh_from_db()
    assert {path for path, _ in over_http.notes} >= {"link.yml", "lfs.yml"}
    assert {"Domain.yml", "domain.yml"} & {path for path, _ in over_http.notes}
    assert "link.yml" not in ours()
    edit("- hi\n", "- hey\n", alice)
    syncing.push(over_http, "", "Hey", alice)
    assert {"link.yml", "lfs.yml", ".github/ci.yml"} <= set(bare.paths())


@pytest.mark.parametrize("becomes", ["a link", "a pointer of LFS", "a folder"])
def test_what_the_branch_turned_into_no_file_is_not_overwritten_by_a_push(becomes, over_http, bare, alice):
    syncing.pull(over_http, alice)
    edit("- hi\n", "- hey\n", alice)
    Project.objects.default().take({"new.yml": "nlu: []\n"}, alice)
    path = bare.clone / "data/nlu.yml"
    path.unlink()
    if becomes == "a link":
        path.symlink_to("../README.md")
    elif becomes == "a folder":
        path.mkdir()
        (path / "kept.txt").write_text("kept")
    else:
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    before = bare.write({})
    if becomes == "a folder":
        assert failure(lambda: syncing.push(over_http, "", "Hey", alice)) == syncing.CONFLICTS
    else:
        syncing.push(over_http, "", "Hey", alice)
        assert git("diff", "--name-only", before, "main", cwd=bare.bare) == "new.yml"
    assert "- hey" in ours()["data/nlu.yml"]


def test_a_file_of_many_megabytes_stays_at_the_server(over_http, bare, alice):
    with (bare.clone / "huge.bin").open("wb") as huge:
        huge.truncate(64 * 2**20)
    bare.write({})
    git("config", "uploadpack.allowFilter", "false", cwd=bare.bare)
    assert failure(lambda: syncing.pull(over_http, alice)) == failures.TOO_LARGE
    git("config", "uploadpack.allowFilter", "true", cwd=bare.bare)
    syncing.pull(over_http, alice)
    assert ours() == FILES
    edit("- hi\n", "- hey\n", alice)
    syncing.push(over_http, "", "Hey", alice)
    assert "huge.bin" in bare.paths()


def test_a_wrong_key_and_a_changed_host_key_are_refused(over_ssh, git_ssh, alice):
    syncing.look(over_ssh)
    assert over_ssh.fingerprint.startswith("SHA256:")
    git_ssh.change_host_key()
    assert failure(lambda: syncing.pull(over_ssh, alice)) == failures.HOST_KEY
    over_ssh.refresh_from_db()
    over_ssh.forget_host_key(alice)
    over_ssh.refresh_from_db()
    syncing.pull(over_ssh, alice)
    git_ssh.authorize(ssh.public_half(ssh.new_key()))
    assert failure(lambda: syncing.pull(over_ssh, alice)) == failures.REFUSED
    over_ssh.refresh_from_db()
    assert over_ssh.failure[0] == failures.REFUSED


@pytest.mark.parametrize(
    ("address", "expected"),
    {
        "no repository": ("{http}nowhere.git", failures.NO_REPOSITORY),
        "a web page": ("{http}page/", failures.BROKEN),
        "elsewhere": ("{http}elsewhere/", failures.NO_REDIRECT),
        "nobody listens": ("http://127.0.0.1:9/bot.git", failures.UNREACHABLE),
        "metadata": ("http://169.254.169.254/bot.git", failures.ADDRESS),
    }.values(),
    ids=str,
)
def test_each_trouble_has_its_own_words(address, expected, git_http, over_http, alice):
    GitRepository.objects.filter(pk=over_http.pk).update(url=address.format(http=f"http://127.0.0.1:{git_http.port}/"))
    over_http.refresh_from_db()
    assert failure(lambda: syncing.pull(over_http, alice)) == expected


def test_a_wrong_token_a_missing_branch_and_a_hanging_server(over_http, git_http, alice, monkeypatch):
    GitRepository.objects.filter(pk=over_http.pk).update(branch="nowhere")
    over_http.refresh_from_db()
    assert failure(lambda: syncing.pull(over_http, alice)) == failures.NO_BRANCH
    over_http.secret = ""
    assert failure(lambda: syncing.pull(over_http, alice)) == failures.REFUSED
    monkeypatch.setattr("rasax.training.git.budget.PATIENCE", 0.5)
    monkeypatch.setattr("rasax.training.git.budget.Budget.__init__.__defaults__", (120.0, 0.5, 2**28))
    over_http.url = f"http://127.0.0.1:{git_http.port}/hangs/"
    assert failure(lambda: syncing.pull(over_http, alice)) == failures.TOO_LATE


@pytest.mark.django_db(transaction=True)
def test_two_who_pull_and_push_at_once_lose_nothing(over_http, bare, alice):
    syncing.pull(over_http, alice)
    failed = []

    def work(number):
        try:
            Project.objects.default().take({f"data/{number}.yml": f"nlu: []\n# {number}\n"}, alice)
            repository = GitRepository.objects.get()
            (syncing.push(repository, "", f"Hi {number}", alice) if number % 2 else syncing.pull(repository, alice))
        except GitFailed as error:
            if error.message != syncing.NOTHING:
                failed.append(f"{error.message} {error.words}")
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    syncing.push(GitRepository.objects.get(), "", "The rest", alice) if GitRepository.objects.get().pending() else None
    assert failed == []
    assert {path: bare.read(path) + "\n" for path in ours()} == ours()
    assert len(ours()) == len(FILES) + 4
