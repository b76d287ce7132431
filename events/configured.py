"""The event broker that the settings name: EVENT_BROKER_URL, or the event_broker section of RASA_ENDPOINTS."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

from django.conf import settings
from django.db import Error, connection

from events import brokers
from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker
from events.canary import Canary
from events.endpoints import EndpointsError, read_endpoints
from events.models import BrokerPosition
from events.service import EventService


class SavedPosition:
    """How far a SQL or file broker was read, kept in the database. Losing it is harmless: events are kept once."""

    def __init__(self, name: str = "default") -> None:
        self.name = name

    def load(self) -> str | None:
        try:
            return BrokerPosition.objects.filter(broker=self.name).values_list("position", flat=True).first()
        except Error as error:
            connection.close()
            raise BrokerUnavailable(f"The broker's position cannot be read from the database: {error}") from error

    def save(self, text: str) -> None:
        try:
            BrokerPosition.objects.update_or_create(broker=self.name, defaults={"position": text})
        except Error as error:
            connection.close()
            raise BrokerUnavailable(f"The broker's position cannot be saved in the database: {error}") from error


def event_service(stop: threading.Event) -> EventService:
    """Does not connect yet. Raises BrokerMisconfigured with what to set."""
    name = f"{socket.gethostname()}:{os.getpid()}"
    period = settings.CANARY_SECONDS
    canary = Canary(event_broker(), period, name) if period else None
    return EventService(event_broker(), name=name, stop=stop, canary=canary)


def event_broker() -> EventBroker:
    """Does not connect yet. Raises BrokerMisconfigured with what to set."""
    if settings.EVENT_BROKER_URL:
        return brokers.from_url(settings.EVENT_BROKER_URL, position=SavedPosition())
    if not settings.RASA_ENDPOINTS:
        raise BrokerMisconfigured(
            "no event broker is configured; set EVENT_BROKER_URL, or RASA_ENDPOINTS to the path of an endpoints.yml"
        )
    try:
        section = read_endpoints(Path(settings.RASA_ENDPOINTS)).event_broker
    except EndpointsError as error:
        raise BrokerMisconfigured(str(error)) from error
    if section is None:
        raise BrokerMisconfigured(f"{settings.RASA_ENDPOINTS} has no event_broker section; add one")
    return brokers.create(section, position=SavedPosition())
