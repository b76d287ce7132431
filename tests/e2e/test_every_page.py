"""Every page: what others wrote is text on it, everybody can use it, and pictures show how it looks."""

import json
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import Site, sign_in
from tests.e2e.hostile import FILL, PAYLOADS, messages
from tests.e2e.looks import AXE, look, show
from tests.e2e.watching import new_page, watching
from tests.rasa import recorded
from tests.test_roles import PAGES, read

pytestmark = pytest.mark.e2e

# By the name of its picture. {c} is a conversation, {e} a message of its user, {p} a text that somebody wrote.
LOOKS = {
    "conversations": "/conversations/",
    "found": "/conversations/?q=hello&flagged=1",
    "conversation": "/conversations/{c}/",
    "at": "/conversations/{c}/at/{e}/",
    "correct": "/conversations/{c}/events/{e}/intent/",
    "assign": "/conversations/{c}/assign/",
    "forget": "/conversations/{c}/forget/",
    "warnings": "/data/warnings/",
    "inbox": "/inbox/",
    "inbox-message": "/inbox/1/",
    "inbox-story": "/inbox/story/{c}/{e}/",
    "jobs": "/jobs/",
    "training": "/training/",
    "intents": "/data/",
    "intent": "/data/intent/?name=greet",
    "example": "/data/examples/1/",
    "rename-intent": "/data/intents/rename/?name=greet&new=welcome",
    "rename": "/data/rename/entity/?name=person&new=human",
    "remove-intent": "/data/intents/remove/?name=greet",
    "repeated": "/data/repeated/",
    "entities": "/data/entities/",
    "lookup": "/data/entities/3/",
    "files": "/data/files/",
    "data-stories": "/data/stories/",
    "data-rules": "/data/rules/",
    "data-tests": "/data/tests/",
    "graph": "/data/graph/?name=utter_greet",
    "responses": "/data/responses/",
    "domain": "/data/domain/",
    "domain-file": "/data/domain/6/",
    "config": "/data/config/",
    "story": "/data/blocks/12/",
    "response": "/data/blocks/22/",
    "new-story": "/data/blocks/new/story/",
    "git": "/data/git/",
    "conflict": "/data/git/conflicts/1/",
    "history": "/data/history/",
    "change": "/data/history/1/",
    "chats": "/chat/",
    "chat": "/chat/1/",
    "chat-from": "/chat/from/{c}/{e}/",
    "guest-links": "/chat/guests/",
    "stories": "/chat/stories/",
    "tags": "/settings/tags/",
    "retention": "/settings/retention/?person=nobody",
    "environments": "/settings/environments/",
    "environment": "/settings/environments/1/",
    "add-environment": "/settings/environments/add/",
    "models": "/models/",
    "model": "/models/1/",
    "event-service": "/settings/event-service/",
    "rejected": "/settings/rejected/",
    "audit": "/settings/audit/",
    "people": "/settings/people/",
    "person": "/settings/people/1/",
    "add-person": "/settings/people/add/",
    "roles": "/settings/roles/",
    "role": "/settings/roles/1/",
    "add-role": "/settings/roles/add/",
    "invitations": "/settings/invitations/",
    "sessions": "/accounts/sessions",
    "tokens": "/accounts/tokens",
    "second-factor": "/accounts/second-factor",
    "account": "/accounts/",
    "password": "/accounts/password",
    "not-found": "/no/such/page",
}
SIGNED_OUT = {"login": "/accounts/login"}
# So that tables have rows, and so a width.
WORK = """
import io
import django
django.setup()
from django.utils import timezone
from events.brokers.base import Message
from events.models import Conversation, Heartbeat
from rasax.accounts.models import Job, User
from rasax.chat.models import Chat, GuestLink, LearnedStory
from rasax.conversations.models import Review, Tag
from rasax.deployment.models import Model, RasaServer
from rasax.training.git import ssh
from rasax.training.models import GitFile, GitRepository, Project
from tests.rasax.training.test_dialogue_pages import MORE
from tests.rasax.training.test_intents import FILES, NLU
from tests.servers.rasa_models import archive
alice, now = User.objects.get(username="alice"), timezone.now()
Conversation.objects.record([Message(b"no JSON")])
Heartbeat.objects.create(name="rasa-server-7:4711", broker="FileEventBroker", started_at=now, beat_at=now, n_stored=246)
for name in ("billing", "needs training data", "to discuss", "a tag with quite a long name"):
    Tag.objects.called(name).put_on(Conversation.objects.filter(pk__lte=3), alice)
Review.objects.mark(Conversation.objects.filter(pk__lte=2), "reviewed", alice)
server = RasaServer.objects.add(alice, name="production", url="http://rasa.example.com", token="x", use="production")
Chat.objects.begin(server, alice)
GuestLink.objects.share(alice, name="Try Ada before she opens", server=server)
story = dict(kind="test", name="greets by name", yaml="stories: []", digest="1")
LearnedStory.objects.create(by=alice, conversation_id=1, **story)
answered = dict(version="3.6.21", minimum_compatible_version="3.6.0", model_file="20261122-lab.tar.gz", asked_at=now)
RasaServer.objects.filter(pk=server.pk).update(answered_at=now, **answered)
worker = RasaServer.objects.add(alice, name="worker", url="http://rasa-worker.example.com:5005", use="worker")
RasaServer.objects.filter(pk=worker.pk).update(asked_at=now, failing_since=now, reason="broken", words="no room")
RasaServer.objects.add(alice, name="staging", url="http://staging.example.com", tag="staging")
for name in ("20261122-lab", "20261121-a-model-with-quite-a-long-name", "old"):
    told = {"version": "2.8.34"} if name == "old" else {}
    Model.objects.keep(io.BytesIO(archive(**told)), name, alice)
Model.objects.get(pk=1).put_tag("production", alice)
Model.objects.get(pk=1).put_tag("better-than-the-one-before", alice)
Model.objects.get(pk=3).put_tag("staging", alice)
lookup = "nlu:\\n- lookup: city\\n  examples: |\\n    - Rome\\n- intent: bye\\n  examples: |\\n    - hi\\n"
Project.objects.default().take({"data/aaa.yml": lookup, **FILES, "data/broken.yml": "nlu: [\\n"}, alice)
Project.objects.default().take(MORE, alice)
git = GitRepository.objects.connect("git@git.example.com:team/ada.git", "main", "", ssh.new_key(), alice)
GitRepository.objects.update(head="a" * 40, is_merged=True, looked_at=now, host_key="ssh-ed25519 AAAA")
base, theirs, config = NLU.replace("- hi", "- hey", 1), NLU.replace("- hi", "- hi there", 1), FILES["config.yml"]
GitFile.objects.create(repository=git, path="data/nlu.yml", base=base, theirs=theirs, is_conflict=True)
GitFile.objects.create(repository=git, path="config.yml", base=config, theirs=config + "# theirs\\n")
Job.objects.create(kind="conversations.tag", by=alice, message="Tagged 3 conversations “billing”.", state="done")
"""
# What has no look of its own: parts of pages, files, where a form leads, and what test_training.py looks at.
PARTS = {
    "/inbox/count/", "/inbox/total/", "/data/warnings/rasa/",
    "/tags.css", "/palette/", "/conversations/count/", "/conversations/views/counts/", "/conversations/<int:pk>/panel/",
    "/conversations/<int:pk>/place/", "/conversations/<int:pk>/at/<int:event_pk>/<str:kind>.yml",
    "/conversations/<int:pk>/events/<int:event_pk>.json", "/settings/rejected/<int:message_pk>/body",
    "/chat/stories/<int:story_pk>.yml", "/training/<uuid:pk>/", "/training/evaluations/<int:evaluation_pk>/",
    "/settings/audit.csv", "/models/<int:model_pk>/file", "/jobs/<uuid:pk>/", "/accounts/password/done",
    "/data/files/project.zip", "/data/files/<int:file_pk>.yml", "/data/names.json",
}  # fmt: skip
HIGH_CONTRAST = ("conversations", "conversation", "event-service")
ALLOWED = {"/no/such/page"}  # asked for on purpose: the browser says that it is not there
ASKED = [
    f"{name}={quote(PAYLOADS[24])}" for name in ("person", "action", "object", "before", "since", "next", "q", "at")
]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    site.record(*recorded())
    site.run("-c", WORK)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def visitor(chromium: Browser, full: Site) -> Iterator[Page]:
    context = chromium.new_context(base_url=full.url, viewport={"width": 1280, "height": 720}, color_scheme="light")
    page = new_page(context)
    sign_in(page, "alice")
    yield page
    context.close()


