from django.urls import path

from rasax.annotation.api import logs

LOGS = "projects/<str:project>/logs"

urlpatterns = [
    path(LOGS, logs.Logs.as_view()),
    path(f"{LOGS}/<str:log>", logs.OneLog.as_view()),
]
