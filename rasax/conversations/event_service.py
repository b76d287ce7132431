"""How the event service is doing, and what to do where it does badly."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from events.models import Conversation, Heartbeat, RejectedMessage
from events.querysets import STALE_AFTER
from rasax.accounts.models import AuditEntry, User
from rasax.accounts.settings_pages import can_change_settings, can_view_settings
from rasax.conversations.activity import activity
from rasax.conversations.rejected import COUNTED
from rasax.conversations.views import wants_fragment

SHOWN = 50
MANY_WAITING = 10_000
LATE = 60  # seconds


@can_view_settings
def event_service(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    services = [(service, service.beat_at >= now - STALE_AFTER) for service in Heartbeat.objects.all()[:SHOWN]]
    rejected = RejectedMessage.objects.order_by()[: COUNTED + 1].count()
    alive = [service for service, is_alive in services if is_alive]
    context = {
        "services": services,
        "n_alive": len(alive),
        "problems": _problems([service for service, _ in services], alive, rejected),
        "rejected": rejected,
        "latest": Conversation.objects.values_list("latest_event_time", flat=True).first(),
        "canary": max((service.canary_at for service in alive if service.canary_at), default=None),
        "now": now,
        "may_change": request.user.has_perm("accounts.change_settings"),
    }
    if wants_fragment(request):
        template = "settings/_event_service.html"
    else:
        template, context["activity"] = "settings/event_service.html", activity()
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _problems(services: list[Heartbeat], alive: list[Heartbeat], rejected: int) -> list[str]:
    """What is wrong, and what to do, in words."""
    if not services:
        return [_("No event service has worked here yet. Start a worker: celery -A rasax worker")]
    if not alive:
        return [
            _(
                "No event service works at the moment. What Rasa publishes waits in the event broker; nothing is lost."
                " Look into the worker's log for the reason, and start the worker again."
            )
        ]
    found = []
    if max(service.queue_depth or 0 for service in alive) > MANY_WAITING:
        found.append(
            _("Many messages wait. Start another worker; any number may share a RabbitMQ queue or Kafka group.")
        )
    if _canary_is_missed(alive):
        found.append(
            _(
                "A canary was sent and did not come back. Look whether the event broker takes messages, whether its"
                " exchange leads to the queue, and how long that is."
            )
        )
    if any(_delivered_in_vain(service) for service in alive):
        found.append(
            _("Messages arrive, but none was stored since. Look whether the database answers and its disk has room.")
        )
    if rejected:
        found.append(
            ngettext(
                "%d message was rejected. Read why, and replay it when the reason is gone.",
                "%d messages were rejected. Read why, and replay them when the reason is gone.",
                rejected,
            )
            % rejected
        )
    return found


def _canary_is_missed(alive: list[Heartbeat]) -> bool:
    """None came back for three periods, by services that run for as long."""
    if not settings.CANARY_SECONDS:
        return False
    long_ago = timezone.now() - timedelta(seconds=3 * settings.CANARY_SECONDS)
    return all(service.started_at < long_ago and (service.canary_at or long_ago) <= long_ago for service in alive)


def _delivered_in_vain(service: Heartbeat) -> bool:
    if not service.last_delivery_at:
        return False
    since = service.last_commit_at or service.started_at
    return (service.last_delivery_at - since).total_seconds() > LATE


@require_POST
@can_change_settings
def forget_service(request: HttpRequest, service_pk: int) -> HttpResponse:
    """Takes away the row of a machine that is gone; one that works writes itself a new one."""
    service = get_object_or_404(Heartbeat, pk=service_pk)
    with transaction.atomic():
        AuditEntry.objects.note(cast("User", request.user), "deleted", [service])
        service.delete()
    messages.success(request, _("The event service is no longer listed."))
    return redirect("event_service")
