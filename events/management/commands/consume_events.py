import signal
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.brokers.base import BrokerMisconfigured
from events.configured import event_broker
from events.schema.versions import SchemaIsNewer
from events.schema.waiting import DatabaseIsAway, wait_for_schema
from events.service import EventService, EventServiceFailed


class Command(BaseCommand):
    help = "Runs the event service alone, without Celery: keeps what the event broker delivers until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())

        def still_wanted() -> None:
            if stop.is_set():
                sys.exit(0)

        try:
            wait_for_schema(still_wanted)
            EventService(event_broker(), stop=stop).run()
        except (BrokerMisconfigured, SchemaIsNewer, DatabaseIsAway) as error:
            raise CommandError(f"The event service cannot start: {error}") from error
        except EventServiceFailed as error:
            self.stderr.write(str(error))
            sys.exit(1)
