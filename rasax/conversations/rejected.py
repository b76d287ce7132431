"""Messages that are no events: why, and trying them again."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from django.contrib import messages
from django.db import models, transaction
from django.db.models.functions import Length, Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import RejectedMessage
from events.querysets import Outcome, RejectedQuerySet
from rasax.accounts.models import AuditEntry, User
from rasax.accounts.settings_pages import can_change_settings, can_view_settings

PAGE = 25
COUNTED = 10_000
SHOWN_BYTES = 600
HEX_WIDTH = 16
AT_ONCE = 5_000  # replayed or deleted by one request; a page says how many are left
BATCH = 1_000


class Body(NamedTuple):
    """The beginning of a message: text where it is text, else what a hex editor shows."""

    text: str
    is_text: bool
    more: int

    @classmethod
    def of(cls, start: bytes, size: int) -> Body:
        more = size - len(start)
        text = start.decode(errors="ignore" if more else "replace")  # the last character may be cut through
        is_text = "\ufffd" not in text and len(text.encode()) > len(start) - 4 and not any(map(_is_control, text))
        return cls(text if is_text else "\n".join(_hex(start)), is_text, more)


def _is_control(character: str) -> bool:
    return character < " " and character not in "\t\r\n"


def _hex(start: bytes) -> list[str]:
    lines = (start[at : at + HEX_WIDTH] for at in range(0, len(start), HEX_WIDTH))
    return [
        f"{line.hex(' '):<{HEX_WIDTH * 3}} {''.join(chr(byte) if 32 <= byte < 127 else '.' for byte in line)}"
        for line in lines
    ]


def replay(chosen: RejectedQuerySet, by: User | None) -> Outcome:
    """Tries them again, and writes down who asked for it; those that are kept now are no longer rejected."""
    outcome = Outcome()
    for pks in _batches(chosen):
        batch = RejectedMessage.objects.filter(pk__in=pks)
        with transaction.atomic():
            AuditEntry.objects.note(by, "replayed", batch.defer("body"))
            outcome += batch.replay()
    return outcome


def delete(chosen: RejectedQuerySet, by: User | None) -> int:
    """Deletes them for good; returns how many."""
    deleted = 0
    for pks in _batches(chosen):
        batch = RejectedMessage.objects.filter(pk__in=pks)
        with transaction.atomic():
            AuditEntry.objects.note(by, "deleted", batch.defer("body"))
            deleted += batch.delete()[0]
    return deleted


def _batches(chosen: RejectedQuerySet) -> list[list[int]]:
    pks = list(chosen.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    return [pks[start : start + BATCH] for start in range(0, len(pks), BATCH)]


@can_view_settings
def rejected_messages(request: HttpRequest) -> HttpResponse:
    found = RejectedMessage.objects.order_by("-pk").defer("body")
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    start = Substr("body", 1, SHOWN_BYTES, output_field=models.BinaryField())
    rows: list[Any] = list(found.annotate(start=start, size=Length("body"))[: PAGE + 1])
    count = RejectedMessage.objects.order_by()[: COUNTED + 1].count()
    context = {
        "messages_shown": [(row, Body.of(bytes(row.start), row.size)) for row in rows[:PAGE]],
        "next": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "count": min(count, COUNTED),
        "more": count > COUNTED,
        "before": before,
        "may_change": request.user.has_perm("accounts.change_settings"),
    }
    return render(request, "settings/rejected_messages.html", context)


@can_view_settings
def rejected_body(request: HttpRequest, message_pk: int) -> HttpResponse:
    """All its bytes, as a file that no browser opens."""
    message = get_object_or_404(RejectedMessage, pk=message_pk)
    headers = {"Content-Disposition": f'attachment; filename="rejected-{message_pk}.bin"'}
    return HttpResponse(bytes(message.body), content_type="application/octet-stream", headers=headers)


@require_POST
@can_change_settings
def replay_rejected(request: HttpRequest) -> HttpResponse:
    outcome = replay(_chosen(request), cast("User", request.user))
    counts = {"stored": outcome.stored, "repeated": outcome.repeated, "rejected": outcome.rejected}
    text = _("%(stored)s stored, %(repeated)s were there already, %(rejected)s rejected again.") % counts
    (messages.warning if outcome.rejected else messages.success)(request, text)
    return redirect("rejected_messages")


@require_POST
@can_change_settings
def delete_rejected(request: HttpRequest) -> HttpResponse:
    chosen = _chosen(request)
    if request.POST.get("confirmed") != "1":
        return _ask(request, chosen.count())
    deleted = delete(chosen, cast("User", request.user))
    messages.success(request, ngettext("%d message deleted.", "%d messages deleted.", deleted) % deleted)
    return redirect("rejected_messages")


def _ask(request: HttpRequest, count: int) -> HttpResponse:
    question = ngettext("Delete %d rejected message?", "Delete %d rejected messages?", count) % count
    context = {
        "question": question,
        "explanation": _("Their bytes are gone then, and they can never be replayed."),
        "verb": _("Delete for good"),
        "fields": [(name, value) for name in ("selected", "all") for value in request.POST.getlist(name)],
        "back": "rejected_messages",
    }
    return render(request, "settings/confirm.html", context)


def _chosen(request: HttpRequest) -> RejectedQuerySet:
    if request.POST.get("all") == "1":
        return RejectedMessage.objects.all()
    pks = [int(pk) for pk in request.POST.getlist("selected") if pk.isdecimal() and len(pk) < 19]
    return RejectedMessage.objects.filter(pk__in=pks[:AT_ONCE])
