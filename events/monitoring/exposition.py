"""`/metrics`: what Prometheus asks for."""

from __future__ import annotations

import hmac

from django.conf import settings
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from events.monitoring import metrics
from events.monitoring.naming import service
from events.monitoring.probes import Answer

Page = tuple[int, str, bytes]  # HTTP status, content type, body
PLAIN = "text/plain; charset=utf-8"


def refused(authorization: str, *, open_without_token: bool) -> Page | None:
    """None where whoever asks may know. Without METRICS_TOKEN, a port of its own tells all, and the site nobody."""
    if not settings.METRICS_TOKEN:
        return None if open_without_token else (404, PLAIN, b"Set METRICS_TOKEN, and send it as a bearer token.\n")
    sent = authorization.removeprefix("Bearer ").strip()
    if hmac.compare_digest(sent.encode(), settings.METRICS_TOKEN.encode()):
        return None
    return 401, PLAIN, b"Send METRICS_TOKEN as a bearer token.\n"


def told(ready: Answer) -> Page:
    """Every metric as text; `ready` is what /health/ready says at this moment."""
    metrics.READY.set(ready[0] == 200)
    metrics.INFO.labels(service(), settings.VERSION).set(1)
    return 200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(metrics.registry())
