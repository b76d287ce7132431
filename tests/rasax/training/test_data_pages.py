"""The pages of intents, examples and entities. Alice may do all, Bob may edit, Carol sees nothing of it."""

import html
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rasax.accounts import jobs
from rasax.accounts.models import Job
from rasax.training import progress, renaming_jobs, undoing_jobs
from rasax.training.models import Block, Change, Example, Project
from tests.e2e.hostile import PAYLOADS
from tests.rasax.training.conftest import FILES, text_of

pytestmark = pytest.mark.django_db


def say(desk, path, **given):
    return text_of(desk.post(f"/data/{path}", given, follow=True))


def test_without_data_the_first_steps_are_shown(desk):
    assert "What your assistant learns from" in text_of(desk.get("/data/", follow=True))


def test_intents_are_listed_with_what_is_wrong_about_them(desk, project):
    shown = text_of(desk.get("/data/"))
    assert "faq/hours" in shown
    assert re.search(r"4 intents|3 intents", shown)
    say(desk, "examples/add/", intent="greet", lines="see you\nbye")
    assert "2 conflicts" in text_of(desk.get("/data/"))


def test_lines_are_added_once_and_taken_back_from_the_notice(desk, project):
    shown = say(desk, "examples/add/", intent="greet", lines="good day\n- hi [Bob](person)\nhi\n\n")
    assert "3 examples are added to “greet”." in shown
    assert list(Example.objects.filter(intent="greet").values_list("source", flat=True)) == [
        "hi", "hello [Ann](person)", "good day", "hi [Bob](person)",
    ]  # fmt: skip
    undo = re.search(r'action="(/data/history/\d+/undo/)"', shown)[1]
    assert "It is as it was before." in text_of(desk.post(undo, {"back": "/data/"}, follow=True))
    assert Project.objects.default().files() == FILES


def test_an_example_is_edited_with_its_marks(desk, project):
    found = Example.objects.get(text="hello Ann")
    page = text_of(desk.get(f"/data/examples/{found.pk}/", headers={"HX-Request": "true"}))
    assert '"entity": "person"' in page
    marked = json.dumps({"text": "hi 👋🏽 Ann", "entities": [{"start": 6, "end": 9, "entity": "person", "role": "x"}]})
    say(desk, f"examples/{found.pk}/", marked=marked)
    assert '    - hi 👋🏽 [Ann]{"entity": "person", "role": "x"}\n' in Project.objects.default().files()["data/nlu.yml"]


def test_without_a_script_the_notation_is_typed(desk, project):
    found = Example.objects.get(text="hello Ann")
    say(desk, f"examples/{found.pk}/", source="hello [Eve](person)")
    assert Example.objects.get(text="hello Eve").entities[0]["start"] == 6


def test_a_mark_past_the_end_is_refused_and_nothing_is_lost(desk, project):
    found = Example.objects.get(text="hello Ann")
    for entities in ([{"start": 6, "end": 99, "entity": "person"}], [{"start": "x", "end": 1}], 7, [[]]):
        answer = desk.post(f"/data/examples/{found.pk}/", {"marked": json.dumps({"text": "hi", "entities": entities})})
        assert answer.status_code == 400
        assert "Mark it anew" in text_of(answer)
    assert Project.objects.default().files() == FILES


def test_selected_examples_are_moved_and_removed(desk, project):
    pks = list(Example.objects.filter(intent="greet").values_list("pk", flat=True))
    assert "2 examples are in “bye” now." in say(desk, "examples/change/", selected=pks, action="move", to="bye")
    pks = list(Example.objects.filter(intent="bye").values_list("pk", flat=True))
    assert "4 examples are removed." in say(desk, "examples/change/", selected=pks, action="remove")
    assert "Select the examples first." in say(desk, "examples/change/", intent="bye", selected=["x", "9" * 40])


def test_renaming_shows_every_file_before_it_writes_any(desk, project):
    shown = text_of(desk.get("/data/intents/rename/?name=greet&new=welcome"))
    for path in ("data/nlu.yml", "domain.yml", "data/stories.yml"):
        assert path in shown
    assert Project.objects.default().files() == FILES
    assert "“greet” is “welcome” now, everywhere." in say(desk, "intents/rename/", name="greet", new="welcome")
    files = Project.objects.default().files()
    assert "intent: welcome" in files["data/nlu.yml"]
    assert "- intent: welcome" in files["data/stories.yml"]
    assert '/welcome{"person": "Ann"}' in files["domain.yml"]


