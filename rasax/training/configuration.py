"""The file that says how the assistant is trained: its pipeline and policies."""

from __future__ import annotations

from rasax.training.files import Block, TrainingFile

CONFIG = "config.yml"
KEYS = r"(^|\n)(pipeline|policies|recipe):"


def config_file() -> TrainingFile | None:
    """config.yml, or else the first file with a pipeline or policies."""
    named = TrainingFile.objects.filter(path=CONFIG).first()
    if named is not None:
        return named
    found = Block.objects.filter(kind=Block.Kind.TEXT, text__regex=KEYS).select_related("file")
    first = found.order_by("file__path").first()
    return first.file if first else None
