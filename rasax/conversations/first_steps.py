"""What an empty list teaches: how each of Rasa's event brokers is told to publish, and rasax to listen."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Snippet(NamedTuple):
    name: str | Promise
    when: Promise
    endpoints: str
    url: str


SNIPPETS = (
    Snippet(
        "RabbitMQ",
        _("for production"),
        """event_broker:
  type: pika
  url: rabbitmq.example.org
  username: rasa
  password: ${RABBITMQ_PASSWORD}
  queues:
    - rasa_core_events
""",
        "amqp://rasa:password@rabbitmq.example.org:5672/?queue=rasa_core_events",
    ),
    Snippet(
        "Kafka",
        _("for production"),
        """event_broker:
  type: kafka
  url: kafka.example.org:9092
  topic: rasa_core_events
  partition_by_sender: true
  security_protocol: PLAINTEXT
""",
        "kafka://kafka.example.org:9092/rasa_core_events",
    ),
    Snippet(
        "SQL",
        _("where a database is all you have"),
        """event_broker:
  type: SQL
  dialect: postgresql
  url: db.example.org
  username: rasa
  password: ${DB_PASSWORD}
  db: rasa_events
""",
        "sql+postgresql://rasa:password@db.example.org/rasa_events",
    ),
    Snippet(
        _("File"),
        _("to try it on one machine"),
        """event_broker:
  type: file
  path: /var/lib/rasa/events.log
""",
        "file:///var/lib/rasa/events.log",
    ),
)
