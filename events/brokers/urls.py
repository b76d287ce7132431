"""EVENT_BROKER_URL: one URL in place of endpoints.yml's event_broker section."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from events.brokers.base import BrokerMisconfigured
from events.endpoints import EndpointConfig


def endpoint(url: str) -> EndpointConfig:
    """What the section would say.

    `amqp://user:password@host:5672/vhost?queue=…&exchange=…`, `amqps://…`,
    `kafka://host:9092,host2:9092/topic?group_id=…&security_protocol=…`, `sql+sqlite:///path`,
    `sql+postgresql://user:password@host/database`, `file:///path`, `memory://name`, `module.Class://host?param=…`.
    Raises BrokerMisconfigured for anything else.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise BrokerMisconfigured("EVENT_BROKER_URL has no `scheme://`; set it to, say, amqp://user:password@host/")
    kind = scheme.lower()
    if kind.startswith("sql+"):
        return EndpointConfig("sql", url[len("sql+") :])
    address, _, query = rest.partition("?")
    if kind in ("amqp", "amqps"):
        return _rabbitmq(f"{kind}://{address}", query)
    if kind == "kafka":
        return _kafka(address, dict(parse_qsl(query)))
    if kind == "file":
        return EndpointConfig("file", None, {"path": unquote(address)})
    if kind == "memory":
        return EndpointConfig("memory", address)
    return EndpointConfig(scheme, address or None, dict(parse_qsl(query)))


def _rabbitmq(address: str, query: str) -> EndpointConfig:
    """`queue` may be repeated; RabbitMQ's own URI query parameters (cacertfile, …) stay in the URL."""
    params: dict[str, Any] = {"port": 5671} if address.startswith("amqps") else {}
    kept = []
    for name, value in parse_qsl(query):
        if name == "queue":
            params.setdefault("queues", []).append(value)
        elif name == "exchange":
            params["exchange_name"] = value
        else:
            kept.append((name, value))
    return EndpointConfig("pika", f"{address}?{urlencode(kept)}" if kept else address, params)


def _kafka(address: str, params: dict[str, Any]) -> EndpointConfig:
    servers, _, topic = address.partition("/")
    credentials, _, servers = servers.rpartition("@")
    if credentials:
        username, _, password = credentials.partition(":")
        params = {"sasl_username": unquote(username), "sasl_password": unquote(password), **params}
    if topic:
        params["topic"] = unquote(topic)
    if "sasl_username" not in params:
        params.setdefault("security_protocol", "PLAINTEXT")
    return EndpointConfig("kafka", servers, params)
