from django.urls import path

from rasax.conversations import marking, reading, views

urlpatterns = [
    path("", views.home),
    path("tags.css", views.tag_colors, name="tag_colors"),
    path("conversations/", views.conversations, name="conversations"),
    path("conversations/marks/", marking.bulk, name="bulk"),
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
    path("conversations/<int:pk>/<str:timestamp>/", reading.message, name="message"),
]
