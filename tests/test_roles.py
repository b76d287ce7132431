"""Who may open what: every URL there is, for everybody. A URL that is missing here fails the test: decide on it."""

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import get_resolver, reverse

from events.brokers.base import Message
from events.models import Conversation
from rasax.accounts.models import User
from tests.everything import keep_everything
from tests.rasa import said

# 302 leads who is signed out to the login page; 403 is the page that says so calmly.
PAGES = """
route                                                     method anonymous alice bob carol
/                                                         GET    302       302   302 302
/tags.css                                                 GET    302       200   200 403
/conversations/                                           GET    302       200   200 403
/palette/                                                 GET    302       200   200 200
/conversations/count/                                     GET    302       200   200 403
/conversations/views/                                     POST   302       303   303 403
/conversations/views/counts/                              GET    302       200   200 403
/conversations/views/<int:view_pk>/                       POST   302       404   303 403
/conversations/export/                                    POST   302       400   400 403
/conversations/marks/                                     POST   302       400   400 403
/conversations/<int:pk>/                                  GET    302       200   200 403
/conversations/<int:pk>/panel/                            GET    302       200   200 403
/conversations/<int:pk>/next/                             GET    302       302   302 403
/conversations/<int:pk>/previous/                         GET    302       302   302 403
/conversations/<int:pk>/tags/                             POST   302       303   303 403
/conversations/<int:pk>/tags/<int:tag_pk>/remove/         POST   302       303   303 403
/conversations/<int:pk>/review/                           POST   302       303   303 403
/conversations/<int:pk>/flag-last/                        POST   302       303   303 403
/conversations/<int:pk>/notes/                            POST   302       303   303 403
/conversations/<int:pk>/notes/<int:note_pk>/delete/       POST   302       403   303 403
/conversations/<int:pk>/events/<int:event_pk>/flag/       POST   302       303   303 403
/conversations/<int:pk>/events/<int:event_pk>.json        GET    302       200   200 403
/conversations/<int:pk>/events/<int:event_pk>/intent/     GET    302       200   200 403
/conversations/<int:pk>/events/<int:event_pk>/image/      GET    302       404   404 403
/conversations/<int:pk>/at/<int:event_pk>/                GET    302       200   200 403
/conversations/<int:pk>/at/<int:event_pk>/<str:kind>.yml  GET    302       200   200 403
/conversations/<int:pk>/place/                            GET    302       200   200 403
/conversations/<int:pk>/assign/                           GET    302       200   200 403
/conversations/<int:pk>/presence/                         POST   302       204   204 403
/conversations/<int:pk>/forget/                           GET    302       200   403 403
/conversations/<path:id>/<seconds:timestamp>/             GET    302       302   302 403
/data/warnings/                                           GET    302       200   200 403
/data/warnings/rasa/                                      GET    302       200   200 403
/data/warnings/rasa/ask/                                  POST   302       302   403 403
/data/warnings/check/                                     POST   302       302   302 403
/inbox/                                                   GET    302       200   200 403
/inbox/count/                                             GET    302       200   200 403
/inbox/total/                                             GET    302       200   200 403
/inbox/decide/                                            POST   302       303   303 403
/inbox/undo/                                              POST   302       303   303 403
/inbox/<int:inbox_pk>/                                    GET    302       200   200 403
/inbox/<int:inbox_pk>/annotate/                           POST   302       409   409 403
/inbox/story/<int:pk>/<int:event_pk>/                     GET    302       200   200 403
/chat/                                                    GET    302       200   200 200
/chat/stories/                                            GET    302       200   200 200
/chat/stories/<int:story_pk>.yml                          GET    302       200   200 404
/chat/stories/<int:story_pk>/teach/                       POST   302       302   302 403
/chat/stories/<int:story_pk>/delete/                      POST   302       404   302 404
/chat/guests/                                             GET    302       200   200 403
/chat/guests/<int:link_pk>/revoke/                        POST   302       302   302 403
/chat/from/<int:pk>/<int:event_pk>/                       GET    302       200   200 403
/chat/<int:chat_pk>/                                      GET    302       404   200 404
/chat/<int:chat_pk>/notice/                               GET    302       404   200 404
/chat/<int:chat_pk>/rail/                                 GET    302       404   200 404
/chat/<int:chat_pk>/say/                                  POST   302       404   302 404
/chat/<int:chat_pk>/act/                                  POST   302       404   302 404
/chat/<int:chat_pk>/at/<int:event_pk>/                    GET    302       404   200 404
/chat/<int:chat_pk>/at/<int:event_pk>/<str:kind>.yml      GET    302       404   200 404
/chat/<int:chat_pk>/events/<int:event_pk>.json            GET    302       404   200 404
/chat/<int:chat_pk>/events/<int:event_pk>/image/          GET    302       404   404 404
/chat/<int:chat_pk>/learn/                                GET    302       404   200 404
/chat/<int:chat_pk>/learn/intent/                         POST   302       404   302 404
/chat/<int:chat_pk>/learn/action/                         POST   302       404   302 404
/chat/<int:chat_pk>/save/                                 POST   302       404   302 404
/guest/                                                   GET    410       410   410 410
/guest/<str:secret>/                                      GET    410       410   410 410
/guest/<str:secret>/begin/                                POST   410       410   410 410
/guest/<str:secret>/say/                                  POST   410       410   410 410
/jobs/                                                    GET    302       200   200 200
/jobs/<uuid:pk>/                                          GET    302       200   200 404
/jobs/<uuid:pk>/cancel/                                   POST   302       302   302 404
/jobs/<uuid:pk>/undo/                                     POST   302       302   302 404
/jobs/<uuid:pk>/file                                      GET    302       404   404 404
/training/                                                GET    302       200   200 403
/training/train                                           POST   302       400   403 403
/training/evaluate                                        POST   302       400   403 403
/training/upload                                          POST   302       400   403 403
/training/<uuid:pk>/                                      GET    302       200   200 403
/training/<uuid:pk>/cancel                                POST   302       302   403 403
/training/evaluations/<int:evaluation_pk>/                GET    302       200   200 403
/training/evaluations/<int:evaluation_pk>/delete          POST   302       302   403 403
/training/evaluations/compare                             GET    302       404   404 403
/data/                                                    GET    302       200   200 403
/data/intents/add/                                        POST   302       302   302 403
/data/intents/rename/                                     GET    302       200   200 403
/data/intents/remove/                                     GET    302       200   200 403
/data/rename/<str:kind>/                                  GET    302       404   404 403
/data/intent/                                             GET    302       302   302 403
/data/examples/add/                                       POST   302       302   302 403
/data/examples/change/                                    POST   302       302   302 403
/data/examples/<int:example_pk>/                          GET    302       200   200 403
/data/repeated/                                           GET    302       200   200 403
/data/entities/                                           GET    302       200   200 403
/data/entities/add/<str:kind>/                            POST   302       404   404 403
/data/entities/<int:block_pk>/                            GET    302       404   404 403
/data/entities/<int:block_pk>/remove/                     POST   302       404   404 403
/data/files/                                              GET    302       200   200 403
/data/files/upload/                                       POST   302       302   302 403
/data/files/project.zip                                   GET    302       200   200 403
/data/files/<int:file_pk>.yml                             GET    302       200   200 403
/data/files/import/<uuid:job_pk>/                         GET    302       404   404 403
/data/files/import/<uuid:job_pk>/take/                    POST   302       404   404 403
/data/files/import/<uuid:job_pk>/discard/                 POST   302       404   404 403
/data/git/                                                GET    302       200   200 403
/data/git/connect/                                        POST   302       302   403 403
/data/git/look/                                           POST   302       302   302 403
/data/git/pull/                                           POST   302       302   302 403
/data/git/push/                                           POST   302       302   302 403
/data/git/discard/                                        POST   302       302   302 403
/data/git/schedule/                                       POST   302       302   403 403
/data/git/host-key/                                       POST   302       302   403 403
/data/git/disconnect/                                     POST   302       302   403 403
/data/git/conflicts/<int:file_pk>/                        GET    302       200   200 403
/data/stories/                                            GET    302       200   200 403
/data/rules/                                              GET    302       200   200 403
/data/tests/                                              GET    302       200   200 403
/data/graph/                                              GET    302       200   200 403
/data/responses/                                          GET    302       200   200 403
/data/responses/<int:block_pk>/image/<int:number>/        GET    302       404   404 403
/data/domain/                                             GET    302       200   200 403
/data/domain/<int:file_pk>/                               GET    302       404   404 403
/data/config/                                             GET    302       200   200 403
/data/blocks/<int:block_pk>/                              GET    302       404   404 403
/data/blocks/<int:block_pk>/remove/                       POST   302       404   404 403
/data/blocks/new/<str:kind>/                              GET    302       200   200 403
/data/names.json                                          GET    302       200   200 403
/data/history/                                            GET    302       200   200 403
/data/history/<int:change_pk>/                            GET    302       200   200 403
/data/history/<int:change_pk>/undo/                       POST   302       302   302 403
/settings/                                                GET    302       302   302 404
/settings/tags/                                           GET    302       200   200 403
/settings/tags/add/                                       POST   302       302   302 403
/settings/tags/<int:tag_pk>/                              POST   302       302   302 403
/settings/tags/<int:tag_pk>/delete/                       POST   302       200   403 403
/settings/retention/                                      GET    302       200   403 403
/settings/retention/change/                               POST   302       302   403 403
/settings/event-service/                                  GET    302       200   403 403
/settings/event-service/<int:service_pk>/forget/          POST   302       302   403 403
/settings/rejected/                                       GET    302       200   403 403
/settings/rejected/<int:message_pk>/body                  GET    302       200   403 403
/settings/rejected/replay/                                POST   302       302   403 403
/settings/rejected/delete/                                POST   302       200   403 403
/settings/audit/                                          GET    302       200   403 403
/settings/environments/                                   GET    302       200   403 403
/settings/environments/add/                               GET    302       200   403 403
/settings/environments/try/                               POST   302       200   403 403
/settings/environments/<int:server_pk>/                   GET    302       200   403 403
/settings/environments/<int:server_pk>/test/              POST   302       302   403 403
/settings/environments/<int:server_pk>/load/              POST   302       302   403 403
/settings/environments/<int:server_pk>/remove/            POST   302       200   403 403
/models/                                                  GET    302       200   200 403
/models/upload/                                           POST   302       400   403 403
/models/<int:model_pk>/                                   GET    302       200   200 403
/models/<int:model_pk>/file                               GET    302       200   200 403
/models/<int:model_pk>/tags/                              POST   302       302   403 403
/models/<int:model_pk>/tags/remove/                       POST   302       302   403 403
/models/<int:model_pk>/activate/                          POST   302       404   403 403
/models/<int:model_pk>/delete/                            POST   302       200   403 403
/settings/audit.csv                                       GET    302       200   403 403
/language                                                 POST   302       302   302 302
/accounts/                                                GET    302       200   200 200
/accounts/home                                            GET    302       302   302 302
/accounts/login                                           GET    200       302   302 302
/accounts/logout                                          POST   302       302   302 302
/accounts/password                                        GET    302       200   200 200
/accounts/password/done                                   GET    302       200   200 200
/accounts/invitation/<str:secret>                         GET    404       404   404 404
/accounts/login/code                                      GET    302       302   302 302
/accounts/second-factor                                   GET    302       200   200 200
/accounts/second-factor/codes                             POST   302       200   200 200
/accounts/second-factor/off                               POST   302       200   200 200
/accounts/sessions                                        GET    302       200   200 200
/accounts/sessions/<int:session_pk>/end                   POST   302       404   404 404
/accounts/sessions/others/end                             POST   302       302   302 302
/accounts/sso/<str:organization_slug>/acs                 GET    302       302   302 302
/accounts/sso/<str:organization_slug>/finish              GET    404       404   404 404
/accounts/sso/<str:organization_slug>/login               GET    404       404   404 404
/accounts/sso/<str:organization_slug>/logout              GET    404       404   404 404
/accounts/sso/<str:organization_slug>/metadata            GET    404       404   404 404
/accounts/sso/oidc/callback                               GET    404       404   404 404
/accounts/sso/oidc/login                                  GET    404       404   404 404
/accounts/tokens                                          GET    302       200   200 200
/accounts/tokens/<int:token_pk>/revoke                    POST   302       404   302 404
/settings/invitations/                                    GET    302       200   403 403
/settings/invitations/<int:invitation_pk>/revoke/         POST   302       302   403 403
/settings/people/                                         GET    302       200   403 403
/settings/people/<int:person_pk>/                         GET    302       200   403 403
/settings/people/<int:person_pk>/deactivate/              POST   302       302   403 403
/settings/people/<int:person_pk>/password/                POST   302       200   403 403
/settings/people/<int:person_pk>/reactivate/              POST   302       302   403 403
/settings/people/<int:person_pk>/roles/                   POST   302       302   403 403
/settings/people/<int:person_pk>/second-factor/off/       POST   302       302   403 403
/settings/people/<int:person_pk>/sessions/end/            POST   302       302   403 403
/settings/people/<int:person_pk>/tokens/revoke/           POST   302       302   403 403
/settings/people/add/                                     GET    302       200   403 403
/settings/roles/                                          GET    302       200   403 403
/settings/roles/<int:role_pk>/                            GET    302       200   403 403
/settings/roles/<int:role_pk>/delete/                     POST   302       302   403 403
/settings/roles/<int:role_pk>/rename/                     POST   302       302   403 403
/settings/roles/<int:role_pk>/rights/                     POST   302       302   403 403
/settings/roles/add/                                      GET    302       200   403 403
/api/docs                                                 GET    302       200   200 200
/api/schema                                               GET    401       200   200 200
/admin/                                                   GET    302       200   302 302
/admin/login/                                             GET    200       302   200 200
/admin/logout/                                            POST   302       302   302 302
/admin/password_change/                                   GET    302       302   302 302
/admin/password_change/done/                              GET    302       200   302 302
/admin/autocomplete/                                      GET    302       403   302 302
/admin/jsi18n/                                            GET    302       200   302 302
/admin/r/<path:content_type_id>/<path:object_id>/         GET    302       404   302 302
/admin/<app_label>/                                       GET    302       200   302 302
/admin/<url>                                              GET    302       404   302 302
/admin/accounts/user/<id>/password/                       GET    302       200   302 302
"""

