"""A model's way out: to people, to scripts, and to Rasa servers that ask for the model of their tag."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse

from rasax.deployment.models import Model


class Archive(FileResponse):
    block_size = 2**18  # each goes from thread to thread; Django's 4 kB would do so 200,000 times


def file_of(model: Model) -> Archive:
    """Its archive, part by part. Rasa keeps it under the name in the header `filename`."""
    response = Archive(model.file.open("rb"), as_attachment=True, filename=model.file_name)
    response["Content-Type"] = "application/gzip"
    response["Content-Length"] = str(model.size)
    response["ETag"] = model.etag
    response["filename"] = model.file_name
    response["X-Content-Type-Options"] = "nosniff"
    return response


def is_known(model: Model, if_none_match: str) -> bool:
    """Whether who asks has it: Rasa sends the ETag as it came, and a random text the first time."""
    known = {tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")}
    return bool(known & {model.digest, "*"})


def unchanged(model: Model) -> HttpResponse:
    response = HttpResponse(status=304)
    response["ETag"] = model.etag
    return response