@pytest.fixture
def complaints(visitor: Page, full: Site) -> Iterator[list[str]]:
    with watching(visitor, full.url, allowed=ALLOWED) as found:
        yield found


@pytest.mark.parametrize("name", [*LOOKS, *SIGNED_OUT])
def test_everybody_can_use_it_in_every_theme_and_at_every_size(
    visitor: Page, full: Site, chromium: Browser, complaints: list[str], name: str
) -> None:
    page = visitor if name in LOOKS else chromium.new_page(base_url=full.url)
    page.goto({**LOOKS, **SIGNED_OUT}[name].format(c=1, e=first_message(visitor, 1)))
    look(page, name, ("contrast", "dark", "light") if name in HIGH_CONTRAST else ("dark", "light"), axe_at=["1280"])
    if page is not visitor:
        page.close()
    assert complaints == []


def test_everybody_can_read_the_document_of_the_api(visitor: Page) -> None:
    """Swagger's markup: WCAG AA holds, what axe calls best practice does not."""
    page = visitor.context.new_page()
    page.goto("/api/docs")
    page.locator(".opblock").first.wait_for()
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("async (tags) => (await axe.run({ runOnly: tags })).violations.map((each) => each.id)", tags)
    page.close()
    assert found == []


@cache
def first_message(page: Page, conversation: int) -> int:
    """The id of what its user said first."""
    page.goto(f"/conversations/{conversation}/")
    return int(page.locator(".said.user").first.get_attribute("id").removeprefix("e"))