# What Alice gets of the operators' pages of each model; the others are led to the login page of /admin.
ADMIN = """
model                  list add change delete history
events.environment     200  403 200    403    200
events.facet           200  403 200    403    200
events.conversation    200  403 200    403    200
events.event           200  403 200    403    200
events.rejectedmessage 200  403 200    200    200
events.heartbeat       200  403 200    200    200
events.brokerposition  200  403 200    200    200
events.notice          200  403 200    403    200
accounts.user          200  200 200    200    200
accounts.auditentry    200  403 200    403    200
accounts.apitoken      200  403 200    403    200
accounts.invitation    200  403 200    403    200
accounts.job           200  403 200    403    200
accounts.session       200  403 200    403    200
accounts.signingkey    200  403 200    403    200
auth.group             200  200 200    200    200
conversations.tag      200  200 200    200    200
conversations.review   200  403 200    403    200
conversations.flag     200  403 200    403    200
conversations.note     200  403 200    200    200
conversations.assignment 200 403 200   403    200
conversations.correction 200 403 200   403    200
conversations.savedview 200  403 200   200    200
conversations.bulkchange 200 403 200   403    200
conversations.presence 200  403 200    403    200
conversations.retention 200 403 200    403    200
events.forgotten       200  403 200    403    200
events.stamppart       200  403 200    403    200
deployment.rasaserver  200  403 200    403    200
chat.chat              200  403 200    403    200
chat.guestlink         200  403 200    403    200
chat.learnedstory      200  403 200    403    200
deployment.model       200  403 200    403    200
deployment.modeltag    200  403 200    403    200
deployment.workertask  200  403 200    403    200
deployment.evaluation  200  403 200    403    200
deployment.uploadedproject 200 403 200 403    200
training.project 200  403 200    403    200
training.trainingfile 200  403 200    403    200
training.block 200  403 200    403    200
training.example 200  403 200    403    200
training.mention 200  403 200    403    200
training.change 200  403 200    403    200
training.gitrepository 200 403 200  403    200
training.gitfile 200  403 200    403    200
annotation.inboxmessage 200 403 200    403    200
annotation.occurrence  200  403 200    403    200
annotation.opinion     200  403 200    403    200
annotation.decision    200  403 200    403    200
annotation.gathering   200  403 200    403    200
"""
ADMIN_PATHS = {"list": "", "add": "add/", "change": "{}/change/", "delete": "{}/delete/", "history": "{}/history/"}
UNNAMED_GROUPS = {
    r"^(?P<app_label>": "<app_label>/",
    r"(?P<url>.*)$": "<url>",
}


