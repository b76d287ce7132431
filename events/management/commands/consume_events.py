import contextlib
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from events.brokers.base import BrokerMisconfigured
from events.configured import event_service
from events.monitoring.probes import Answer, ready
from events.monitoring.server import MonitoringServer
from events.schema.versions import WrongSchema
from events.schema.waiting import DatabaseIsAway, wait_for_schema
from events.service import EventService, EventServiceFailed


class Command(BaseCommand):
    help = "Runs the event service alone, without Celery: keeps what the event broker delivers until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.MONITORING_HOST, help="the address at which probes are answered")
        parser.add_argument(
            "--port", type=int, default=settings.MONITORING_PORT, help="its port; 0: no probe is answered"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stop, self.service = threading.Event(), None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        try:
            with self._told(options["host"], options["port"]):
                wait_for_schema(self._end_if_stopped)
                self.service = event_service(self.stop)
                self.service.run()
        except (BrokerMisconfigured, WrongSchema, DatabaseIsAway, OSError) as error:
            raise CommandError(f"The event service cannot start: {error}") from error
        except EventServiceFailed as error:
            self.stderr.write(str(error))
            sys.exit(1)

    service: EventService | None

    def _told(self, host: str, port: int) -> contextlib.AbstractContextManager[object]:
        return MonitoringServer(self._ready, host, port) if port else contextlib.nullcontext()

    def _end_if_stopped(self) -> None:
        if self.stop.is_set():
            sys.exit(0)

    def _ready(self) -> Answer:
        if self.service is None:
            return ready({"event database": "has not the schema yet"})
        return ready(self.service.checks(), **self.service.told())
