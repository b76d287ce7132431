from django.urls import path

from rasax.accounts.auditing import audit, audit_file
from rasax.accounts.settings_pages import settings
from rasax.conversations import event_service, rejected, retention_pages, tag_pages

urlpatterns = [
    path("", settings, name="settings"),
    path("tags/", tag_pages.tags, name="tags"),
    path("tags/add/", tag_pages.make_tag, name="make_tag"),
    path("tags/<int:tag_pk>/", tag_pages.change_tag, name="change_tag"),
    path("tags/<int:tag_pk>/delete/", tag_pages.delete_tag, name="delete_tag"),
    path("retention/", retention_pages.retention, name="retention"),
    path("retention/change/", retention_pages.change_retention, name="change_retention"),
    path("event-service/", event_service.event_service, name="event_service"),
    path("event-service/<int:service_pk>/forget/", event_service.forget_service, name="forget_service"),
    path("rejected/", rejected.rejected_messages, name="rejected_messages"),
    path("rejected/<int:message_pk>/body", rejected.rejected_body, name="rejected_body"),
    path("rejected/replay/", rejected.replay_rejected, name="replay_rejected"),
    path("rejected/delete/", rejected.delete_rejected, name="delete_rejected"),
    path("audit/", audit, name="audit"),
    path("audit.csv", audit_file, name="audit_file"),
]
