"""The Celery application: jobs, and the host of the event service. Start it with `celery -A rasax worker`."""

from __future__ import annotations

import logging.config
import os
import sys
from pathlib import Path

from celery import Celery
from celery.signals import beat_init, setup_logging
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rasax.settings")

app = Celery("rasax")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect  # type: ignore[untyped-decorator]
def _refuse_bad_settings(sender: Celery, **kwargs: object) -> None:
    """With one line that says what to set, where Celery would print a traceback."""
    try:
        settings.SECRET_KEY  # noqa: B018 - reads them all
    except ImproperlyConfigured as error:
        sys.exit(f"rasax cannot start: {error}")


@app.on_after_configure.connect  # type: ignore[untyped-decorator]
def _make_folders(sender: Celery, **kwargs: object) -> None:
    """The broker of the embedded default is a folder, and kombu expects it to be there."""
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    for folder in (options.get("data_folder_in"), options.get("control_folder")):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)


@app.on_after_finalize.connect  # type: ignore[untyped-decorator]
def _host_event_service_and_sweeper(sender: Celery, **kwargs: object) -> None:
    from events.monitoring.step import MonitoringStep
    from events.schema.step import SchemaStep
    from events.worker import EventServiceStep
    from rasax.accounts.sweeping import SweeperStep

    sender.steps["worker"].update({MonitoringStep, SchemaStep, EventServiceStep, SweeperStep})


@setup_logging.connect  # type: ignore[untyped-decorator]
def _log_as_all_do(loglevel: int, **kwargs: object) -> None:
    """In place of Celery's own handlers, whose lines would hold what ours leave out."""
    logging.config.dictConfig(settings.LOGGING)
    logging.getLogger("celery").setLevel(loglevel)


@beat_init.connect  # type: ignore[untyped-decorator]
def _watch_beat(sender: object, **kwargs: object) -> None:
    from events.monitoring.beat import watch

    watch(sender)
