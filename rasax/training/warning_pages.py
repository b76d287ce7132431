"""The warnings: by kind, each with where it stands and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.jobs import UNENDED, Job
from rasax.training import contradictions
from rasax.training.access import VIEW, VIEW_STORIES, by, can_view
from rasax.training.files import Block
from rasax.training.findings import DOMAIN, KINDS, MOST, STORIES, Kind
from rasax.training.projects import Project
from rasax.training.validation import DataWarning, warnings

SHOWN = 10  # of each kind, until one is chosen
OF_FEATURES = (Block.Kind.SYNONYM, Block.Kind.REGEX, Block.Kind.LOOKUP)

can_check = permission_required([VIEW, VIEW_STORIES], raise_exception=True)


@dataclass(frozen=True)
class Row:
    warning: DataWarning
    address: str


@dataclass(frozen=True)
class Group:
    key: str
    kind: Kind
    rows: list[Row]
    number: int

    @property
    def is_cut(self) -> bool:
        return self.number >= MOST

    @property
    def message(self) -> str:
        return _(self.kind.message)

    @property
    def advice(self) -> str:
        return _(self.kind.advice)


def visible(request: HttpRequest, project: Project) -> list[DataWarning]:
    """Of stories and the domain only for those who may see them."""
    found = [*warnings(project), *(contradictions.contradictions(project) or ())]
    if request.user.has_perm(VIEW_STORIES):
        return found
    return [each for each in found if each.area not in (STORIES, DOMAIN)]


@can_view
@require_GET
def all_warnings(request: HttpRequest) -> HttpResponse:
    project = Project.objects.default()
    found, chosen = visible(request, project), request.GET.get("kind", "")
    checking = Job.objects.filter(kind=contradictions.CHECK, state__in=UNENDED).first()
    context = {
        "groups": _groups(found, chosen if chosen in KINDS else ""),
        "counts": _counts(found),
        "chosen": chosen if chosen in KINDS else "",
        "number": len(found),
        "is_empty": not Block.objects.exists(),
        "unchecked": request.user.has_perm(VIEW_STORIES) and contradictions.contradictions(project) is None,
        "checking": checking,
    }
    return render(request, "data/warnings.html", context)


def _counts(found: list[DataWarning]) -> list[tuple[str, str, int]]:
    numbers = {kind: sum(each.kind == kind for each in found) for kind in KINDS}
    return [(kind, _(KINDS[kind].message), number) for kind, number in numbers.items() if number]


def _groups(found: list[DataWarning], chosen: str) -> list[Group]:
    groups = []
    for key, kind in sorted(KINDS.items(), key=lambda item: not item[1].serious):
        of_kind = [each for each in found if each.kind == key and chosen in ("", key)]
        if of_kind:
            shown = of_kind if chosen else of_kind[:SHOWN]
            groups.append(Group(key, kind, _rows(shown), len(of_kind)))
    return groups


def _rows(found: list[DataWarning]) -> list[Row]:
    blocks = Block.objects.in_bulk({each.block_id for each in found if each.block_id})
    return [Row(each, _address(blocks.get(each.block_id or 0))) for each in found]


def _address(block: Block | None) -> str:
    if block is None:
        return _named("data_files")
    if block.kind == Block.Kind.INTENT:
        return f"{_named('data_intent')}?{urlencode({'name': block.name})}"
    return _named("data_feature" if block.kind in OF_FEATURES else "data_block", block.pk)


def _named(name: str, *of: int) -> str:
    try:
        return reverse(name, args=of)
    except NoReverseMatch:
        return ""


@can_check
@require_POST
def check(request: HttpRequest) -> HttpResponse:
    running = Job.objects.filter(kind=contradictions.CHECK, state__in=UNENDED, by=by(request)).first()
    job = running or Job.objects.ask(contradictions.CHECK, by(request))
    return redirect("job", job.pk)
