"""Model archives as Rasa packs them: 3.x with metadata.json and components/, 2.x with fingerprint.json."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def metadata(version: str = "3.6.21", **changed: Any) -> Json:
    """Of 3.x; a domain and schemas of some size are in it."""
    return {
        "domain": {"version": "3.1", "intents": ["greet", "goodbye"], "responses": {}},
        "trained_at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        "model_id": uuid.uuid4().hex,
        "assistant_id": "20261122-lab-richbot",
        "rasa_open_source_version": version,
        "train_schema": {"nodes": {}},
        "predict_schema": {"nodes": {}},
        "training_type": 3,
        "project_fingerprint": "8a5c3a2b1ff04d9a",
        "core_target": "select_prediction",
        "nlu_target": "run_RegexMessageHandler",
        "language": "en",
        "spaces": None,
    } | changed


def fingerprint(version: str = "2.8.34", **changed: Any) -> Json:
    """Of 2.x."""
    return {
        "config": "1b3f", "core-config": "2c4d", "nlu-config": "3d5e", "config-without-epochs": "4e6f",
        "domain": "5f70", "nlg": "6071", "project": "8a5c3a2b1ff04d9a", "messages": "7182",
        "nlu_labels": "8293", "stories": "93a4", "trained_at": time.time(), "version": version,
    } | changed  # fmt: skip


def archive(version: str = "3.6.21", *, size: int = 0, **changed: Any) -> bytes:
    """A model; `size` bytes of it cannot be compressed. As Rasa writes them: its metadata come last."""
    is_old = version.startswith("2.")
    name, told = ("fingerprint.json", fingerprint) if is_old else ("metadata.json", metadata)
    folder = "core" if is_old else "components"
    weights = os.urandom(size) or b"weights"
    members = [file(f"{folder}/model.h5", weights), file(name, json.dumps(told(version, **changed)).encode())]
    return packed([root(), directory(folder), *members])


Member = tuple[tarfile.TarInfo, bytes]


def file(name: str, content: bytes) -> Member:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = len(content), 1_795_312_685.25  # a fraction: Python writes a pax header for it
    return info, content


def directory(name: str) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info, b""


def root() -> Member:
    """3.x adds its whole folder under an empty name."""
    return directory("")


def special(name: str, kind: bytes, target: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def packed(members: list[Member], mode: str = "w:gz") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def id_of(model: bytes) -> str:
    """Its model_id; a new one for 2.x, which has none."""
    with tarfile.open(fileobj=io.BytesIO(model)) as tar:
        member = tar.extractfile("metadata.json") if "metadata.json" in tar.getnames() else None
        return str(json.load(member)["model_id"]) if member else uuid.uuid4().hex
