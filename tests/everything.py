"""A row of everything, for tests that look at every page or every table."""

import io

from django.utils import timezone

from events.models import (
    BrokerPosition,
    Conversation,
    Environment,
    Event,
    Facet,
    Forgotten,
    Heartbeat,
    Notice,
    RejectedMessage,
    StampPart,
    key_of,
)
from rasax.accounts.models import ApiToken, AuditEntry, Invitation, Job, Session, SigningKey
from rasax.annotation.models import Decision, Gathering, InboxMessage, Occurrence, Opinion
from rasax.chat.models import Chat, GuestLink, LearnedStory
from rasax.conversations.models import (
    Assignment,
    BulkChange,
    Correction,
    Flag,
    Note,
    Presence,
    Retention,
    Review,
    SavedView,
    Tag,
)
from rasax.deployment.models import Evaluation, Model, ModelTag, RasaServer, UploadedProject, WorkerTask
from rasax.training.models import Block, Example, GitFile, GitRepository, Mention, Project, TrainingFile
from tests.servers.rasa_models import archive

NLU = "nlu:\n- intent: greet\n  examples: |\n    - hi\n"
STORIES = "stories:\n- story: a\n  steps:\n  - intent: greet\nrules:\n- rule: b\n  steps:\n  - intent: greet\n"


def newest(n):
    return Conversation.objects.filter(pk__in=list(Conversation.objects.values_list("pk", flat=True)[:n]))


def keep_everything(alice, bob):
    """A row of each model by its label, about conversations that are kept already; Bob wrote the note, and both the
    conversation and the event are those of its first user message."""
    event, now = Event.objects.filter(type="user").first(), timezone.now()
    conversation, tomorrow = event.conversation, now + timezone.timedelta(days=1)
    tag = Tag.objects.called("billing")
    tag.put_on(newest(3), by=bob)
    Review.objects.mark(newest(2), Review.Status.REVIEWED, by=bob)
    Flag.objects.put_on(event, by=bob)
    rows = [
        conversation, event, tag, Review.objects.first(), Flag.objects.get(), bob, bob.groups.get(),
        Note.objects.write(conversation, "Ask <b>legal</b>", by=bob), Environment.objects.get(), Facet.objects.first(),
        RejectedMessage.objects.get(), Notice.objects.first(), StampPart.objects.first(), AuditEntry.objects.first(),
        Heartbeat.objects.create(name="host:1", started_at=now, beat_at=now - timezone.timedelta(days=1)),
        BrokerPosition.objects.create(broker="default", position="12"),
        job := Job.objects.create(kind="conversations.undo", by=bob),
        Assignment.objects.create(conversation=conversation, assignee=bob, by=alice),
        Correction.objects.create(event=event, conversation=conversation, intent="goodbye", by=bob),
        SavedView.objects.create(name="Mine", owner=bob), BulkChange.objects.create(job=job, conversation=conversation),
        Presence.objects.create(conversation=conversation, user=bob, seen_at=now),
        ApiToken.objects.create(user=bob, name="script", prefix="rx_1", digest="1"),
        SigningKey.objects.create(name="1"), Session.objects.create(user=bob, key="1" * 32, seen_at=now),
        Invitation.objects.create(digest="1", expires_at=tomorrow, by=alice),
        Retention.objects.get_or_create()[0], Forgotten.objects.create(key=key_of("gone"), until=1.0),
        server := RasaServer.objects.create(name="production", url="http://127.0.0.1:9"),
        Chat.objects.create(sender_id="chat-1", server=server, person=bob, conversation=conversation),
        GuestLink.objects.create(name="Try Ada", server=server, by=bob),
        LearnedStory.objects.create(kind="test", name="greet", conversation=conversation, by=bob),
        repository := GitRepository.objects.create(url="https://git.example.com/bot.git"),
        GitFile.objects.create(repository=repository, path="data/git.yml", theirs="nlu: []\n", is_conflict=True),
        model := Model.objects.keep(io.BytesIO(archive()), "lab", bob),
        ModelTag.objects.create(name="production", model=model),
        WorkerTask.objects.create(job=job), Evaluation.objects.create(method="nlu", accuracy=0.5),
        UploadedProject.objects.create(name="bot.zip", files={}),
        project := Project.objects.default(), project.take({"nlu.yml": NLU}, bob), TrainingFile.objects.get(),
        heard := InboxMessage.objects.filter(waiting=True)[0], Occurrence.objects.first(), Gathering.objects.current(),
        Opinion.objects.create(message=heard, by=bob, intent="greet"), Decision.objects.create(by=bob, verb="skipped"),
        Block.objects.last(), Example.objects.get(), Mention.objects.first(),
    ]  # fmt: skip
    return {row._meta.label_lower: row for row in rows}
