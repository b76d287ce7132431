"""Names that are used and declared nowhere, and the reverse: comparisons within the index."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Count, Min, Q, QuerySet

from rasax.training.files import Block, Mention
from rasax.training.findings import Found

DEFAULT_INTENTS = ("restart", "back", "out_of_scope", "session_start", "nlu_fallback")
DEFAULT_SLOTS = ("requested_slot", "session_started_metadata")
DEFAULT_ACTIONS = (
    "action_listen", "action_restart", "action_session_start", "action_default_fallback", "action_deactivate_loop",
    "action_revert_fallback_events", "action_default_ask_affirmation", "action_default_ask_rephrase", "action_back",
    "action_two_stage_fallback", "action_unlikely_intent", "action_extract_slots", "...",
)  # fmt: skip
OF_FORMS = ("validate_", "action_ask_", "action_validate_", "utter_ask_")  # Rasa calls these by their names

Kind, How = Mention.Kind, Mention.How
STORIES = Q(block__kind__in=[Block.Kind.STORY, Block.Kind.RULE])
LISTED = Q(block__kind=Block.Kind.DECLARED)


def named(kind: str, how: str, *where: Q) -> QuerySet[Mention]:
    return Mention.objects.filter(*where, kind=kind, how=how)


def found_in_names() -> Iterator[Found]:
    yield from _intents()
    yield from _actions()
    yield from _responses()
    yield from _forms_and_slots()
    yield from _entities()
    yield from _twice()


def _without(
    kind: str, names: QuerySet[Mention], known: QuerySet[Mention], but: Collection[str] = ()
) -> Iterator[Found]:
    """Each name once, where it stands first."""
    missing = names.exclude(name__in=known.values("name")).exclude(name__in=but)
    for name, block in missing.order_by("name").values_list("name").annotate(first=Min("block")):
        yield Found(kind, name, block)


def _intents() -> Iterator[Found]:
    whole = ~Q(name__contains="/")  # of a retrieval intent the first part is mentioned too
    declared, taught = named(Kind.INTENT, How.DECLARED), named(Kind.INTENT, How.TAUGHT, whole)
    told = named(Kind.INTENT, How.USED, STORIES, whole)
    yield from _without("intent_undeclared", taught, declared, DEFAULT_INTENTS)
    yield from _without("story_intent_undeclared", told, declared, DEFAULT_INTENTS)
    yield from _without("intent_without_examples", declared.filter(whole), taught, DEFAULT_INTENTS)
    yield from _without("intent_unused", declared.filter(whole), told, DEFAULT_INTENTS)


def _actions() -> Iterator[Found]:
    declared, used = named(Kind.ACTION, How.DECLARED), named(Kind.ACTION, How.USED)
    forms = named(Kind.FORM, How.DECLARED).values_list("name", flat=True)
    yield from _without("action_undeclared", used.filter(STORIES), declared, {*DEFAULT_ACTIONS, *forms})
    ours = ~Q(*(("name__startswith", each) for each in OF_FORMS), _connector=Q.OR)
    yield from _without("action_unused", declared.filter(ours), used, {*DEFAULT_ACTIONS, *forms})


def _responses() -> Iterator[Found]:
    whole = ~Q(name__contains="/")
    written, used = named(Kind.RESPONSE, How.DECLARED, ~LISTED), named(Kind.RESPONSE, How.USED)
    yield from _without("response_missing", used.filter(STORIES), written)
    listed = named(Kind.RESPONSE, How.DECLARED, LISTED)
    yield from _without("response_missing", listed, written, set(used.filter(STORIES).values_list("name", flat=True)))
    asked = Q(*(("name__startswith", each) for each in OF_FORMS), _connector=Q.OR)
    yield from _without("response_unused", written.filter(whole).exclude(asked), used)
    keys = Q(name__contains="/")
    answered = set(written.filter(keys).values_list("name", flat=True))
    taught = named(Kind.INTENT, How.TAUGHT, keys).order_by("name")
    for name, block in taught.values_list("name").annotate(first=Min("block")):
        if f"utter_{name}" not in answered:
            yield Found("retrieval_without_response", name, block)


def _forms_and_slots() -> Iterator[Found]:
    yield from _without("form_undeclared", named(Kind.FORM, How.USED), named(Kind.FORM, How.DECLARED))
    slots, used = named(Kind.SLOT, How.DECLARED), named(Kind.SLOT, How.USED)
    in_form = Q(block__kind=Block.Kind.FORM)
    yield from _without("form_slot_undeclared", used.filter(in_form), slots, DEFAULT_SLOTS)
    yield from _without("slot_undeclared", used.exclude(in_form), slots, DEFAULT_SLOTS)


def _entities() -> Iterator[Found]:
    yield from _without("entity_undeclared", named(Kind.ENTITY, How.TAUGHT), named(Kind.ENTITY, How.DECLARED))
    for kind in (Kind.ROLE, Kind.GROUP):
        yield from _without("role_undeclared", named(kind, How.TAUGHT), named(kind, How.DECLARED))


def _twice() -> Iterator[Found]:
    """Within one list of names a name counts once."""
    declared = Mention.objects.filter(how=How.DECLARED).exclude(kind__in=[Kind.ROLE, Kind.GROUP])
    declared = declared.exclude(LISTED, kind=Kind.RESPONSE).exclude(
        kind=Kind.RESPONSE, name__startswith="utter_", block__kind=Block.Kind.DECLARED
    )
    keys = declared.order_by("kind", "name").values("kind", "name")
    for row in keys.annotate(times=Count("block", distinct=True)).filter(times__gt=1):
        blocks = declared.filter(kind=row["kind"], name=row["name"]).order_by("block__file__path", "block__position")
        last = blocks.values_list("block", "block__name").last()
        if last and not _is_prefix(row["kind"], row["name"], blocks):
            yield Found("declared_twice", row["name"], last[0])


def _is_prefix(kind: str, name: str, blocks: QuerySet[Mention]) -> bool:
    """`utter_faq` of `utter_faq/one` and `utter_faq/two`, which is no declaration of its own."""
    return kind == Kind.RESPONSE and blocks.exclude(block__name=name).exists()
