"""Interactive learning beside the chat, and the stories that came of it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from events.models import NAME_LENGTH
from rasax.chat import learning
from rasax.chat.models import LearnedStory
from rasax.chat.pages import done, may_chat, mine
from rasax.chat.talking import MOST_SAID
from rasax.conversations.inspecting import yaml_file
from rasax.conversations.reading import reader
from rasax.deployment.errors import RasaError
from rasax.training.formats.errors import Refused
from rasax.training.stories import add_story

MOST_SHOWN = 200


@may_chat
@require_GET
def learn(request: HttpRequest, chat_pk: int) -> HttpResponse:
    """What the last message meant and what Rasa would do next, to confirm or correct."""
    shown = mine(request, chat_pk)
    try:
        context = {"chat": shown, "step": learning.step_of(shown)}
    except RasaError as error:
        context = {"chat": shown, "error": str(error)}
    return render(request, "chat/_learn.html", context)


@may_chat
@require_POST
def correct(request: HttpRequest, chat_pk: int) -> HttpResponse:
    shown = mine(request, chat_pk)
    said = request.POST.get("said", "").strip()[:MOST_SAID]
    intent = (request.POST.get("intent") or request.POST.get("another") or "").strip()[:NAME_LENGTH]
    if not said or not intent:
        return done(request, shown, lambda: None)
    if (said, intent) == (request.POST.get("was_said", "").strip(), request.POST.get("was_intent")):
        return done(request, shown, lambda: learning.confirm(shown, intent, reader(request)))
    return done(request, shown, lambda: learning.correct(shown, said, intent, reader(request)))


@may_chat
@require_POST
def execute(request: HttpRequest, chat_pk: int) -> HttpResponse:
    shown = mine(request, chat_pk)
    action = (request.POST.get("action") or request.POST.get("another") or "").strip()[:NAME_LENGTH]
    policy = request.POST.get("policy", "")[:NAME_LENGTH]
    return done(request, shown, lambda: learning.execute(shown, action, policy) if action else None)


@may_chat
@require_POST
def save(request: HttpRequest, chat_pk: int) -> HttpResponse:
    shown = mine(request, chat_pk)
    kind = LearnedStory.Kind.TEST if request.POST.get("kind") == "test" else LearnedStory.Kind.STORY
    name = request.POST.get("name", "").strip()[:NAME_LENGTH] or shown.sender_id
    try:
        story, is_new = learning.save(shown, kind, name, reader(request))
    except ValueError:
        messages.error(request, _("There is nothing to save yet."))
        return redirect("chat", shown.pk)
    said = _("Saved as “%s”.") if is_new else _("The same steps are there already, as “%s”.")
    messages.success(request, said % story.name)
    return redirect("learned_stories")


@may_chat
@permission_required("accounts.change_stories", raise_exception=True)
@require_POST
def teach(request: HttpRequest, story_pk: int) -> HttpResponse:
    """Puts a saved story into the training data, where the assistant learns it with the next training."""
    story = get_object_or_404(LearnedStory.objects.visible_to(reader(request)), pk=story_pk)
    try:
        block, is_new = add_story(
            "test" if story.kind == LearnedStory.Kind.TEST else "story", story.yaml, reader(request)
        )
    except Refused as refused:
        messages.error(request, f"{_(refused.message)} {refused.words}".strip())
    else:
        said = (
            _("It is in the training data now, as “%s”.") if is_new else _("The same steps are there already, as “%s”.")
        )
        messages.success(request, said % block.name)
    return redirect("learned_stories")


@may_chat
@require_GET
def stories(request: HttpRequest) -> HttpResponse:
    visible = LearnedStory.objects.visible_to(reader(request)).select_related("by", "conversation")
    return render(request, "chat/stories.html", {"stories": visible[:MOST_SHOWN]})


@may_chat
@require_GET
def story_yaml(request: HttpRequest, story_pk: int) -> HttpResponse:
    story = get_object_or_404(LearnedStory.objects.visible_to(reader(request)), pk=story_pk)
    return yaml_file(story.yaml, f"{'test_story' if story.kind == 'test' else 'story'}_{story.pk}.yml")


@may_chat
@require_POST
def discard(request: HttpRequest, story_pk: int) -> HttpResponse:
    """One's own."""
    get_object_or_404(LearnedStory.objects.filter(by=reader(request)), pk=story_pk).discard(reader(request))
    return redirect("learned_stories")
