"""Where model archives are kept: a folder, or a bucket of S3 or of what speaks as S3 does."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

IN_MEMORY = 8 * 2**20  # bytes of a model that is read from S3; the rest waits on this machine's disk
KNOWN = {"endpoint", "region"}


def model_storage(url: str) -> dict[str, Any]:
    """For Django's STORAGES."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path), "file_permissions_mode": 0o640},
        }
    if parts.scheme == "s3" and parts.hostname:
        return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": _s3(url)}
    raise ImproperlyConfigured(
        "MODEL_STORAGE_URL is no address; set it to file:///path or s3://key:secret@bucket/prefix."
    )


def _s3(url: str) -> dict[str, Any]:
    """Without a key in it the machine's own credentials are used, as boto3 finds them."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := query.keys() - KNOWN:
        raise ImproperlyConfigured(
            f"MODEL_STORAGE_URL has an unknown {sorted(unknown)[0]}; known are endpoint and region."
        )
    given = {
        "access_key": unquote(parts.username or ""),
        "secret_key": unquote(parts.password or ""),
        "location": unquote(parts.path).strip("/"),
        "endpoint_url": query.get("endpoint", ""),
        "region_name": query.get("region", ""),
    }
    named = {name: value for name, value in given.items() if value}
    # What speaks as S3 does seldom has a host name for each bucket.
    style = {"addressing_style": "path"} if "endpoint_url" in named else {}
    return {"bucket_name": parts.hostname, "max_memory_size": IN_MEMORY, "file_overwrite": False, **named, **style}
