"""German is whole: every string that is marked has a translation, and pages show it. `make messages` gathers them."""

import html
import re
from collections import Counter
from pathlib import Path

import polib
import pytest
from django.core.management import call_command

from events.models import Heartbeat
from rasax.conversations.models import Tag
from tests.rasa import recorded

ROOT = Path(__file__).parent.parent
GERMAN = ROOT / "rasax" / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|</?\w+[^>]*>")
PAGES = (
    "/conversations/", "/conversations/?q=x", "/settings/tags/", "/settings/event-service/", "/settings/rejected/",
    "/settings/retention/", "/settings/audit/", "/accounts/", "/accounts/password", "/no/such/page",
    "/settings/environments/", "/settings/environments/add/", "/models/",
    "/data/files/", "/data/entities/", "/data/history/", "/data/repeated/",
)  # fmt: skip


@pytest.fixture(scope="module")
def german():
    return polib.pofile(GERMAN)


@pytest.fixture
def marked(tmp_path, settings, monkeypatch):
    """What is marked for translation in Python and templates, gathered as `make messages` does."""
    monkeypatch.chdir(ROOT)
    settings.LOCALE_PATHS = [tmp_path]
    (tmp_path / "de").mkdir()
    call_command("makemessages", locale=["de"], ignore_patterns=["locale", "tests", "docs", "static"], verbosity=0)
    return polib.pofile(tmp_path / "de" / "LC_MESSAGES" / "django.po")


def keys(entries):
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in entries}


def forms(entry):
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text):
    return Counter(PLACEHOLDER.findall(text))


def test_every_marked_string_has_a_translation_and_none_is_stale(marked, german):
    assert keys(marked) - keys(german) == set(), "run `make messages`, and translate what is new"
    assert keys(german) - keys(marked) == set(), "run `make messages`: nothing says this any more"
    assert [entry.msgid for entry in german if entry.fuzzy or not all(forms(entry))] == []


def test_a_translation_has_the_placeholders_of_its_text(german):
    differing = [
        entry.msgid
        for entry in german
        for form in forms(entry)
        if placeholders(form) not in (placeholders(entry.msgid), placeholders(entry.msgid_plural or entry.msgid))
    ]
    assert differing == []


def test_what_is_compiled_is_what_is_translated(german):
    compiled = polib.mofile(GERMAN.with_suffix(".mo"))
    assert {(e.msgid, *forms(e)) for e in compiled} == {(e.msgid, *forms(e)) for e in german}


@pytest.mark.django_db
def test_a_page_in_german_says_nothing_in_english(client, alice, german):
    from events.models import Conversation

    Conversation.objects.record(recorded())
    Tag.objects.called("food").put_on(Conversation.objects.all(), by=alice)
    english = [
        e.msgid for e in german if " " in e.msgid and not PLACEHOLDER.search(e.msgid) and e.msgid not in forms(e)
    ]
    client.force_login(alice)
    addresses = [*PAGES, f"/conversations/{Conversation.objects.earliest('pk').pk}/"]
    found = {}
    for address in addresses:
        page = client.get(address, headers={"Accept-Language": "de"}).content.decode()
        assert '<html lang="de"' in page, address
        text = html.unescape(re.sub(r'(?s)<template.*?</template>|<pre.*?</pre>|value="[^"]*"', "", page))
        found[address] = [each for each in english if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text)]
    assert found == {address: [] for address in addresses}


@pytest.mark.django_db
def test_a_person_chooses_the_language_and_numbers_follow_it(client, alice):
    client.force_login(alice)
    Heartbeat.objects.create(
        name="host:1", n_stored=1234567, started_at="2026-01-01T00:00Z", beat_at="2026-01-01T00:00Z", lag_seconds=0.5
    )
    english = client.get("/settings/event-service/").content.decode()
    assert "1,234,567" in english
    answer = client.post("/language", {"language": "de", "next": "/settings/event-service/"}, follow=True)
    assert answer.redirect_chain == [("/settings/event-service/", 302)]
    assert "1.234.567" in answer.content.decode()
    assert "0,5 s" in answer.content.decode()


def test_scripts_have_no_words_of_their_own():
    """What a script shows comes from the page, which is translated."""
    showing = re.compile(r"(?:textContent|innerText|placeholder|ariaLabel|title)\s*=\s*[\"'`](?=[^\"'`]*[A-Za-z]{2})")
    scripts = (ROOT / "static" / "rasax").glob("*.js")
    assert [path.name for path in scripts if showing.search(path.read_text())] == []
