"""Where what is new goes: beside its like, or else into the files that Rasa itself begins a project with."""

from __future__ import annotations

from django.db.models import Count

from rasax.training.files import Block, TrainingFile

DEFAULTS = {
    "nlu": "data/nlu.yml",
    "stories": "data/stories.yml",
    "rules": "data/rules.yml",
    "tests": "tests/test_stories.yml",
}
DOMAIN = "domain.yml"
SECTIONS = {
    Block.Kind.INTENT: "nlu",
    Block.Kind.SYNONYM: "nlu",
    Block.Kind.REGEX: "nlu",
    Block.Kind.LOOKUP: "nlu",
    Block.Kind.STORY: "stories",
    Block.Kind.RULE: "rules",
    Block.Kind.TEST: "tests",
}


def place_for(kind: str, name: str = "") -> tuple[str, Block | None]:
    """The file, and the block after which it goes: a retrieval intent's keys stand together."""
    found = Block.objects.filter(kind=kind, file__fault__isnull=True).select_related("file")
    if kind == Block.Kind.INTENT and "/" in name:
        alike = found.filter(name__startswith=name.partition("/")[0] + "/").order_by("file__path", "position").last()
        if alike is not None:
            return alike.file.path, alike
    most = found.order_by().values("file__path").annotate(number=Count("pk")).order_by("-number", "file__path").first()
    path = most["file__path"] if most else DEFAULTS[SECTIONS[Block.Kind(kind)]]
    return path, found.filter(file__path=path).order_by("position").last()


def domain_for(section: str) -> str:
    """The file of the domain that has this section, or else most of the others."""
    path = Block.objects.filter(section=section).order_by("file__path").values_list("file__path", flat=True).first()
    if path is None:
        domains = Block.objects.filter(section__in=["intents", "slots", "responses", "actions", "entities", "forms"])
        paths = domains.exclude(file__path__startswith="data/").order_by("file__path")
        path = paths.values_list("file__path", flat=True).first()
    if path is None and TrainingFile.objects.filter(path__startswith="domain/").exists():
        return f"domain/{DOMAIN}"
    return path or DOMAIN
