"""The pages of stories, rules, tests, responses, the domain and the configuration. Carol sees nothing of it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rasax.training.models import Block, Project
from tests.e2e.hostile import PAYLOADS
from tests.rasax.training.conftest import FILES, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.once]

DOMAIN = """\
# kept
intents:
- greet
- bye
slots:
  city:
    type: text
    mappings:
    - type: from_entity
      entity: city
forms:
  city_form:
    required_slots:
    - city
responses:
  utter_greet:
  - text: Hi {city}
    image: https://images.example.com/a.png
    buttons:
    - title: Bye
      payload: /bye
  - text: Hello
    channel: slack
    condition:
    - type: slot
      name: city
      value: Bonn
  - custom:
      a: 1
session_config:
  session_expiration_time: 60
"""
RULES = "rules:\n- rule: always\n  steps:\n  - intent: greet\n  - action: utter_greet\n"
TESTS = "stories:\n- story: t one\n  steps:\n  - user: |\n      hi\n    intent: greet\n  - action: utter_greet\n"
MORE = {"domain.yml": DOMAIN, "data/rules.yml": RULES, "tests/test_stories.yml": TESTS}
STORY = "- story: two\n  steps:\n  - intent: greet\n  - action: utter_greet\n  - slot_was_set:\n    - city: Bonn\n"


@pytest.fixture
def bot(db):
    project = Project.objects.default()
    project.take({**FILES, **MORE}, None)
    return project


def block(kind, name=None):
    return Block.objects.filter(kind=kind, **({"name": name} if name else {})).latest("pk")


def page(kind, name=None):
    return f"/data/blocks/{block(kind, name).pk}/"


def test_stories_rules_and_tests_are_listed_with_their_steps(desk, bot):
    shown = text_of(desk.get("/data/stories/"))
    assert "utter_faq" in shown and "always" not in shown
    assert "always" in text_of(desk.get("/data/rules/"))
    assert "“hi”" not in text_of(desk.get("/data/stories/")) and "t one" in text_of(desk.get("/data/tests/"))


def test_they_are_found_by_text_intent_and_action_and_paged(desk, bot):
    many = "".join(f"- story: s {n:03}\n  steps:\n  - intent: greet\n  - action: utter_{n}\n" for n in range(120))
    bot.take({"data/many.yml": f"stories:\n{many}"}, None)
    assert "s 007" in text_of(desk.get("/data/stories/?action=utter_7"))
    assert "s 008" not in text_of(desk.get("/data/stories/?action=utter_7"))
    assert "Nothing like that was found." in text_of(desk.get("/data/stories/?q=no%00such&intent=greet"))
    seen, address = [], "/data/stories/?intent=greet"
    for _ in range(4):
        answer = desk.get(address)
        seen += [row[0].name for row in answer.context["rows"]]
        if not answer.context["after"]:
            break
        address = f"/data/stories/?intent=greet&after={answer.context['after']}"
    assert len(seen) == len(set(seen)) == 121
    assert desk.get("/data/stories/?after=x-%00").status_code == 200


def test_a_story_is_changed_told_about_and_taken_back(desk, bot):
    before = bot.files()
    found = block("story", "one")
    text = found.text.replace("utter_faq", "utter_greet")
    shown = text_of(
        desk.post(page("story", "one"), {"text": text.replace("\n", "\r\n"), "base": found.text}, follow=True)
    )
    assert "“one” is saved." in shown and "changed by alice" in shown
    assert bot.files()["data/stories.yml"] == before["data/stories.yml"].replace("utter_faq", "utter_greet")
    undo = shown.split('action="/data/history/')[1].split("/")[0]
    desk.post(f"/data/history/{undo}/undo/", {"back": page("story", "one")})
    assert bot.files() == before


def test_an_error_is_told_with_the_line_of_the_editor_and_nothing_is_lost(desk, bot):
    found = block("test")
    answer = desk.post(page("test"), {"text": f"{found.text}\n  - action: [x\n", "base": found.text})
    assert answer.status_code == 400
    shown = text_of(answer)
    assert "This cannot be read as YAML." in shown and "- action: [x" in shown
    assert 'data-line="' in shown
    wrong = found.text.replace("  - action", "\t- action")
    assert 'data-line="6"' in text_of(desk.post(page("test"), {"text": wrong, "base": found.text}))
    assert block("test").text == found.text


def test_what_changes_more_than_the_block_is_shown_first(desk, bot):
    found = block("story", "one")
    twice = found.text + found.text.replace("story: one", "story: copied")
    shown = text_of(desk.post(page("story", "one"), {"text": twice, "base": found.text}))
    assert "This is what would change" in shown and "+- story: copied" in shown
    assert not Block.objects.filter(name="copied").exists()
    desk.post(page("story", "one"), {"text": twice, "base": found.text, "confirmed": "1"})
    assert Block.objects.filter(kind="story", name="copied").exists()


def test_what_others_changed_meanwhile_is_told(desk, bot):
    found = block("rule")
    desk.post(page("rule"), {"text": found.text.replace("utter_greet", "utter_one"), "base": found.text})
    answer = desk.post(page("rule"), {"text": found.text.replace("utter_greet", "utter_two"), "base": found.text})
    assert answer.status_code == 400
    assert "Somebody else changed the same lines meanwhile." in text_of(answer)


@pytest.mark.parametrize(
    ("kind", "text", "name"),
    [
        ("story", STORY, "two"),
        ("rule", STORY.replace("story:", "rule:"), "two"),
        ("test", "- story: new\n  steps:\n  - user: |\n      hi\n    intent: greet\n", "new"),
        ("response", "utter_new:\n- text: new\n", "utter_new"),
        ("slot", "name:\n  type: text\n  mappings:\n  - type: from_text\n", "name"),
        ("form", "other_form:\n  required_slots:\n  - city\n", "other_form"),
    ],
)
def test_each_kind_is_added_and_removed(desk, bot, kind, text, name):
    before = bot.files()
    assert desk.get(f"/data/blocks/new/{kind}/").status_code == 200
    shown = text_of(desk.post(f"/data/blocks/new/{kind}/", {"text": text}, follow=True))
    assert f"“{name}” is saved." in shown
    desk.post(f"{page(kind, name)}remove/")
    assert not Block.objects.filter(kind=kind, name=name).exists()
    assert {path: text.rstrip() for path, text in bot.files().items()} == {p: t.rstrip() for p, t in before.items()}


def test_a_story_with_the_same_steps_is_not_added_again(desk, bot):
    desk.post("/data/blocks/new/story/", {"text": STORY})
    again = desk.post("/data/blocks/new/story/", {"text": STORY.replace("two", "three")}, follow=True)
    assert "“two” has the same steps, so nothing was added." in text_of(again)
    assert desk.post("/data/blocks/new/response/", {"text": "utter_x: [\n"}).status_code == 400
    assert desk.post("/data/blocks/new/response/", {"text": "a: 1\nb: 2\n"}).status_code == 400


def test_responses_are_shown_as_a_chat_shows_them(desk, bot):
    shown = text_of(desk.get("/data/responses/"))
    for words in ("Hi {city}", "Bye", "city = Bonn", "slack", '"a": 1', "3 variations"):
        assert words in shown
    image = desk.get(f"/data/responses/{block('response').pk}/image/0/")
    assert "img-src https://images.example.com;" in image["Content-Security-Policy"]
    assert desk.get(f"/data/responses/{block('response').pk}/image/1/").status_code == 404


def test_the_domain_is_edited_by_what_it_holds(desk, bot):
    shown = text_of(desk.get("/data/domain/"))
    for name in ("city", "city_form", "intents", "session_config", "domain.yml"):
        assert name in shown
    session = Block.objects.get(kind="text", text__contains="session_config")
    desk.post(f"/data/blocks/{session.pk}/", {"text": session.text.replace("60", "30"), "base": session.text})
    assert bot.files()["domain.yml"] == DOMAIN.replace("60", "30")
    other = Block.objects.filter(kind="text", file__path="config.yml").first()
    assert desk.get(f"/data/blocks/{other.pk}/").status_code == 404


def test_a_whole_file_is_saved_after_its_differences_were_seen(desk, bot):
    text = FILES["config.yml"].replace("faq", "chitchat")
    shown = text_of(desk.post("/data/config/", {"text": text}))
    assert "+ retrieval_intent: chitchat" in shown
    assert bot.files()["config.yml"] == FILES["config.yml"]
    token = shown.split('name="token" value="')[1].split('"')[0]
    assert "“config.yml” is saved." in text_of(
        desk.post("/data/config/", {"text": text, "confirmed": "1", "token": token}, follow=True)
    )
    assert bot.files()["config.yml"] == text
    late = desk.post("/data/config/", {"text": "language: de\n", "confirmed": "1", "token": token})
    assert late.status_code == 409 and "changed since this was shown" in text_of(late)
    wrong = desk.post("/data/config/", {"text": "pipeline:\n- name: [\n"})
    assert wrong.status_code == 400 and "data-line" in text_of(wrong)
    whole = f"/data/domain/{block('slot').file_id}/"
    assert "# kept" in text_of(desk.get(whole))


def test_the_graph_shows_what_comes_before_and_after(desk, bot):
    shown = text_of(desk.get("/data/graph/?name=utter_greet"))
    assert "stories have it." in shown and "<svg" in shown and "bye" in shown
    assert "No story, rule or test has this name." in text_of(desk.get("/data/graph/?name=nothing"))
    assert "utter_faq" in text_of(desk.get("/data/graph/"))


def test_names_are_told_to_the_editor(desk, bot):
    names = desk.get("/data/names.json").json()
    assert names["slots"] == ["city"] and "greet" in names["intents"] and "faq/hours" in names["intents"]
    assert {"utter_greet", "city_form", "action_listen"} <= set(names["actions"])


PAGES = [
    "stories/",
    "rules/",
    "tests/",
    "responses/",
    "domain/",
    "config/",
    "graph/",
    "graph/?name=utter_greet",
    "names.json",
]


def test_no_page_asks_more_than_ten_questions_of_the_database(desk, bot):
    blocks = [
        page(kind).removeprefix("/data/") for kind in ("story", "rule", "test", "response", "slot", "form", "declared")
    ]
    whole = f"domain/{block('slot').file_id}/"
    for address in [*PAGES, *blocks, whole, "blocks/new/story/"]:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(f"/data/{address}").status_code == 200
        assert len(queries) <= 10, (address, [each["sql"][:120] for each in queries])


def test_carol_sees_nothing_and_rights_hold_by_area(client, carol, bob, bot):
    addresses = [
        *PAGES,
        page("story").removeprefix("/data/"),
        page("response").removeprefix("/data/"),
        "blocks/new/rule/",
    ]
    client.force_login(carol)
    assert {client.get(f"/data/{address}").status_code for address in addresses} == {403}
    from django.contrib.auth.models import Permission

    carol.user_permissions.set(
        Permission.objects.filter(codename__in=["view_stories", "change_responses", "view_responses"])
    )
    client.force_login(carol)
    assert client.get(page("story")).status_code == 200 and client.get(page("response")).status_code == 200
    assert client.post(page("story"), {"text": "x", "base": "y"}).status_code == 403
    assert client.post(f"{page('story')}remove/").status_code == 403
    assert client.get("/data/blocks/new/story/").status_code == 403
    assert client.get("/data/blocks/new/response/").status_code == 200
    assert client.post(f"/data/domain/{block('slot').file_id}/", {"text": ""}).status_code == 403
    assert client.get("/data/config/").status_code == 403


def test_what_others_wrote_is_text(desk, bot):
    from rasax.training.formats import scalars

    for n, payload in enumerate(PAYLOADS):
        said = scalars.written(payload.replace("\x00", "").replace("\n", " ").strip() or "x")
        steps = f"- intent: {said}\n  - action: {said}\n  - slot_was_set:\n    - a: {said}\n"
        item = f"stories:\n- story: {said}\n  steps:\n  {steps}"
        buttons = f"buttons:\n    - title: {said}\n      payload: {said}\n"
        responses = f"responses:\n  utter_{n}:\n  - text: {said}\n    image: {said}\n    {buttons}"
        bot.take({f"data/h{n}.yml": item, f"domain/h{n}.yml": responses}, None)
        found = Block.objects.filter(kind="story", file__path=f"data/h{n}.yml").first()
        for address in (f"/data/blocks/{found.pk}/" if found else "/data/stories/", "/data/responses/"):
            assert "<script>alert(1)" not in desk.get(address).content.decode()
    for address in PAGES[:-1]:
        answer = desk.get(
            f"/data/{address}", {"q": PAYLOADS[0], "name": PAYLOADS[0], "intent": PAYLOADS[0], "after": PAYLOADS[0]}
        )
        assert answer.status_code == 200 and "<script>alert(1)" not in answer.content.decode()
