"""What `celery beat` asks for."""

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from rasax.celery import app


@pytest.mark.django_db
def test_expired_sessions_are_deleted_by_the_task_that_the_schedule_names(settings):
    kept, gone = SessionStore(), SessionStore()
    kept.create()
    gone.create()
    Session.objects.filter(pk=gone.session_key).update(expire_date=timezone.now() - timezone.timedelta(days=1))
    app.loader.import_default_modules()
    app.tasks[settings.CELERY_BEAT_SCHEDULE["clear sessions"]["task"]]()
    assert [session.pk for session in Session.objects.all()] == [kept.session_key]
