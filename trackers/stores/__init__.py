"""Makes the tracker store that endpoints.yml names; Rasa's documentation, "Tracker Stores"."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from trackers.stores.base import (
    ConversationRefused,
    ConversationTooLarge,
    ConversationUnreadable,
    Page,
    Stored,
    TrackerStore,
    TrackerStoreMisconfigured,
    TrackerStoreUnavailable,
)

if TYPE_CHECKING:
    from events.endpoints import EndpointConfig

__all__ = [
    "ConversationRefused",
    "ConversationTooLarge",
    "ConversationUnreadable",
    "Page",
    "Stored",
    "TrackerStore",
    "TrackerStoreMisconfigured",
    "TrackerStoreUnavailable",
    "create",
]

ALIASES = {
    "sql": "trackers.stores.sql.SQLTrackerStore",
    "redis": "trackers.stores.redis.RedisTrackerStore",
    "mongod": "trackers.stores.mongo.MongoTrackerStore",
    "dynamo": "trackers.stores.dynamo.DynamoTrackerStore",
    "rasax": "trackers.stores.django.DjangoTrackerStore",
    "in_memory": "trackers.stores.memory.InMemoryTrackerStore",
}
_PACKAGES = {
    "sqlalchemy": ("SQLAlchemy", "a SQL"),
    "psycopg2": ("psycopg2-binary", "a PostgreSQL"),
    "oracledb": ("oracledb", "an Oracle"),
    "redis": ("redis", "a Redis"),
    "pymongo": ("pymongo", "a MongoDB"),
    "boto3": ("boto3", "a DynamoDB"),
    "django": ("django", "the rasax"),
}


def create(endpoint: EndpointConfig | None = None, domain: Any = None, event_broker: Any = None) -> TrackerStore:
    """The store of a `tracker_store` section; without a section or a type, in memory, as in Rasa.

    A type that is no alias is the dotted path of a TrackerStore class. It is called with `domain`, `event_broker`,
    `host` (the section's `url`) and the section's other parameters. Connects to nothing yet.
    Raises TrackerStoreMisconfigured.
    """
    name = (endpoint and endpoint.type) or "in_memory"
    try:
        store_class = _store_class(name)
        arguments = _arguments(name, store_class, endpoint)
        return store_class(domain=domain, event_broker=event_broker, **arguments)
    except ImportError as error:
        raise TrackerStoreMisconfigured(missing_driver(error, name)) from error


def missing_driver(error: ImportError, name: str) -> str:
    """What to do about an import that failed: of a driver, or of the class that the type `name` is the path of."""
    module = (error.name or "").partition(".")[0]
    if name.startswith(f"{module}."):
        return f"the tracker store type {name!r} cannot be imported ({error}); set `type` to a module.path.Class"
    package, store = _PACKAGES.get(module, (module or str(error), f"the {name}"))
    return f"install {package} to use {store} tracker store: pip install {package}"


def _store_class(name: str) -> type[TrackerStore]:
    path = ALIASES.get(name.lower(), name)
    module, _, attribute = path.rpartition(".")
    if not module:
        known = ", ".join(sorted(ALIASES))
        raise TrackerStoreMisconfigured(
            f"unknown tracker store type {name!r}; set one of {known}, or a module.path.Class"
        )
    found = getattr(import_module(module), attribute, None)
    if not (isinstance(found, type) and issubclass(found, TrackerStore)):
        raise TrackerStoreMisconfigured(f"{path} is not a TrackerStore class; set `type` to the path of one")
    return found


def _arguments(name: str, store_class: type[TrackerStore], endpoint: EndpointConfig | None) -> dict[str, Any]:
    arguments = dict(endpoint.params) if endpoint else {}
    if endpoint and endpoint.url is not None:
        arguments["host"] = endpoint.url
    try:
        inspect.signature(store_class).bind(domain=None, event_broker=None, **arguments)
    except TypeError as error:
        reason = str(error).replace("'host'", "'url'")
        raise TrackerStoreMisconfigured(f"the tracker store {name} {reason}; correct its parameters") from error
    return arguments
