"""Responses: listed with their variations, and the picture of one, fetched when somebody asks for it."""

from __future__ import annotations

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from rasax.training.access import CHANGE_RESPONSES, can_view_responses
from rasax.training.files import Block
from rasax.training.responses import cards

PAGE = 50


@can_view_responses
@require_GET
def listed(request: HttpRequest) -> HttpResponse:
    words, after = (request.GET.get(name, "").replace("\x00", "").strip()[:255] for name in ("q", "after"))
    found = Block.objects.filter(kind=Block.Kind.RESPONSE)
    if words:
        found = found.filter(Q(name__icontains=words) | Q(text__icontains=words))
    total = found.count()
    if after:
        found = found.filter(name__gt=after)
    page = list(found.select_related("file").order_by("name", "pk")[: PAGE + 1])
    context = {
        "rows": [(block, cards(block)) for block in page[:PAGE]],
        "total": total,
        "after": page[PAGE - 1].name if len(page) > PAGE else "",
        "is_first": not after,
        "q": words,
        "may_change": request.user.has_perm(CHANGE_RESPONSES),
    }
    return render(request, "data/responses.html", context)


@can_view_responses
@require_GET
def image(request: HttpRequest, block_pk: int, number: int) -> HttpResponse:
    """In a page whose policy lets a browser fetch that server's images, nothing else."""
    block = get_object_or_404(Block.objects.select_related("file"), pk=block_pk, kind=Block.Kind.RESPONSE)
    card = next((each for each in cards(block) if each.number == number), None)
    if card is None or not card.origin:
        raise Http404
    response = render(request, "conversations/image.html", {"address": card.image})
    response["Content-Security-Policy"] = (
        f"default-src 'none'; img-src {card.origin}; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Referrer-Policy"] = "no-referrer"
    return response