@pytest.fixture(scope="module")
def hostile(full: Site) -> None:
    full.run("-c", FILL, stdin=json.dumps([messages(), PAYLOADS]))


@pytest.fixture
def first_hostile(visitor: Page, hostile: None) -> int:
    """The conversation that says the first of the texts; those of the others follow."""
    show(visitor, "light", "1280")
    assert "&lt;script&gt;alert(1)" in visitor.request.get("/conversations/").text()
    return 1 + len({json.loads(message.body)["sender_id"] for message in recorded()})


def test_what_others_wrote_is_text_on_every_page(visitor: Page, complaints: list[str], first_hostile: int) -> None:
    event = first_message(visitor, first_hostile)
    for address in (each.format(c=first_hostile, e=event) for each in LOOKS.values()):
        visitor.goto(address)
        visitor.goto(f"{address.split('?')[0]}?{'&'.join(ASKED)}")
    assert complaints == []


def test_each_text_is_text_in_its_conversation(visitor: Page, complaints: list[str], first_hostile: int) -> None:
    for n, payload in enumerate(PAYLOADS):
        said = quote(payload)
        visitor.goto(f"/conversations/{first_hostile + n}/")
        visitor.goto(f"/conversations/?q={said}&tag={said}&sender={said}&status={said}&since={said}")
    assert complaints == []


def test_no_page_is_forgotten() -> None:
    opened = {route for route, line in read(PAGES).items() if (line["method"], line["alice"]) == ("GET", "200")}
    ours = {route for route in opened if not route.startswith(("/admin/", "/api/"))} - PARTS
    shown = [look.split("?")[0] for look in LOOKS.values()]
    holes = {"<int:pk>": "{c}", "<int:event_pk>": "{e}", "<int:person_pk>": "1", "<int:role_pk>": "1"}
    holes |= {"<int:server_pk>": "1", "<int:model_pk>": "1", "<int:example_pk>": "1", "<int:change_pk>": "1"}
    holes |= {"<int:inbox_pk>": "1", "<int:file_pk>": "1", "<str:kind>": "story"}
    for hole, filled in holes.items():
        ours = {route.replace(hole, filled) for route in ours}
    assert ours - set(shown) == set()
