"""Projects that are good or broken in one way each, for the warnings and for a real Rasa beside them."""

CONFIG = """recipe: default.v1
assistant_id: mine
language: en
pipeline:
- name: WhitespaceTokenizer
policies:
- name: RulePolicy
- name: MemoizationPolicy
"""
DOMAIN = """version: "3.1"
intents:
- greet
- bye
- book
entities:
- city
slots:
  city:
    type: text
    mappings:
    - type: from_entity
      entity: city
forms:
  trip_form:
    required_slots:
    - city
responses:
  utter_greet:
  - text: Hi
  utter_bye:
  - text: Bye
  utter_ask_city:
  - text: Where?
actions:
- action_book
"""
NLU = """version: "3.1"
nlu:
- intent: greet
  examples: |
    - hi
    - hello
- intent: bye
  examples: |
    - bye
    - see you
- intent: book
  examples: |
    - to [Rome](city)
    - to [Ulm](city)
"""
STORIES = """version: "3.1"
stories:
- story: welcome
  steps:
  - intent: greet
  - action: utter_greet
  - intent: book
    entities:
    - city: Rome
  - action: trip_form
  - active_loop: trip_form
  - active_loop: null
  - action: action_book
- story: leave
  steps:
  - intent: bye
  - action: utter_bye
"""
GOOD = {"config.yml": CONFIG, "domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/stories.yml": STORIES}


def changed(path, old, new):
    assert old in GOOD[path]
    return {**GOOD, path: GOOD[path].replace(old, new)}


def more_nlu(text):
    return {**GOOD, "data/nlu.yml": NLU + text}


def more_stories(text):
    return {**GOOD, "data/stories.yml": STORIES + text}


def story(name, *steps):
    return f"- story: {name}\n  steps:\n" + "".join(f"  - {step}\n" for step in steps)


GREET, UTTER = "intent: greet", "action: utter_greet"
SLOTS = """
slots:
  tier: {type: categorical, values: [gold, iron], mappings: [{type: custom}]}
  quiet: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  member: {type: bool, mappings: [{type: custom}]}
  age: {type: float, min_value: 0, max_value: 100, mappings: [{type: custom}]}
  tags: {type: list, mappings: [{type: custom}]}
  thing: {type: any, mappings: [{type: custom}]}
"""


def with_slots(*stories):
    files = changed("domain.yml", "\nslots:\n", SLOTS)
    return {**files, "data/stories.yml": STORIES + "".join(stories)}


FOR_TRIP = """  day:
    type: text
    mappings:
    - type: from_text
      conditions:
      - active_loop: trip_form
"""

