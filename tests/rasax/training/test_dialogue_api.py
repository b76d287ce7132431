"""Stories, rules, responses, the domain and the configuration over HTTP; and what Rasa's NLG endpoint asks."""

import pytest

from rasax.accounts.api.authentication import issue
from rasax.training.choosing import eligible, fill, filled
from rasax.training.models import Block, Project
from tests.rasax.training.test_dialogue_pages import DOMAIN, FILES, MORE, STORY

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def bot(db):
    project = Project.objects.default()
    project.take({**FILES, **MORE}, None)
    return project


@pytest.fixture
def ask(client, alice):
    def run(method, path, body=None, by=alice, **more):
        headers = {"Authorization": f"Bearer {issue(by)}"} if by else {}
        sent = {"data": body, "content_type": "application/json"} if body is not None else {}
        return getattr(client, method)(f"/api/{path}", headers=headers, **sent, **more)

    return run


def test_stories_are_listed_added_once_changed_and_removed(ask, bot):
    assert [each["name"] for each in ask("get", "stories?intent=greet").json()] == ["one"]
    made = ask("post", "stories", {"story": STORY})
    assert made.status_code == 201 and ask("post", "stories", {"story": STORY}).status_code == 200
    pk = made.json()["id"]
    changed = ask("put", f"stories/{pk}", {"story": STORY.replace("utter_greet", "utter_bye")})
    assert changed.status_code == 200 and "utter_bye" in bot.files()["data/stories.yml"]
    wrong = ask("put", f"stories/{pk}", {"story": "- story: [x\n"})
    assert wrong.status_code == 422 and "YAML" in wrong.json()["message"]
    assert ask("delete", f"stories/{pk}").status_code == 204
    assert ask("delete", f"stories/{pk}").status_code == 404
    assert ask("delete", f"rules/{pk}").status_code == 404


def test_a_file_of_rules_is_said_anew(ask, bot):
    rules = "rules:\n- rule: other\n  steps:\n  - intent: bye\n  - action: utter_greet\n"
    assert [each["name"] for each in ask("put", "rules", {"stories": rules}).json()] == ["other"]
    assert bot.files()["data/rules.yml"] == rules
    assert ask("put", "rules", {"stories": "rules: [\n"}).status_code == 422
    assert ask("put", "rules", {"stories": rules, "filename": "../../etc/x.yml"}).status_code == 422
    assert bot.files()["data/rules.yml"] == rules


def test_responses_are_added_to_said_anew_and_removed(ask, bot):
    said = {"name": "utter_new", "variations": [{"text": "no"}, {"text": "a: b #c", "channel": "slack"}]}
    assert ask("post", "responses", said).json()["variations"] == said["variations"]
    more = ask("post", "templates", {"name": "utter_new", "variations": [{"custom": {"a": [1, None, True]}}]})
    assert more.status_code == 201 and len(more.json()["variations"]) == 3
    assert len(ask("put", "responses", said).json()["variations"]) == 2
    assert len(ask("get", "responses?q=Hi").json()) == 1
    assert ask("delete", "responses?name=utter_new").status_code == 204
    assert ask("delete", "responses?name=utter_new").status_code == 404
    assert bot.files()["domain.yml"].rstrip() == DOMAIN.rstrip()


def test_a_response_said_anew_keeps_the_comments_in_it(ask, bot):
    text = """responses:
  utter_a:  # when they come
  # the usual one
  - text: Hi   # short
    buttons:
    - title: A
      payload: /a  # yes
    - title: B
      payload: /b
  # the other
  - text: |
      Welcome
      back
"""
    bot.take({"domain.yml": text}, None)
    said = ask("get", "responses?q=Hi").json()[0]["variations"]
    said[0]["buttons"].pop()
    said += [{"custom": {"a": 1}}]
    assert ask("put", "responses", {"name": "utter_a", "variations": said}).json()["variations"] == said
    now = text.replace("    - title: B\n      payload: /b\n", "") + "  - custom:\n      a: 1\n"
    assert bot.files()["domain.yml"] == now
    said[0]["text"] = "Hello"
    ask("put", "domain", {"responses": {"utter_a": said}})
    assert bot.files()["domain.yml"] == now.replace("text: Hi ", "text: Hello ")


def test_of_a_domain_only_what_differs_is_written(ask, bot):
    domain = ask("get", "domain").json()
    assert domain["session_config"] == {"session_expiration_time": 60}
    assert ask("put", "domain", domain).json() == domain
    assert bot.files()["domain.yml"] == DOMAIN
    domain["slots"]["city"]["type"] = "any"
    domain["slots"]["mood"] = {"type": "text", "mappings": [{"type": "from_text"}]}
    assert ask("put", "domain", domain).json()["slots"] == domain["slots"]
    text = bot.files()["domain.yml"]
    assert text.startswith("# kept\n") and "    type: any\n" in text and "  mood:\n" in text
    assert ask("put", "domain", {"forms": {}}).json().get("forms") is None
    assert ask("put", "domain", {"nonsense": {}}).status_code == 400