def read(table):
    """The rows by their first column, each as what the other columns say."""
    head, *lines = [line.split() for line in table.strip().splitlines()]
    return {line[0]: dict(zip(head[1:], line[1:], strict=True)) for line in lines}


def routes(resolver=None, prefix="/"):
    """Every URL of the project, as its patterns write it."""
    for entry in (resolver or get_resolver()).url_patterns:
        part = str(entry.pattern)
        part = next((name for start, name in UNNAMED_GROUPS.items() if part.startswith(start)), part)
        if hasattr(entry, "url_patterns"):
            yield from routes(entry, prefix + part)
        else:
            yield prefix + part


def of_a_model(route):
    """Whether ADMIN has it; and the last of each model's, which leads from an id to its page."""
    first = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    return any(route.startswith(start) for start in first) and route not in read(PAGES)


def of_the_api(route):
    """tests/rasax/api/test_roles.py has those; here is what is a page all the same."""
    return route.startswith("/api/") and route not in read(PAGES)


@pytest.fixture
def kept(alice, bob):
    Conversation.objects.record([said("hello"), Message(b"no JSON")])
    return {**keep_everything(alice, bob), "somebody else": User.objects.create_user("dan")}


@pytest.fixture
def cast(alice, bob, carol):
    return {"anonymous": None, "alice": alice, "bob": bob, "carol": carol}


