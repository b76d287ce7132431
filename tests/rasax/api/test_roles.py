"""Who may do what over HTTP: every operation of the document, for everybody. One that is missing fails the test."""

import io

import pytest
from django.db import transaction
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from events.brokers.base import Message
from events.models import Conversation, Event, RejectedMessage
from rasax.accounts.models import ApiToken, Job
from rasax.annotation.models import InboxMessage
from rasax.conversations.models import Correction, Flag, Note, SavedView, Tag
from rasax.deployment.models import Evaluation, Model
from rasax.training.models import Block, Example, GitRepository, Project
from tests.everything import NLU, STORIES
from tests.rasax.api.conftest import Api
from tests.servers.rasa_models import archive

pytestmark = pytest.mark.once

# 401: nobody is signed in. 403: the role does not allow it. 400: it is allowed, but this test sends no body.
OPERATIONS = """
operation                                                        anonymous alice bob carol
GET    /api/health                                               503       503   503 503
GET    /api/version                                              200       200   200 200
POST   /api/auth                                                 400       400   400 400
POST   /api/auth/jwt                                             400       400   400 400
GET    /api/chat                                                 401       200   200 200
POST   /api/chat                                                 401       400   400 400
GET    /api/chatToken                                            401       404   404 403
PUT    /api/chatToken                                            401       409   409 403
GET    /api/user                                                 401       200   200 200
PUT    /api/user                                                 401       400   400 400
PATCH  /api/user                                                 401       200   200 200
GET    /api/user/tokens                                          401       200   200 200
POST   /api/user/tokens                                          401       400   400 400
DELETE /api/user/tokens/{pk}                                     401       404   204 404
GET    /api/users                                                401       200   403 403
POST   /api/users                                                401       400   403 403
GET    /api/users/{username}                                     401       200   403 403
PUT    /api/users/{username}                                     401       400   403 403
PATCH  /api/users/{username}                                     401       200   403 403
DELETE /api/users/{username}                                     401       204   403 403
GET    /api/roles                                                401       200   403 403
POST   /api/roles                                                401       400   403 403
GET    /api/roles/{role}                                         401       200   403 403
PUT    /api/roles/{role}                                         401       400   403 403
DELETE /api/roles/{role}                                         401       409   403 403
GET    /api/audit                                                401       200   403 403
GET    /api/jobs                                                 401       200   200 200
GET    /api/jobs/{job}                                           401       200   200 404
POST   /api/jobs/{job}/cancel                                    401       200   200 404
POST   /api/jobs/{job}/undo                                      401       409   409 404
GET    /api/projects/{project}/logs                              401       200   200 403
POST   /api/projects/{project}/logs                              401       400   400 403
GET    /api/projects/{project}/logs/{log}                        401       200   200 403
PUT    /api/projects/{project}/logs/{log}                        401       400   400 403
DELETE /api/projects/{project}/logs/{log}                        401       204   204 403
GET    /api/projects/{project}/models/jobs                       401       200   200 403
POST   /api/projects/{project}/models/jobs                       401       409   403 403
GET    /api/projects/{project}/trainingSources                   401       200   200 403
GET    /api/projects/{project}/files                             401       200   200 403
PUT    /api/projects/{project}/files                             401       400   400 403
GET    /api/projects/{project}/data                              401       200   200 403
POST   /api/projects/{project}/data                              401       400   400 403
PUT    /api/projects/{project}/data                              401       400   400 403
GET    /api/projects/{project}/data.yml                          401       200   200 403
PUT    /api/projects/{project}/data.yml                          401       415   415 403
GET    /api/projects/{project}/git_repositories                  401       200   200 403
POST   /api/projects/{project}/git_repositories                  401       400   403 403
GET    /api/projects/{project}/git_repositories/{pk}             401       200   200 403
DELETE /api/projects/{project}/git_repositories/{pk}             401       204   403 403
GET    /api/projects/{project}/git_repositories/{pk}/status      401       200   200 403
POST   /api/projects/{project}/git_repositories/{pk}/pull        401       202   202 403
POST   /api/projects/{project}/git_repositories/{pk}/push        401       400   400 403
GET    /api/projects/{project}/data/{pk}                         401       200   200 403
PUT    /api/projects/{project}/data/{pk}                         401       400   400 403
DELETE /api/projects/{project}/data/{pk}                         401       204   204 403
POST   /api/projects/{project}/training_examples                 401       400   400 403
GET    /api/projects/{project}/intents                           401       200   200 403
GET    /api/projects/{project}/entities                          401       200   200 403
GET    /api/projects/{project}/actions                           401       200   200 403
GET    /api/projects/{project}/dataWarnings                      401       200   200 403
GET    /api/projects/{project}/domainWarnings                    401       200   200 403
GET    /api/stories                                              401       200   200 403
POST   /api/stories                                              401       400   400 403
PUT    /api/stories                                              401       400   400 403
PUT    /api/stories/{pk}                                         401       400   400 403
DELETE /api/stories/{pk}                                         401       204   204 403
GET    /api/rules                                                401       200   200 403
POST   /api/rules                                                401       400   400 403
PUT    /api/rules                                                401       400   400 403
PUT    /api/rules/{pk}                                           401       400   400 403
DELETE /api/rules/{pk}                                           401       204   204 403
GET    /api/responses                                            401       200   200 403
POST   /api/responses                                            401       400   400 403
PUT    /api/responses                                            401       400   400 403
DELETE /api/responses                                            401       400   400 403
GET    /api/templates                                            401       200   200 403
POST   /api/templates                                            401       400   400 403
PUT    /api/templates                                            401       400   400 403
DELETE /api/templates                                            401       400   400 403
POST   /api/nlg                                                  401       404   404 403
GET    /api/domain                                               401       200   200 403
PUT    /api/domain                                               401       200   200 403
GET    /api/projects/{project}/settings                          401       200   200 403
PUT    /api/projects/{project}/settings                          401       400   400 403
GET    /api/evaluations                                          401       200   200 403
POST   /api/evaluations                                          401       400   403 403
GET    /api/evaluations/{pk}                                     401       200   200 403
DELETE /api/evaluations/{pk}                                     401       204   403 403
GET    /api/evaluations/{pk}/comparison                          401       400   400 403
GET    /api/eventService                                         401       200   403 403
GET    /api/rejectedMessages                                     401       200   403 403
GET    /api/rejectedMessages/{pk}                                401       200   403 403
DELETE /api/rejectedMessages/{pk}                                401       204   403 403
POST   /api/rejectedMessages/{pk}/replay                         401       200   403 403
GET    /api/savedViews                                           401       200   200 403
POST   /api/savedViews                                           401       400   400 403
DELETE /api/savedViews/{pk}                                      401       404   204 403
GET    /api/statistics                                           401       200   200 403
GET    /api/analytics                                            401       200   200 403
GET    /api/conversationTags                                     401       200   200 403
GET    /api/conversationIntents                                  401       200   200 403
GET    /api/conversationEntities                                 401       200   200 403
GET    /api/conversationActions                                  401       200   200 403
GET    /api/conversationPolicies                                 401       200   200 403
GET    /api/conversationSlots                                    401       200   200 403
GET    /api/conversationChannels                                 401       200   200 403
GET    /api/conversations                                        401       200   200 403
GET    /api/conversations/{conversation_id}                      401       200   200 403
DELETE /api/conversations/{conversation_id}                      401       204   403 403
GET    /api/conversations/{conversation_id}/events               401       200   200 403
GET    /api/conversations/{conversation_id}/messages             401       200   200 403
POST   /api/conversations/{conversation_id}/events               401       400   400 400
PUT    /api/conversations/{conversation_id}/events               401       400   400 400
POST   /api/conversations/{conversation_id}/messages             401       400   400 400
POST   /api/conversations/{conversation_id}/predict              401       409   409 404
POST   /api/conversations/{conversation_id}/execute              401       400   400 400
PUT    /api/conversations/{conversation_id}/messages/{timestamp}/flag    401  204  204  403
DELETE /api/conversations/{conversation_id}/messages/{timestamp}/flag    401  204  204  403
PUT    /api/conversations/{conversation_id}/messages/{timestamp}/intent  401  400  400  403
DELETE /api/conversations/{conversation_id}/messages/{timestamp}/intent  401  204  204  403
PUT    /api/conversations/{conversation_id}/reviewStatus         401       400   400 403
GET    /api/conversations/{conversation_id}/tags                 401       200   200 403
POST   /api/conversations/{conversation_id}/tags                 401       400   400 403
DELETE /api/conversations/{conversation_id}/tags/{tag}           401       204   204 403
GET    /api/conversations/{conversation_id}/notes                401       200   200 403
POST   /api/conversations/{conversation_id}/notes                401       400   400 403
DELETE /api/conversations/{conversation_id}/notes/{pk}           401       403   204 403
GET    /api/conversations/{conversation_id}/assignee             401       200   200 403
PUT    /api/conversations/{conversation_id}/assignee             401       400   400 403
GET    /api/conversations/{conversation_id}/story                401       200   200 403
GET    /api/conversations/{conversation_id}/debug-dump.json      401       200   200 403
GET    /api/environments                                         401       200   403 403
PUT    /api/environments                                         401       400   403 403
GET    /api/config                                               401       200   403 403
GET    /api/models/tags/{model_tag}                              401       200   200 403
GET    /api/projects/{project}/models                            401       200   200 403
POST   /api/projects/{project}/models                            401       415   403 403
GET    /api/projects/{project}/models/{model}                    401       200   200 403
DELETE /api/projects/{project}/models/{model}                    401       409   403 403
PUT    /api/projects/{project}/models/{model}/tags/{model_tag}   401       204   403 403
DELETE /api/projects/{project}/models/{model}/tags/{model_tag}   401       204   403 403
GET    /api/projects/{project}/models/tags/{model_tag}           401       200   200 403
"""