@pytest.mark.parametrize("kind", ["application/yaml", "application/x-yaml"])
def test_the_domain_is_read_and_said_as_yaml_too(client, alice, bot, kind):
    headers = {"Authorization": f"Bearer {issue(alice)}", "Accept": kind}
    shown = client.get("/api/domain", headers=headers)
    assert shown["Content-Type"].startswith("application/yaml")
    text = shown.content.decode()
    assert text.splitlines()[0] == "intents:" and "session_expiration_time: 60" in text
    text = 'version: "3.1"\n' + text.replace("type: text", "type: any", 1)
    answer = client.put("/api/domain", text, content_type=kind, headers=headers)
    assert answer.json()["session_config"] == {"session_expiration_time": 60}
    assert bot.files()["domain.yml"] == DOMAIN.replace("type: text", "type: any", 1)
    wrong = client.put("/api/domain", "slots:\n  a: [\n", content_type=kind, headers=headers)
    assert wrong.status_code == 400 and "YAML" in wrong.json()["message"]


def test_the_whole_project_goes_out_and_comes_in_at_once(ask, bot):
    path = "projects/default/files"
    there = ask("get", path).json()
    assert {each["filename"]: each["text"] for each in there} == bot.files()
    assert ask("put", path, {"files": there, "replace": True}).json() == {"changed": []}
    broken = [{"filename": "data/x.yml", "text": "rules: [\n"}, {"filename": "data/y.yml", "text": "rules: []\n"}]
    wrong = ask("put", path, {"files": broken})
    assert wrong.status_code == 422 and "data/x.yml:2" in wrong.json()["message"]
    assert "data/y.yml" not in bot.files()
    assert ask("put", path, {"files": broken[1:], "replace": True}).json()["changed"][0] == "data/y.yml"
    assert bot.files() == {"data/y.yml": "rules: []\n"}


def test_the_configuration_is_read_and_said_anew(ask, bot):
    path = "projects/default/settings"
    assert ask("get", path).json() == {"nlu_config": FILES["config.yml"]}
    assert ask("put", path, {"nlu_config": "language: de\n"}).status_code == 200
    assert bot.files()["config.yml"] == "language: de\n"
    assert ask("put", path, {"nlu_config": "language: [\n"}).status_code == 422
    assert ask("get", "projects/other/settings").status_code == 404


def test_rasa_is_told_what_its_bot_says(ask, bot, settings, carol):
    settings.SERVICE_TOKEN = "s3rvice"
    asked = {"response": "utter_greet", "id": None, "arguments": {}, "channel": {"name": "slack"}}
    asked["tracker"] = {"sender_id": "x", "slots": {"city": "BONN"}, "events": []}
    said = ask("post", "nlg?token=s3rvice", asked, by=None).json()
    assert said["text"] == "Hello"
    asked["channel"] = {"name": "rest"}
    texts = {ask("post", "nlg?token=s3rvice", asked, by=None).json()["text"] for _ in range(30)}
    assert texts == {"Hi BONN", ""}
    assert ask("post", "nlg?token=wrong", asked, by=None).status_code == 401
    assert ask("post", "nlg", asked, by=carol).status_code == 403
    assert ask("post", "nlg?token=s3rvice", {**asked, "response": "utter_none"}, by=None).status_code == 404


def test_a_variation_is_chosen_by_channel_and_condition():
    met = {"text": "met", "condition": [{"type": "slot", "name": "a", "value": "X"}]}
    plain, slack = {"text": "plain"}, {"text": "slack", "channel": "slack"}
    both, never = {**met, "channel": "slack"}, {"text": "never", "condition": []}
    every = [met, plain, slack, both, never]
    assert eligible(every, {"a": "x"}, "slack") == [both]
    assert eligible(every, {"a": None}, "slack") == [slack]
    assert eligible(every, {"a": "x"}, "rest") == [met]
    assert eligible(every, {}, "rest") == [plain]
    assert eligible([slack, never], {}, "rest") == []


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("Hi {name}", "Hi Ann"), ("{n} {none} {list}", "3 None [1, 'a']"), ("{unknown} {name}", "{unknown} {name}"),
        ("{{name}}", "{name}"), ("{{name}} {name}", "{{name}} {name}"), ("{{{name}}}", "{Ann}"), ("{", "{"),
        ("{name].__class__}", "{name].__class__}"), ("{name.__class__}", "{name.__class__}"),
    ],
)  # fmt: skip
def test_a_text_is_filled_as_rasa_fills_it_and_nothing_else_is_reached(text, becomes):
    values = {"name": "Ann", "n": 3, "none": None, "list": [1, "a"]}
    assert fill(text, values) == becomes
    buttons = filled({"buttons": [{"title": text}], "metadata": text}, values)
    assert buttons == {"buttons": [{"title": becomes}], "metadata": text}


def test_who_may_only_see_changes_nothing(ask, bot, carol):
    assert {ask("get", path, by=carol).status_code for path in ("stories", "rules", "responses", "domain")} == {403}
    assert ask("post", "stories", {"story": STORY}, by=carol).status_code == 403
    assert not Block.objects.filter(name="two").exists()