# Each with what we say beyond nothing: pairs of a kind and its words.
PROJECTS = {
    "good": (GOOD, set()),
    "an intent without examples": (
        changed("domain.yml", "- bye\n", "- bye\n- lost\n"),
        {("intent_without_examples", "lost"), ("intent_unused", "lost")},
    ),
    "an intent that the domain lacks": (
        more_nlu("- intent: lost\n  examples: |\n    - a\n    - b\n"),
        {("intent_undeclared", "lost")},
    ),
    "a story's intent that the domain lacks": (
        more_stories(story("more", "intent: nowhere", UTTER)),
        {("story_intent_undeclared", "nowhere")},
    ),
    "a response without a text": (
        more_stories(story("more", "intent: bye", "action: utter_bye", "action: utter_none")),
        {
            ("response_missing", "utter_none"),
            ("stories_conflict", "utter_bye → action_listen: leave; utter_none: more"),
        },
    ),
    "a response that is not used": (
        changed("domain.yml", "  utter_bye:", "  utter_more:\n  - text: x\n  utter_bye:"),
        {("response_unused", "utter_more")},
    ),
    "an action that the domain lacks": (
        more_stories(story("more", GREET, UTTER, "intent: bye", "action: action_none")),
        {("action_undeclared", "action_none")},
    ),
    "an action that is not used": (
        changed("domain.yml", "- action_book\n", "- action_book\n- action_more\n"),
        {("action_unused", "action_more")},
    ),
    "a form that the domain lacks": (
        more_stories(story("more", GREET, UTTER, "intent: bye", "action: action_book", "active_loop: no_form")),
        {("form_undeclared", "no_form")},
    ),
    "a form's slot that the domain lacks": (
        changed("domain.yml", "    - city\nresp", "    - city\n    - day\nresp"),
        {("form_slot_undeclared", "day")},
    ),
    "a mapping for a form that the domain lacks": (
        changed(
            "domain.yml",
            "      entity: city\n",
            "      entity: city\n      conditions:\n      - active_loop: no_form\n",
        ),
        {("form_undeclared", "no_form")},
    ),
    "a mapping for a form that does not ask": (
        changed(
            "domain.yml",
            "forms:\n",
            FOR_TRIP + "forms:\n",
        ),
        {("condition_not_of_form", "day (trip_form)")},
    ),
    "an example in two intents": (
        more_nlu("- intent: greet\n  examples: |\n    - bye\n"),
        {("example_in_two_intents", "bye (bye, greet)")},
    ),
    "an example that stands twice": (more_nlu("- intent: greet\n  examples: |\n    - hi\n"), {("example_twice", "hi")}),
    "few examples": (
        changed("data/nlu.yml", "    - see you\n", ""),
        {("few_examples", "bye")},
    ),
    "few examples of an entity": (
        changed("data/nlu.yml", "    - hello\n", "    - hello [Ann](name)\n"),
        {("few_entity_examples", "name"), ("entity_undeclared", "name")},
    ),
    "a role that the domain lacks": (
        changed("data/nlu.yml", "to [Ulm](city)", 'to [Ulm]{"entity": "city", "role": "to"}'),
        {("role_undeclared", "to"), ("few_entity_examples", "to")},
    ),
    "a retrieval intent without a response": (
        {
            **changed("domain.yml", "- book\n", "- book\n- faq\n"),
            "data/nlu.yml": NLU + "- intent: faq/one\n  examples: |\n    - q\n    - r\n",
            "data/stories.yml": STORIES + story("more", "intent: faq", UTTER),
        },
        {("retrieval_without_response", "faq/one")},
    ),
    "a synonym of two values": (
        more_nlu("- synonym: Rome\n  examples: |\n    - Roma\n- synonym: Romania\n  examples: |\n    - Roma\n"),
        {("synonym_of_two", "Roma (Romania, Rome)")},
    ),
    "an entity that is none": (
        changed("data/nlu.yml", "to [Ulm](city)", "to [Ulm]{city}"),
        {("example_broken", "to [Ulm]{city}"), ("few_entity_examples", "city")},
    ),
    "a version that nobody reads": (
        changed("data/nlu.yml", '"3.1"', '"4.0"'),
        {("version_unknown", "4.0")},
    ),
    "an older version": (changed("data/nlu.yml", '"3.1"', '"3.0"'), {("version_older", "3.0")}),
    "no language and no name of the assistant": (
        changed("config.yml", "assistant_id: mine\nlanguage: en\n", ""),
        {("config_without", "assistant_id"), ("config_without", "language")},
    ),
    "a story without steps": (
        more_stories("- story: empty\n  steps: []\n"),
        {("story_without_steps", "empty")},
    ),
    "a step that is none": (
        more_stories(story("more", "intent: bye", "action: utter_bye", "jump: there")),
        {("story_step_unknown", "more: {'jump': 'there'}")},
    ),
    "a response in two files": (
        {**GOOD, "data/more.yml": 'version: "3.1"\nresponses:\n  utter_bye:\n  - text: So long\n'},
        {("declared_twice", "utter_bye")},
    ),
    "two actions after the same": (
        more_stories(story("more", GREET, "action: utter_bye")),
        {("stories_conflict", "greet → utter_greet: welcome; utter_bye: more")},
    ),
    "an end where another goes on": (
        more_stories(story("more", "intent: bye", "action: utter_bye", "action: utter_greet")),
        {("stories_conflict", "utter_bye → action_listen: leave; utter_greet: more")},
    ),
    "stories that a slot tells apart": (
        with_slots(
            story("gold", "intent: bye", "slot_was_set: [{tier: gold}]", "action: utter_greet"),
            story("iron", "intent: bye", "slot_was_set: [{tier: iron}]", "action: action_book"),
            story("one", GREET, "slot_was_set: [{member: false}]", "action: utter_bye"),
            story("two", GREET, "slot_was_set: [{age: 40}]", "action: action_book"),
            story("three", GREET, "slot_was_set: [{age: 50}]", "action: utter_bye"),
            story("four", GREET, "slot_was_set: [tags]", "action: action_book"),
        ),
        set(),
    ),
    "stories that only a slot without influence tells apart": (
        with_slots(
            story("a", GREET, "slot_was_set: [{quiet: x}, {thing: 1}]", "action: utter_bye"),
            story("b", "intent: book", "slot_was_set: [{city: Rome}]", "action: utter_bye"),
            story("c", "intent: book", "slot_was_set: [{city: Ulm}]", "action: utter_greet"),
            story("d", "intent: bye", "slot_was_set: [{tags: []}]", "action: utter_greet"),
        ),
        {
            ("stories_conflict", "greet → utter_greet: welcome; utter_bye: a"),
            ("stories_conflict", "book → utter_bye: b; utter_greet: c"),
            ("stories_conflict", "bye → utter_bye: leave; utter_greet: d"),
        },
    ),
    "an entity fills a slot": (
        more_stories(
            story("a", "intent: book\n    entities: [{city: Rome}]", UTTER)
            + story("b", "intent: book\n    entities: [{city: Ulm}]", "action: utter_bye")
            + story("c", "intent: book", "action: action_book")
        ),
        {("stories_conflict", "book → utter_greet: a; utter_bye: b")},
    ),
    "choices and checkpoints": (
        more_stories(
            story("a", "intent: book", "checkpoint: on")
            + story("b", "checkpoint: on", "action: utter_greet")
            + story("c", "checkpoint: on", "action: utter_bye")
            + story("d", "or: [{intent: bye}, {intent: greet}]", "action: action_book")
        ),
        {
            ("stories_conflict", "book → utter_greet: b; utter_bye: c"),
            ("stories_conflict", "bye → utter_bye: leave; action_book: d"),
            ("stories_conflict", "greet → utter_greet: welcome; action_book: d"),
        },
    ),
    "end-to-end stories": (
        more_stories(
            story("a", "user: |\n      good day", "bot: Hello there")
            + story("b", "user: |\n      good day", "action: utter_bye")
            + story("c", "user: |\n      good night", "action: utter_bye")
        ),
        {("stories_conflict", "good day → Hello there: a; utter_bye: b")},
    ),
    "rules beside stories": (
        {
            **GOOD,
            "data/rules.yml": 'version: "3.1"\nrules:\n- rule: a\n  steps:\n  - intent: bye\n  - action: utter_greet\n'
            "- rule: b\n  condition:\n  - active_loop: trip_form\n  steps:\n  - intent: bye\n  - action: utter_bye\n",
        },
        set(),
    ),
}
