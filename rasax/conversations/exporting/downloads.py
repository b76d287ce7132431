"""Exports: a few conversations at once, many as a job whose file waits to be fetched."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from django.contrib.auth.decorators import permission_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import Conversation
from rasax.accounts.jobs import Job, JobFile, runs
from rasax.accounts.models import AuditEntry
from rasax.conversations.bulk_pages import nothing_selected, refused, shown
from rasax.conversations.exporting import FORMATS, Format
from rasax.conversations.forgetting import EXPORT
from rasax.conversations.reading import reader
from rasax.conversations.selection import Selection, Unclear
from rasax.conversations.views import can_read

MAY_EXPORT = "conversations.export_conversation"
STREAMED = 500  # conversations, at most; of more, a job makes a file
CHUNK = 100
PART = 1_000_000  # bytes


@require_POST
@can_read
@permission_required(MAY_EXPORT, raise_exception=True)
def export(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    name = request.POST.get("format", "")
    try:
        if name not in FORMATS:
            raise Unclear(_("There is no such format; choose one that the list offers."))
        selection = Selection.read(request)
    except Unclear as unclear:
        return refused(request, str(unclear))
    number = selection.count(STREAMED + 1)
    if not number:
        return nothing_selected(request)
    return _stream(request, name, selection) if number <= STREAMED else _ask(request, name, selection)


def _stream(request: HttpRequest, name: str, selection: Selection) -> StreamingHttpResponse:
    chunks, form = list(selection.chunks(CHUNK)), FORMATS[name]
    for chunk in chunks:
        AuditEntry.objects.note(reader(request), "exported", Conversation.objects.filter(pk__in=chunk), format=name)
    pieces = (piece.encode() for piece in form.write(chunks))
    response = StreamingHttpResponse(pieces, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{form.file_name}"'
    return response


@transaction.atomic
def _ask(request: HttpRequest, name: str, selection: Selection) -> HttpResponse:
    job = Job.objects.ask(EXPORT, reader(request), format=name, **selection.arguments)
    found = {"conversations": selection.count(), "filters": selection.query or ""}
    AuditEntry.objects.note(reader(request), "exported", [job], format=name, **found)
    return shown(request, job)


def _says(job: Job) -> str:
    done, total = (number_format(number or 0, force_grouping=True) for number in (job.done, job.total))
    if job.file_name:
        said = ngettext("%(n)s conversation in %(file)s.", "%(n)s conversations in %(file)s.", job.total or 0)
        return said % {"n": total, "file": job.file_name}
    return _("Exported %(done)s of %(total)s conversations.") % {"done": done, "total": total}


@runs(EXPORT, needs=MAY_EXPORT, says=_says)
def write(job: Job) -> None:
    """From the beginning, if it is run again: half a file is of no use."""
    form, selection = FORMATS[job.arguments["format"]], Selection.of(job.arguments)
    job.parts.all().delete()
    job.step(0, selection.count())
    for number, part in enumerate(_parts(_written(job, form, selection))):
        with transaction.atomic():
            JobFile.objects.create(job=job, number=number, content=part)
            job.step(job.done, parts=number + 1)
    job.step(job.done, job.done, file=form.file_name, type=form.content_type)


def _written(job: Job, form: Format, selection: Selection) -> Iterator[str]:
    for piece in form.write(_counted(job, selection)):
        job.step(job.done)  # renews the lease, within a chunk of long conversations, too
        yield piece


def _counted(job: Job, selection: Selection) -> Iterator[list[int]]:
    done = 0
    for chunk in selection.chunks(CHUNK):
        yield chunk
        done += len(chunk)
        job.step(done)


def _parts(pieces: Iterator[str]) -> Iterator[bytes]:
    packer, waiting = zlib.compressobj(wbits=31), bytearray()
    for piece in pieces:
        waiting += packer.compress(piece.encode())
        if len(waiting) >= PART:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting + packer.flush())
