"""Version control: the repository that is connected, what is pending on both sides, and what both changed."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from rasax.accounts.models import Job
from rasax.training import sync_jobs, syncing
from rasax.training.access import CHANGE_ALL, VIEW, by, can_change_all, can_view
from rasax.training.differences import shown_diffs
from rasax.training.drafts import as_breaks_of
from rasax.training.edits import FileDiff
from rasax.training.formats.errors import Refused
from rasax.training.git_forms import ConnectForm, PushForm, ScheduleForm
from rasax.training.models import GitFile, GitRepository, Project
from rasax.training.telling import refused

CONNECT = "accounts.change_settings"
LATEST = 10

can_connect = permission_required([VIEW, CONNECT], raise_exception=True)


@can_view
@require_GET
def git(request: HttpRequest) -> HttpResponse:
    """Also a part of itself, which is fetched again when something happens."""
    repository = GitRepository.objects.first()
    may = {"may_connect": request.user.has_perm(CONNECT), "may_change": request.user.has_perms(CHANGE_ALL)}
    if repository is None:
        return render(request, "data/git_connect.html", {"form": ConnectForm(), **may})
    context = {
        "repository": repository,
        "conflicts": list(repository.conflicts()),
        "jobs": sync_jobs.latest()[:LATEST],
        "incoming": shown_diffs(repository.incoming()),
        "pending": shown_diffs(repository.pending()),
        **may,
    }
    if "part" in request.GET:
        return render(request, "data/_git.html", context)
    minutes = ScheduleForm(initial={"minutes": repository.pull_every})
    return render(request, "data/git.html", {**context, "push": PushForm(), "schedule": minutes})


@can_connect
@require_POST
def connect(request: HttpRequest) -> HttpResponse:
    form = ConnectForm(request.POST)
    if GitRepository.objects.exists():
        return redirect("data_git")
    if not form.is_valid():
        return render(request, "data/git_connect.html", {"form": form, "may_connect": True})
    chosen = form.cleaned_data
    repository = GitRepository.objects.connect(
        chosen["url"], chosen["branch"], chosen["folder"], chosen["secret"], by(request)
    )
    if request.user.has_perms(CHANGE_ALL) and (not repository.public_key or request.POST.get("secret", "").strip()):
        Job.objects.ask(sync_jobs.LOOK, by(request))
    return redirect("data_git")


def _repository() -> GitRepository:
    return get_object_or_404(GitRepository)


@can_change_all
@require_POST
def look(request: HttpRequest) -> HttpResponse:
    _repository()
    Job.objects.ask(sync_jobs.LOOK, by(request))
    return redirect("data_git")


@can_change_all
@require_POST
def pull(request: HttpRequest) -> HttpResponse:
    _repository()
    Job.objects.ask(sync_jobs.PULL, by(request))
    return redirect("data_git")


@can_change_all
@require_POST
def push(request: HttpRequest) -> HttpResponse:
    _repository()
    form = PushForm(request.POST)
    if form.is_valid():
        words = form.cleaned_data
        Job.objects.ask(sync_jobs.PUSH, by(request), message=words["message"], branch=words["branch"])
    else:
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
    return redirect("data_git")


@can_change_all
@require_POST
def discard(request: HttpRequest) -> HttpResponse:
    repository = _repository()
    pending = [diff.path for diff in repository.pending()]
    paths = [path for path in pending if path == request.POST.get("path") or request.POST.get("all") == "1"]
    try:
        syncing.discard(repository, paths, by(request))
        messages.success(request, _("The changes are discarded. The history can bring them back."))
    except Refused as error:
        refused(request, error)
    return redirect("data_git")


@can_change_all
def conflict(request: HttpRequest, file_pk: int) -> HttpResponse:
    row = get_object_or_404(GitFile, pk=file_pk, is_conflict=True)
    ours = Project.objects.default().files().get(row.path)
    if request.method == "POST":
        edited = as_breaks_of(ours or row.theirs or "", request.POST.get("text", "").replace("\r\n", "\n"))
        texts = {"ours": ours, "theirs": row.theirs, "edited": edited}
        try:
            syncing.resolve(row, texts[request.POST.get("take", "edited")], by(request), request.POST.get("stamp", ""))
        except KeyError:
            return redirect("data_git_conflict", row.pk)
        except Refused as error:
            refused(request, error)
            return _conflict_page(request, row, ours, request.POST.get("text", ""))
        messages.success(request, _("The conflict is solved."))
        return redirect("data_git")
    return _conflict_page(request, row, ours, ours or row.theirs or "")


def _conflict_page(request: HttpRequest, row: GitFile, ours: str | None, text: str) -> HttpResponse:
    sides = {
        "ours": shown_diffs([FileDiff(row.path, row.base, ours)]),
        "theirs": shown_diffs([FileDiff(row.path, row.base, row.theirs)]),
    }
    context = {
        "row": row,
        "text": text,
        "stamp": row.stamp(ours),
        "is_here": ours is not None,
        "is_there": row.theirs is not None,
        **sides,
    }
    return render(request, "data/git_conflict.html", context)


@can_connect
@require_POST
def schedule(request: HttpRequest) -> HttpResponse:
    form = ScheduleForm(request.POST)
    if form.is_valid():
        _repository().schedule(form.cleaned_data["minutes"], by(request))
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("Write a number of minutes up to a week; 0 for no pulls by the clock."))
    return redirect("data_git")


@can_connect
@require_POST
def forget_host_key(request: HttpRequest) -> HttpResponse:
    _repository().forget_host_key(by(request))
    messages.success(request, _("The next connection pins the host key that it sees."))
    return redirect("data_git")


@can_connect
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    _repository().disconnect(by(request))
    messages.success(request, _("The repository is disconnected. Nothing was changed on either side."))
    return redirect("data_git")
