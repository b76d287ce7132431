"""/data/warnings/ and its operations in the API."""

import pytest

from rasax.accounts.models import Job
from rasax.training import contradictions
from rasax.training.models import Project
from tests.rasax.training.broken_projects import GOOD, more_nlu, more_stories, story
from tests.rasax.training.conftest import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]
HOSTILE = "<script>alert(1)</script>"


def take(files):
    Project.objects.default().take(files, None, replace=True)


def test_warnings_stand_by_kind_with_their_place_and_what_to_do(desk):
    take(more_stories(story("more", "intent: greet", "action: utter_none")))
    page = text_of(desk.get("/data/warnings/"))
    assert "This response is used in stories or rules, but it has no text." in page
    assert "Write the response, or correct its name." in page
    assert "data/stories.yml</bdi>:21" in page
    assert "greet → utter_greet: welcome; utter_none: more" in page


def test_one_kind_can_be_chosen(desk):
    take(more_stories(story("more", "intent: greet", "action: utter_none")))
    page = text_of(desk.get("/data/warnings/?kind=response_missing"))
    assert "Write the response" in page
    assert "Make the same action follow" not in page


def test_a_project_without_faults_is_told_so(desk):
    take(GOOD)
    assert "Nothing looks wrong." in text_of(desk.get("/data/warnings/"))


def test_no_data_are_no_fault(desk):
    assert "There are no training data yet." in text_of(desk.get("/data/warnings/"))


def test_an_example_in_two_intents_leads_to_its_intent(desk):
    take(more_nlu("- intent: greet\n  examples: |\n    - bye\n"))
    assert b'href="/data/intent/?name=greet"' in desk.get("/data/warnings/").content


def test_a_file_that_cannot_be_read_is_named_with_its_line(desk):
    take({**GOOD, "data/bad.yml": "nlu:\n- intent: [\n"})
    assert "This file cannot be read." in text_of(desk.get("/data/warnings/"))


def test_names_are_shown_as_they_are_and_run_nothing(desk):
    take(more_nlu(f'- intent: "{HOSTILE}"\n  examples: |\n    - {HOSTILE}\n'))
    response = desk.get("/data/warnings/?kind=<b>")
    assert HOSTILE in text_of(response)
    assert HOSTILE.encode() not in response.content


def test_many_stories_are_compared_by_a_job(desk, alice, monkeypatch):
    monkeypatch.setattr(contradictions, "AT_ONCE", 1)
    take(more_stories(story("more", "intent: greet", "action: utter_bye")))
    assert "were not compared" in text_of(desk.get("/data/warnings/"))
    assert desk.post("/data/warnings/check/").status_code == 302
    job = Job.objects.get(kind=contradictions.CHECK)
    Job.objects.run(job.pk)
    job.refresh_from_db()
    assert (job.line, job.done) == ("Compared the stories: 1 warning.", 3)
    page = text_of(desk.get("/data/warnings/"))
    assert "were not compared" not in page
    assert "greet → utter_greet: welcome; utter_bye: more" in page
    take(GOOD)
    assert "were not compared" in text_of(desk.get("/data/warnings/"))


def test_who_may_not_see_the_data_sees_no_warning_of_them(client, carol):
    take(more_stories(story("more", "intent: nowhere", "action: utter_none")))
    client.force_login(carol)
    assert client.get("/data/warnings/").status_code == 403
    assert client.post("/data/warnings/check/").status_code == 403


def test_the_api_tells_of_data_and_domain_apart(client, alice):
    take(more_stories(story("more", "intent: greet", "action: utter_none")))
    client.force_login(alice)
    domain = client.get("/api/projects/default/domainWarnings").json()
    assert domain["warnings"] == [
        {
            "kind": "response_missing",
            "area": "domain",
            "is_serious": True,
            "message": "This response is used in stories or rules, but it has no text.",
            "advice": "Write the response, or correct its name.",
            "words": "utter_none",
            "path": "data/stories.yml",
            "line": 21,
            "block": domain["warnings"][0]["block"],
        }
    ]
    data = client.get("/api/projects/default/dataWarnings").json()
    assert (data["count"], data["stories_are_checked"]) == (1, True)
    assert data["warnings"][0]["kind"] == "stories_conflict"
    assert client.get("/api/projects/other/dataWarnings").status_code == 404


def test_the_api_asks_for_permissions(client, carol):
    client.force_login(carol)
    assert client.get("/api/projects/default/dataWarnings").status_code == 403