def table():
    lines = [line.split() for line in OPERATIONS.strip().splitlines()[1:]]
    return {(method, path): statuses for method, path, *statuses in lines}


def published():
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


@pytest.fixture
def ids(conversations, bob):
    """Of a thing of every kind; what a person can own is Bob's."""
    Conversation.objects.record([Message(b"no JSON")])
    ann, said = Conversation.objects.get(sender_id="ann"), Event.objects.get(timestamp=7.0)
    Tag.objects.called("billing").put_on(conversations.filter(pk=ann.pk), by=bob)
    Flag.objects.put_on(said, by=bob)
    Correction.objects.correct(said, "greet", by=bob)
    Model.objects.keep(io.BytesIO(archive()), "lab", bob).put_tag("production", bob)
    Project.objects.default().take({"nlu.yml": NLU, "stories.yml": STORIES}, bob)
    example = Example.objects.get()
    repository = GitRepository.objects.create(url="git@git.example.com:team/bot.git")
    return {
        "user/tokens/{pk}": f"user/tokens/{ApiToken.objects.make(bob, 'script')[0].pk}",
        "rejectedMessages/{pk}": f"rejectedMessages/{RejectedMessage.objects.get().pk}",
        "savedViews/{pk}": f"savedViews/{SavedView.objects.save_as('Mine', 'q=x', bob).pk}",
        "notes/{pk}": f"notes/{Note.objects.write(ann, 'Ask legal', by=bob).pk}",
        "evaluations/{pk}": f"evaluations/{Evaluation.objects.create(method='nlu').pk}",
        "git_repositories/{pk}": f"git_repositories/{repository.pk}",
        "stories/{pk}": f"stories/{Block.objects.get(kind='story').pk}",
        "rules/{pk}": f"rules/{Block.objects.get(kind='rule').pk}",
        "data/{pk}": f"data/{example.pk}",
        "{job}": str(Job.objects.create(kind="conversations.bulk", by=bob).pk),
        "{conversation_id}": "ann", "{timestamp}": "7.0", "{tag}": "billing", "{username}": "bob", "{role}": "tester",
        "{log}": str(InboxMessage.objects.filter(waiting=True)[0].pk),
        "{project}": "default", "{model}": "lab", "{model_tag}": "production",
    }  # fmt: skip


def test_every_operation_is_in_the_table():
    assert table().keys() == published()


@pytest.mark.parametrize("name", ["anonymous", "alice", "bob", "carol"])
def test_an_operation_is_for_whom_it_should(ids, alice, bob, carol, name):
    people = {"alice": alice, "bob": bob, "carol": carol}
    api = Api(people[name]) if name in people else Client()
    place = ["anonymous", "alice", "bob", "carol"].index(name)
    expected = {operation: statuses[place] for operation, statuses in table().items()}
    assert {operation: status(api, *operation, ids) for operation in expected} == expected


def status(api, method, path, ids):
    for name, value in ids.items():
        path = path.replace(name, value)
    with transaction.atomic():
        sent = {"data": "{}", "content_type": "application/json"} if method in {"PUT", "POST", "PATCH"} else {}
        answer = api.generic(method, path, **sent)
        transaction.set_rollback(True)
    return str(answer.status_code)
