"""Makes the event broker that endpoints.yml or EVENT_BROKER_URL names; Rasa's documentation, "Event Brokers"."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

from events.brokers import urls
from events.brokers.base import BrokerMisconfigured, BrokerUnavailable, EventBroker, Message, Position
from events.endpoints import EndpointConfig

__all__ = ["BrokerMisconfigured", "BrokerUnavailable", "EventBroker", "Message", "Position", "create", "from_url"]

ALIASES = {
    "pika": "events.brokers.rabbitmq.RabbitMQEventBroker",
    "kafka": "events.brokers.kafka.KafkaEventBroker",
    "sql": "events.brokers.sql.SQLEventBroker",
    "file": "events.brokers.file.FileEventBroker",
    "memory": "events.brokers.memory.InMemoryEventBroker",
}
_PACKAGES = {
    "kombu": "kombu",
    "amqp": "kombu",
    "confluent_kafka": "confluent-kafka",
    "sqlalchemy": "SQLAlchemy",
    "psycopg2": "psycopg2-binary",
}


def create(endpoint: EndpointConfig, *, position: Position | None = None) -> EventBroker:
    """The broker of an event_broker section; no `type` means pika, as in Rasa.

    A type that is no alias is the dotted path of an EventBroker class, called with `url` (or `host`) and the
    section's other parameters. `position` goes to the brokers that ask for one. Raises BrokerMisconfigured.
    """
    name = endpoint.type or "pika"
    try:
        broker_class = _broker_class(name)
        accepted = inspect.signature(broker_class)
        return broker_class(**_arguments(name, accepted, endpoint, position))
    except ImportError as error:
        raise BrokerMisconfigured(_missing(name, error)) from error


def from_url(url: str, *, position: Position | None = None) -> EventBroker:
    """The broker of an EVENT_BROKER_URL (see `urls.endpoint`). Raises BrokerMisconfigured."""
    return create(urls.endpoint(url), position=position)


def _broker_class(name: str) -> type[EventBroker]:
    path = ALIASES.get(name.lower(), name)
    module, _, attribute = path.rpartition(".")
    if not module:
        known = ", ".join(sorted(ALIASES))
        raise BrokerMisconfigured(f"unknown event broker type {name!r}; set one of {known}, or a module.path.Class")
    found = getattr(import_module(module), attribute, None)
    if not (isinstance(found, type) and issubclass(found, EventBroker)):
        raise BrokerMisconfigured(f"{path} is not an EventBroker class; set `type` to the path of one")
    return found


def _arguments(
    name: str, accepted: inspect.Signature, endpoint: EndpointConfig, position: Position | None
) -> dict[str, Any]:
    arguments = dict(endpoint.params)
    if endpoint.url is not None:
        arguments["host" if "host" in accepted.parameters else "url"] = endpoint.url
    if position is not None and "position" in accepted.parameters:
        arguments["position"] = position
    try:
        accepted.bind(**arguments)
    except TypeError as error:
        raise BrokerMisconfigured(f"the event broker {name} has {error}; correct its parameters") from error
    return arguments


def _missing(name: str, error: ImportError) -> str:
    module = (error.name or "").partition(".")[0]
    if name.startswith(f"{module}."):
        return f"the event broker type {name!r} cannot be imported ({error}); set `type` to a module.path.Class"
    return f"the event broker {name} needs a driver ({error}); run: pip install {_PACKAGES.get(module, module)}"
