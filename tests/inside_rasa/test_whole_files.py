"""A real Rasa reads from whole files, as people write them, what we read."""

import json
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rasax.training import entities
from rasax.training.formats import blocks, examples, reading
from rasax.training.formats.errors import Refused
from rasax.training.formats.escapes import unescaped
from tests.rasax.training import writing

pytestmark = pytest.mark.rasa

HEADS = st.sampled_from(['version: "3.1"\n', "version: '3.1'\n\n", '# head\nversion: "3.1"  # c\n'])
ESCAPED = st.sampled_from([r"caf\u00e9", r"[K\u00f6ln](city) \ud83d\ude00", r"a\\u00e9"])
DOMAINS = [
    "intents: [greet, 'bye', {book: {use_entities: [city]}}]\n",
    "intents:\n- greet   # c\n- book:\n    use_entities: []\n\n# rest\n- käse\n",
    "entities:\n  - city:\n      roles: [to]\n  - person\n",
    "slots:\n  # the city\n  city:\n    type: text\n    mappings:\n    - {type: from_entity, entity: city}\n",
    "forms:\n  f:\n    required_slots:\n    - city\n",
    "responses:\n  utter_greet:\n  - text: |\n      Hi {city}\n      # not a comment\n"
    "    buttons: [{title: a, payload: /bye}]\n\n  'utter_faq/hours': [{text: x}]\n",
    "actions:\n- action_x\n",
    "session_config: {session_expiration_time: 60, carry_over_slots_to_new_session: true}\n",
]


@st.composite
def files(draw):
    kind = draw(st.sampled_from(["nlu", "nlu", "stories", "domain"]))
    if kind == "domain":
        parts = draw(st.lists(st.sampled_from(DOMAINS), min_size=1, unique_by=lambda text: text.partition(":")[0]))
    elif kind == "stories":
        parts = [draw(writing.listed("stories", writing.item("story", writing.steps)))]
        parts += [draw(writing.listed("rules", writing.item("rule", writing.steps)))] if draw(st.booleans()) else []
    else:
        item = st.sampled_from(["intent", "intent", "synonym", "regex", "lookup"]).flatmap(
            lambda key: writing.item(key, writing.examples if key == "intent" else lines)
        )
        parts = [draw(writing.listed("nlu", item))]
    text = draw(HEADS) + "".join(draw(writing.COMMENTS).replace("  # indented", "# not") + part for part in parts)
    if kind == "nlu" and draw(st.booleans()):
        text = text.encode("ascii", "ignore").decode().rstrip("\n") + "\n"
        text += f"- intent: escaped\n  examples: |\n    - {draw(ESCAPED)}\n"
    return kind, text.replace("\n", "\r\n") if draw(st.integers(0, 5)) == 0 else text


def lines(indent):
    return writing.literal(indent + "  ").map(lambda text: f"{indent}examples: {text}")


def ours(kind, text):
    try:
        parts = blocks.split("domain.yml" if kind == "domain" else f"data/{kind}.yml", text)
    except Refused as refused:
        return {"refused": str(refused)}
    return {"nlu": of_nlu, "stories": of_stories, "domain": of_domain}[kind](parts, text)


def of_nlu(parts, text):
    plain = unescaped if text.isascii() else str
    said = [(each.intent, plain(each.source)) for part in parts for each in reading.written(part)]
    if any(entities.broken(source) for _, source in said):
        return {"refused": "an entity"}
    named = {kind: [] for kind in ("synonym", "regex", "lookup")}
    for part in parts:
        if part.kind in named and (body := part.nodes[0][2].get("examples")) is not None:
            named[part.kind].append((part.name, [plain(each.source) for each in examples.lines(body)]))
    synonyms = {line: name for name, some in named["synonym"] for line in some}
    read = [[intent, *entities.read(source)] for intent, source in said]
    for _, told, found in read:
        synonyms |= {
            words: each["value"] for each in found if (words := told[each["start"] : each["end"]]) != each["value"]
        }
    return {
        "examples": once(read),
        "synonyms": synonyms,
        "regexes": sorted([name, line] for name, some in named["regex"] for line in some),
        "lookups": [[name, of_lookup(name, named["lookup"])] for name in dict(named["lookup"])],
    }


def once(rows):
    """Rasa takes examples once that are alike, also in their metadata, which are not compared."""
    return [each for number, each in enumerate(rows) if each not in rows[:number]]


def of_lookup(name, tables):
    """Tables of one name are one."""
    return [line for other, some in tables if other == name for line in some]


def of_stories(parts, text):
    told = [part for part in parts if part.nodes and (part.kind == "rule" or says_something(part))]
    return {
        "stories": list(dict.fromkeys(part.name for part in told if part.kind == "story")),
        "rules": list(dict.fromkeys(part.name for part in told if part.kind == "rule")),
    }


def says_something(part):
    """Rasa forgets the name of a story that has nothing but checkpoints; it begins each rule with a step of its own."""
    found = part.nodes[0][2].get("steps")
    return any(not step.get("checkpoint") for step in (found.sequence if found else []))


def of_domain(parts, text):
    found = {kind: sorted(part.name for part in parts if part.kind == kind) for kind in ("slot", "form")}
    mentions = [mention for part in parts for mention in reading.mentions(part)]
    said = {part.name: part.nodes[0][2].data() for part in parts if part.kind == "response"}
    intents = sorted({name for kind, name, how in mentions if (kind, how) == ("intent", "declared")})
    return {"intents": intents, "slots": found["slot"], "forms": found["form"], "responses": said}


DEFAULTS = {"restart", "back", "out_of_scope", "session_start", "nlu_fallback", "requested_slot"}


def test_rasa_reads_from_whole_files_what_we_read():
    made = gathered()
    command = [os.environ["RASA_PYTHON"], Path(__file__).parent / "read_projects.py"]
    done = subprocess.run(command, input=json.dumps(made), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    read = Counter()
    for (kind, text), theirs in zip(made, json.loads(done.stdout.splitlines()[-1]), strict=True):
        if "refused" not in theirs:
            read[kind] += 1
            assert ours(kind, text) == plain(theirs), text
        elif "YamlSyntax" in theirs["refused"]:
            assert "refused" in ours(kind, text), text
    assert min(read[kind] for kind in ("nlu", "stories", "domain")) > 20, read


def gathered():
    made = []

    @settings(max_examples=250, database=None, deadline=None)
    @given(files())
    def gather(file):
        made.append(file)

    gather()
    return made


def plain(theirs):
    """Without what Rasa adds of its own. To it, a dash without words is an example, too."""
    if "examples" in theirs:
        return theirs | {"examples": once([each for each in theirs["examples"] if each[1]])}
    if "responses" not in theirs:
        return theirs
    return theirs | {name: [each for each in theirs[name] if each not in DEFAULTS] for name in ("intents", "slots")}
