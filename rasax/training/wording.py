"""What the verbs of training data are called on pages: in the history, and in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

CALLED = {
    "intent": "an intent",
    "synonym": "a synonym",
    "regex": "a regex",
    "lookup": "a lookup table",
    "story": "a story",
    "rule": "a rule",
    "test": "a test story",
    "response": "a response",
    "slot": "a slot",
    "form": "a form",
    "declared": "declared names",
    "text": "a text",
}

VERBS = {
    "imported training data": _("imported training data"),
    "pulled from git": _("pulled from git"),
    "discarded changes": _("discarded changes"),
    "solved a conflict": _("solved a conflict"),
    "connected a git repository": _("connected a git repository"),
    "disconnected a git repository": _("disconnected a git repository"),
    "scheduled pulls": _("scheduled pulls"),
    "forgot a host key": _("forgot a host key"),
    "pushed to git": _("pushed to git"),
    "undid": _("undid"),
    "added examples": _("added examples"),
    "changed an example": _("changed an example"),
    "moved examples": _("moved examples"),
    "removed examples": _("removed examples"),
    "added an intent": _("added an intent"),
    "changed an intent": _("changed an intent"),
    "removed an intent": _("removed an intent"),
    "renamed an intent": _("renamed an intent"),
    "merged an intent": _("merged an intent"),
    "added a synonym": _("added a synonym"),
    "added a regex": _("added a regex"),
    "added a lookup table": _("added a lookup table"),
    "added a story": _("added a story"),
    "added a rule": _("added a rule"),
    "added a test story": _("added a test story"),
    "added a response": _("added a response"),
    "added a slot": _("added a slot"),
    "added a form": _("added a form"),
    "changed a file": _("changed a file"),
    "changed a synonym": _("changed a synonym"),
    "changed a regex": _("changed a regex"),
    "changed a lookup table": _("changed a lookup table"),
    "changed a story": _("changed a story"),
    "changed a rule": _("changed a rule"),
    "changed a test story": _("changed a test story"),
    "changed a response": _("changed a response"),
    "changed a slot": _("changed a slot"),
    "changed a form": _("changed a form"),
    "changed declared names": _("changed declared names"),
    "changed a text": _("changed a text"),
    "removed a synonym": _("removed a synonym"),
    "removed a regex": _("removed a regex"),
    "removed a lookup table": _("removed a lookup table"),
    "removed a story": _("removed a story"),
    "removed a rule": _("removed a rule"),
    "removed a test story": _("removed a test story"),
    "removed a response": _("removed a response"),
    "removed a slot": _("removed a slot"),
    "removed a form": _("removed a form"),
    "removed declared names": _("removed declared names"),
    "removed a text": _("removed a text"),
    "renamed an entity": _("renamed an entity"),
    "renamed a role": _("renamed a role"),
    "renamed a group": _("renamed a group"),
    "renamed a slot": _("renamed a slot"),
    "renamed a response": _("renamed a response"),
    "renamed an action": _("renamed an action"),
    "renamed a form": _("renamed a form"),
}


def subject_in_words(verb: str, subject: str) -> str:
    """Of an undoing the subject is what was undone, which is kept in English."""
    if verb != "undid":
        return subject
    undone = max((each for each in VERBS if f"{subject} ".startswith(f"{each} ")), key=len, default="")
    rest = subject_in_words(undone, subject[len(undone) :].strip())
    return " ".join(part for part in (f"“{gettext(undone)}”" if undone else "", rest) if part)
