"""What Ctrl+K finds: pages, views, tags and conversations, by a few letters of their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from events.models import Conversation, Facet
from events.search import sent_by
from rasax.accounts.settings_pages import open_to
from rasax.conversations.models import SavedView
from rasax.conversations.wording import ago

MOST = 6  # of each group
LENGTH = 200
Item = dict[str, str]


@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    words = request.GET.get("q", "").replace("\x00", "").strip()[:LENGTH]
    groups: list[tuple[str, Iterable[Item]]] = [(_("Go to"), _pages(request, words))]
    if request.user.has_perm("events.view_conversation"):
        groups += [
            (_("Saved views"), _views(request, words)),
            (_("Tags"), _tags(words)),
            (_("Conversations"), _conversations(words)),
        ]
    found = [{"label": label, "items": list(items)} for label, items in groups]
    return JsonResponse({"groups": [group for group in found if group["items"]]})


def _item(label: str, address: str, hint: str = "") -> Item:
    return {"label": label, "address": address, "hint": hint}


def _pages(request: HttpRequest, words: str) -> Iterator[Item]:
    wanted = words.casefold().split()
    for label, address, hint in _all_pages(request):
        if all(word in f"{label} {hint}".casefold() for word in wanted):
            yield _item(label, address, hint)


def _all_pages(request: HttpRequest) -> Iterator[tuple[str, str, str]]:
    if request.user.has_perm("events.view_conversation"):
        yield _("Conversations"), reverse("conversations"), ""
    if request.user.has_perm("accounts.view_nlu_data"):
        yield _("Training data"), reverse("data_intents"), ""
    if request.user.has_perm("accounts.view_models"):
        yield _("Models"), reverse("models"), ""
    for page in open_to(request.user):
        yield str(page.label), page.address, _("Settings")
    yield _("Jobs"), reverse("jobs"), ""
    yield _("Account"), reverse("account"), ""


def _views(request: HttpRequest, words: str) -> Iterable[Item]:
    views = SavedView.objects.visible_to(request.user).filter(name__icontains=words)
    return (_item(view.name, view.address) for view in views[:MOST])


def _tags(words: str) -> Iterable[Item]:
    if not words:
        return []
    tags = Facet.objects.filter(kind=Facet.Kind.TAG, value__icontains=words).values_list("value", flat=True)[:MOST]
    return [_item(tag, _list(tag=tag)) for tag in tags]


def _conversations(words: str) -> Iterator[Item]:
    if not words:
        return
    yield _item(_("Search what was said: %s") % words, _list(q=words))
    named = Conversation.objects.filter(sent_by(words))
    for found in named.order_by()[:MOST]:
        yield _item(str(found), reverse("conversation", args=[found.pk]), ago(found.latest_event_time))


def _list(**query: str) -> str:
    return f"{reverse('conversations')}?{urlencode(query)}"