def test_renaming_to_one_that_exists_says_to_merge(desk, project):
    answer = desk.get("/data/intents/rename/?name=greet&new=bye")
    assert answer.status_code == 400
    assert "merge the two" in text_of(answer)
    say(desk, "intents/rename/", name="greet", new="bye", merge="1")
    assert Example.objects.filter(intent="bye").count() == 4


def test_a_large_renaming_is_a_job_that_tells_how_far_it_is(desk, project, monkeypatch):
    monkeypatch.setattr(renaming_jobs, "LARGE", 10)
    monkeypatch.setattr(jobs, "send", lambda pk: None)
    far, step = [], progress.step
    assert "Renaming “greet” to “bye”." in say(desk, "intents/rename/", name="greet", new="bye", merge="1")
    say(desk, "intents/rename/", name="greet", new="bye", merge="1")
    job = Job.objects.get()
    assert Project.objects.default().files() == FILES, "nothing is done while the page waits"
    with monkeypatch.context() as patch:
        patch.setattr(progress, "step", lambda *n: (step(*n), far.append(progress._told.get().job.done)))
        Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.line) == ("done", "“greet” is “bye” now, everywhere.")
    assert (job.done, job.total) == (4000, 4000)
    assert far == sorted(far)
    assert len(set(far)) > 5, "steps of each part are told"
    assert not Example.objects.filter(intent="greet").exists()
    say(desk, "rename/entity/", name="person", new="human")
    say(desk, "rename/entity/", name="person", new="other")
    for waiting in Job.objects.filter(state="queued").order_by("queued_at"):
        Job.objects.run(waiting.pk)
    failed = Job.objects.get(state="failed")
    assert "“person” to “other”" in failed.line
    assert "person" in failed.message


def test_an_entity_is_renamed_from_its_page_as_an_intent_is(desk, project):
    assert "/data/rename/entity/?name=person" in desk.get("/data/entities/").content.decode()
    shown = text_of(desk.get("/data/rename/entity/?name=person&new=human"))
    assert "+ - hello [Ann](human)" in " ".join(shown.split())
    assert Project.objects.default().files() == FILES
    assert "“person” is “human” now, everywhere." in say(desk, "rename/entity/", name="person", new="human")
    assert "(human)" in Project.objects.default().files()["data/nlu.yml"]
    assert desk.get("/data/rename/entity/?name=person&new=x").status_code == 400
    assert desk.get("/data/rename/intent/?name=greet").status_code == 404


def test_an_intent_is_added_and_removed(desk, project):
    assert "ask_time" in say(desk, "intents/add/", name="ask_time")
    assert "There is an intent of this name." in say(desk, "intents/add/", name="greet")
    assert "Remove the intent “ask_time”?" in text_of(desk.get("/data/intents/remove/?name=ask_time"))
    say(desk, "intents/remove/", name="ask_time", confirmed="1")
    assert "There is no intent “ask_time”." in text_of(desk.get("/data/intent/?name=ask_time", follow=True))


def test_a_conflict_is_solved_by_one_button(desk, project):
    say(desk, "examples/add/", intent="greet", lines="see  you")
    shown = text_of(desk.get("/data/repeated/"))
    assert "Conflict" in shown
    selected = re.search(r'name="selected" value="(\d+)"', shown)[1]
    shown = say(desk, "examples/change/", selected=selected, action="remove", back="/data/repeated/")
    assert "Every text stands once." in shown
    assert Example.objects.filter(text__in=["see you", "see  you"]).count() == 1


def test_synonyms_regexes_and_lookups_are_added_edited_and_removed(desk, project):
    assert "“NYC” is added." in say(desk, "entities/add/synonym/", name="NYC", examples="New York\nthe big apple")
    say(desk, "entities/add/regex/", name="zip", examples="[0-9]{5}")
    say(desk, "entities/add/lookup/", name="city", examples="Rome\nParis")
    block = Block.objects.get(kind="lookup")
    shown = say(desk, f"entities/{block.pk}/", text=block.text.replace("Rome", "Oslo"), base=block.text)
    assert "“city” is changed." in shown
    answer = desk.post(f"/data/entities/{block.pk}/", {"text": "- lookup: city\n  examples: [\n", "base": ""})
    assert answer.status_code == 400
    assert re.search(r'data-line="\d"', answer.content.decode())
    assert "[0-9]{5}" in text_of(desk.get(f"/data/entities/{Block.objects.get(kind='regex').pk}/"))
    say(desk, f"entities/{block.pk}/remove/")
    assert "Oslo" not in Project.objects.default().files()["data/nlu.yml"]
    assert desk.post("/data/entities/add/story/", {"name": "x"}).status_code == 404


