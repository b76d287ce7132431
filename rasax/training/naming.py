"""The names that the project knows, for who writes them: an editor completes them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from rasax.training.access import seeing
from rasax.training.files import Block, Mention

# What every Rasa assistant can do.
BUILT_IN = [
    "action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
    "action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase",
    "action_two_stage_fallback", "action_unlikely_intent", "action_back", "action_extract_slots",
]  # fmt: skip
MOST = 5_000  # of a kind
LISTS = {
    "intent": "intents",
    "entity": "entities",
    "action": "actions",
    "response": "responses",
    "slot": "slots",
    "form": "forms",
}


def known_names() -> dict[str, list[str]]:
    """By what they are called in Rasa's files; of actions also what Rasa has itself, responses and forms."""
    found: dict[str, set[str]] = {plural: set() for plural in LISTS.values()}
    mentions = Mention.objects.filter(kind__in=LISTS).order_by().values_list("kind", "name").distinct()
    blocks = Block.objects.filter(kind__in=["response", "slot", "form"]).order_by().values_list("kind", "name")
    for kind, name in mentions.union(blocks):
        found[LISTS[kind]].add(name)
    found["actions"] |= found["responses"] | found["forms"] | set(BUILT_IN)
    return {plural: sorted(names - {""})[:MOST] for plural, names in found.items()}


@require_GET
def names(request: HttpRequest) -> HttpResponse:
    seeing(request, "view_nlu_data", "view_stories", "view_responses")
    response = JsonResponse(known_names())
    response["Cache-Control"] = "private, no-cache"
    return response