def status(client, user, method, url):
    """What it answers; what it changed is taken back."""
    with transaction.atomic():
        client.cookies.clear()
        if user:
            client.force_login(user)
        answer = client.generic(method, url)
        transaction.set_rollback(True)
    return str(answer.status_code)


def filled(route, kept):
    values = {
        "<int:pk>": kept["events.conversation"].pk,
        "<int:event_pk>": kept["events.event"].pk,
        "<int:note_pk>": kept["conversations.note"].pk,
        "<int:view_pk>": kept["conversations.savedview"].pk,
        "<int:evaluation_pk>": kept["deployment.evaluation"].pk,
        "<int:tag_pk>": kept["conversations.tag"].pk,
        "<int:service_pk>": kept["events.heartbeat"].pk,
        "<int:message_pk>": kept["events.rejectedmessage"].pk,
        "<int:person_pk>": kept["somebody else"].pk,
        "<int:server_pk>": kept["deployment.rasaserver"].pk,
        "<int:model_pk>": kept["deployment.model"].pk,
        "<int:role_pk>": kept["auth.group"].pk,
        "<int:session_pk>": kept["accounts.session"].pk,
        "<int:token_pk>": kept["accounts.apitoken"].pk,
        "<int:inbox_pk>": kept["annotation.inboxmessage"].pk,
        "<int:chat_pk>": kept["chat.chat"].pk,
        "<int:story_pk>": kept["chat.learnedstory"].pk,
        "<int:link_pk>": kept["chat.guestlink"].pk,
        "<int:example_pk>": kept["training.example"].pk,
        "<int:number>": 0,
        "<int:block_pk>": kept["training.block"].pk,
        "<int:file_pk>": kept["training.trainingfile"].pk,
        "<int:change_pk>": kept["training.change"].pk,
        "<uuid:job_pk>": kept["accounts.job"].pk,
        "<int:invitation_pk>": kept["accounts.invitation"].pk,
        "<str:secret>": "guessed",
        "<str:organization_slug>": "saml",
        "<str:provider_id>": "oidc",
        "<uuid:pk>": kept["accounts.job"].pk,
        "<str:kind>": "story",
        "<path:id>": kept["events.conversation"].sender_id,
        "<seconds:timestamp>": kept["events.event"].timestamp,
        "<id>": kept["accounts.user"].pk,
        "<path:content_type_id>": 0,
        "<path:object_id>": 0,
        "<app_label>": "events",
        "<url>": "no/such/page",
    }
    if "/conflicts/" in route:
        values["<int:file_pk>"] = kept["training.gitfile"].pk
    for name, value in values.items():
        route = route.replace(name, str(value))
    assert "<" not in route, f"say in this test what to put into {route}"
    return route


