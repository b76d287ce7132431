"""A model's way in: part by part to this machine's disk, and no further than the limit."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest

AROUND = 2**20  # bytes of a form around its file


def is_too_large(request: HttpRequest) -> bool:
    announced = request.META.get("CONTENT_LENGTH") or ""
    return announced.isdecimal() and int(announced[:18]) > settings.MODEL_SIZE_LIMIT + AROUND


def take_models(request: HttpRequest) -> None:
    """To be said before anything of the body is read: Django takes in whatever comes, and leaves saying no to the view.
    Raises RequestDataTooBig."""
    if is_too_large(request):
        raise RequestDataTooBig
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
