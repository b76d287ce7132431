from django.urls import path, register_converter

from rasax.conversations import bulk_pages, inspecting, marking, palette, reading, saving, views
from rasax.conversations.exporting import downloads


class Seconds:
    """A message's time in a link."""

    regex = r"\d{1,20}(?:\.\d{1,20})?"

    def to_python(self, value: str) -> str:
        return value

    to_url = to_python


register_converter(Seconds, "seconds")

urlpatterns = [
    path("", views.home),
    path("tags.css", views.tag_colors, name="tag_colors"),
    path("palette/", palette.palette, name="palette"),
    path("conversations/", views.conversations, name="conversations"),
    path("conversations/count/", views.count, name="conversation_count"),
    path("conversations/views/", saving.save, name="save_view"),
    path("conversations/views/counts/", saving.counts, name="view_counts"),
    path("conversations/views/<int:view_pk>/", saving.change, name="change_view"),
    path("conversations/marks/", bulk_pages.bulk, name="bulk"),
    path("conversations/export/", downloads.export, name="export"),
    path("conversations/<int:pk>/", reading.conversation, name="conversation"),
    path("conversations/<int:pk>/panel/", reading.panel, name="conversation_panel"),
    path("conversations/<int:pk>/next/", reading.neighbour, {"direction": "next"}, name="next_conversation"),
    path(
        "conversations/<int:pk>/previous/", reading.neighbour, {"direction": "previous"}, name="previous_conversation"
    ),
    path("conversations/<int:pk>/tags/", marking.add_tag, name="add_tag"),
    path("conversations/<int:pk>/tags/<int:tag_pk>/remove/", marking.remove_tag, name="remove_tag"),
    path("conversations/<int:pk>/review/", marking.review, name="review"),
    path("conversations/<int:pk>/notes/", marking.add_note, name="add_note"),
    path("conversations/<int:pk>/notes/<int:note_pk>/delete/", marking.delete_note, name="delete_note"),
    path("conversations/<int:pk>/flag-last/", marking.flag_last, name="flag_last"),
    path("conversations/<int:pk>/events/<int:event_pk>/flag/", marking.flag, name="flag"),
    path("conversations/<int:pk>/events/<int:event_pk>.json", reading.raw, name="event_json"),
    path("conversations/<int:pk>/events/<int:event_pk>/intent/", marking.correct, name="correct"),
    path("conversations/<int:pk>/events/<int:event_pk>/image/", inspecting.image, name="event_image"),
    path("conversations/<int:pk>/at/<int:event_pk>/", inspecting.at, name="at"),
    path("conversations/<int:pk>/at/<int:event_pk>/<str:kind>.yml", inspecting.story, name="story_at"),
    path("conversations/<int:pk>/place/", inspecting.place, name="place"),
    path("conversations/<int:pk>/assign/", marking.assign, name="assign"),
    path("conversations/<int:pk>/presence/", marking.presence, name="presence"),
    path("conversations/<int:pk>/forget/", marking.forget, name="forget"),
    # The last: a sender_id may be anything.
    path("conversations/<path:id>/<seconds:timestamp>/", inspecting.message, name="message"),
]