def test_for_each_page_it_is_said_who_may_open_it():
    assert {route for route in routes() if not (of_a_model(route) or of_the_api(route))} - read(PAGES).keys() == set()


@pytest.mark.parametrize("name", ["anonymous", "alice", "bob", "carol"])
def test_a_page_opens_for_whom_it_should(client, cast, kept, name):
    expected = {route: line[name] for route, line in read(PAGES).items()}
    found = {
        route: status(client, cast[name], line["method"], filled(route, kept)) for route, line in read(PAGES).items()
    }
    assert found == expected


def test_no_page_of_the_table_is_gone():
    assert read(PAGES).keys() - set(routes()) == set()


@pytest.fixture
def operated(kept):
    """The operators' pages of each model, by their names."""
    models = {model._meta.label_lower for model in admin.site._registry}
    assert models == read(ADMIN).keys(), "write into ADMIN what an administrator may do with a new model"
    start = {model: f"/admin/{model.replace('.', '/')}/" for model in models}
    return {
        model: {page: start[model] + path.format(kept[model].pk) for page, path in ADMIN_PATHS.items()}
        for model in models
    }


def test_the_operators_pages_of_a_model_open_for_an_administrator(client, cast, operated):
    found = {
        model: {page: status(client, cast["alice"], "GET", url) for page, url in pages.items()}
        for model, pages in operated.items()
    }
    assert found == read(ADMIN)


@pytest.mark.parametrize("name", ["anonymous", "bob", "carol"])
def test_the_operators_pages_of_a_model_open_for_nobody_else(client, cast, operated, name):
    if cast[name]:
        client.force_login(cast[name])
    for pages in operated.values():
        for url in pages.values():
            answer = client.get(url)
            assert (answer.status_code, "/login" in answer.url) == (302, True), url


def test_a_member_of_the_role_admin_without_the_door_open_stays_out(client, alice):
    User.objects.update(is_staff=False)
    client.force_login(alice)
    assert client.get(reverse("admin:index")).status_code == 302


def test_writing_takes_a_post(client, alice, kept):
    client.force_login(alice)
    for route, line in read(PAGES).items():
        if line["method"] == "POST" and not route.startswith("/admin/"):
            assert client.get(filled(route, kept)).status_code == 405, route