def test_only_who_may_change_everything_takes_back_what_others_did(client, desk, project, bob, carol):
    say(desk, "examples/add/", intent="greet", lines="ahoy")
    address = f"/data/history/{Change.objects.first().pk}/undo/"
    bob.groups.get().permissions.remove(*bob.groups.get().permissions.filter(codename="change_responses"))
    for person in (bob, carol):
        client.force_login(person)
        assert client.post(address).status_code == 403
    client.force_login(bob)
    say(client, "examples/add/", intent="greet", lines="moin")
    undo = "Undo this change"
    assert undo not in text_of(client.get(address.removesuffix("undo/")))
    assert undo in text_of(client.get(f"/data/history/{Change.objects.first().pk}/"))
    assert "It is as it was before." in say(client, f"history/{Change.objects.first().pk}/undo/")


def test_who_may_change_nothing_any_more_sees_no_button_that_would_refuse(client, project, bob):
    client.force_login(bob)
    say(client, "examples/add/", intent="greet", lines="moin")
    group = bob.groups.get()
    group.permissions.remove(
        *group.permissions.filter(codename__in=["change_nlu_data", "change_stories", "change_responses"])
    )
    page = f"/data/history/{Change.objects.first().pk}/"
    assert "Undo this change" not in text_of(client.get(page))
    assert client.post(f"{page}undo/").status_code == 403


def test_history_says_who_changed_what_and_takes_it_back(desk, project, bob, client):
    say(desk, "examples/add/", intent="greet", lines="ahoy")
    change = Change.objects.first()
    assert "alice" in text_of(desk.get("/data/history/"))
    shown = text_of(desk.get(f"/data/history/{change.pk}/"))
    assert "+ - ahoy" in shown
    assert "It is as it was before." in say(desk, f"history/{change.pk}/undo/")
    assert "This change was undone before." in say(desk, f"history/{change.pk}/undo/")


def test_a_large_change_is_undone_by_a_job(desk, project, monkeypatch):
    monkeypatch.setattr(undoing_jobs, "LARGE", 10)
    say(desk, "examples/add/", intent="greet", lines="ahoy")
    assert "Undoing a large change." in say(desk, f"history/{Change.objects.first().pk}/undo/")
    job = Job.objects.get()
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.line) == ("done", "A large change was undone.")
    assert Project.objects.default().files() == FILES
    undone = text_of(desk.get("/data/history/"))
    assert "“added examples” greet" in undone


@pytest.mark.parametrize("path", ["", "intent/?name=greet", "repeated/", "entities/", "files/", "history/"])
def test_a_page_takes_ten_queries_whatever_the_rows(desk, project, path):
    lines = "\n".join(f"example {number} of [Rome](city{number})" for number in range(150))
    say(desk, "examples/add/", intent="greet", lines=lines)
    say(desk, "examples/add/", intent="bye", lines=lines)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert desk.get(f"/data/{path}").status_code == 200
    assert len(queries) <= 10, [query["sql"] for query in queries]


def test_pages_of_examples_go_on_by_keyset_and_search_finds(desk, project):
    say(desk, "examples/add/", intent="greet", lines="\n".join(f"number {n}" for n in range(150)))
    first = desk.get("/data/intent/?name=greet").content.decode()
    assert first.count('class="row-of"') == 100
    further = html.unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])
    assert desk.get(f"/data/intent/{further}").content.decode().count('class="row-of"') == 52
    assert desk.get("/data/intent/?name=greet&q=NUMBER 14").content.decode().count('class="row-of"') == 11


def test_what_others_wrote_is_text(desk, project):
    for payload in PAYLOADS:
        clean = " ".join(payload.replace("\x00", "").split())
        say(desk, "examples/add/", intent="greet", marked=json.dumps({"text": clean, "entities": []}))
        say(desk, "intents/add/", name=clean)
        say(desk, "entities/add/synonym/", name=clean, examples=clean)
        desk.get("/data/intent/", {"name": payload, "q": payload, "after": payload})
    for path in ("", "intent/?name=greet", "entities/", "history/", "repeated/"):
        page = desk.get(f"/data/{path}").content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in desk.get("/data/intent/?name=greet").content.decode()


def test_who_may_not_change_is_offered_nothing_to_change(client, project, bob, carol):
    bob.groups.get().permissions.remove(*bob.groups.get().permissions.filter(codename="change_nlu_data"))
    client.force_login(bob)
    for path in ("", "intent/?name=greet", "repeated/", "entities/", "files/"):
        assert 'action="/data/' not in client.get(f"/data/{path}").content.decode()
    assert client.post("/data/examples/add/", {"intent": "greet", "lines": "x"}).status_code == 403
    client.force_login(carol)
    assert client.get("/data/").status_code == 403
