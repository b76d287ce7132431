"""What the audit log's actions are called on a page. They are kept in English; one that is not here is shown so."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

WORDS = {
    "accepted an invitation": _("accepted an invitation"),
    "added": _("added"),
    "assigned": _("assigned"),
    "changed a view": _("changed a view"),
    "changed the password": _("changed the password"),
    "saved a view": _("saved a view"),
    "set the retention": _("set the retention"),
    "changed the roles": _("changed the roles"),
    "changed": _("changed"),
    "corrected an intent": _("corrected an intent"),
    "created the first administrator": _("created the first administrator"),
    "deactivated": _("deactivated"),
    "deleted a note": _("deleted a note"),
    "deleted a view": _("deleted a view"),
    "deleted": _("deleted"),
    "encrypted anew": _("encrypted anew"),
    "ended a session": _("ended a session"),
    "exported": _("exported"),
    "failed to sign in": _("failed to sign in"),
    "flagged": _("flagged"),
    "forgot": _("deleted for good"),
    "invited": _("invited"),
    "linked to an identity provider": _("linked to an identity provider"),
    "made an API token": _("made an API token"),
    "made new recovery codes": _("made new recovery codes"),
    "merged": _("merged"),
    "reactivated": _("reactivated"),
    "recoloured": _("recoloured"),
    "renamed": _("renamed"),
    "renamed a view": _("renamed a view"),
    "replayed": _("replayed"),
    "reset the password": _("reset the password"),
    "reviewed": _("reviewed"),
    "revoked an API token": _("revoked an API token"),
    "revoked an invitation": _("revoked an invitation"),
    "rotated the signing key": _("rotated the signing key"),
    "set up a second factor": _("set up a second factor"),
    "shared a view": _("shared a view"),
    "signed in": _("signed in"),
    "signed out": _("signed out"),
    "tagged": _("tagged"),
    "trained": _("trained"),
    "turned off the second factor": _("turned off the second factor"),
    "unshared a view": _("took a view back"),
    "unassigned": _("unassigned"),
    "unflagged": _("took the flag off"),
    "untagged": _("took a tag off"),
    "uploaded": _("uploaded"),
    "withdrew a correction": _("withdrew a correction"),
    "wrote a note": _("wrote a note"),
}


def words_of(action: str) -> str:
    return str(WORDS.get(action, action))
