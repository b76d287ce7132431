"""Before the paths of conversations: two of them get more methods here."""

from __future__ import annotations

from django.urls import path

from rasax.chat.api import chats, dialogue
from rasax.conversations.api.urls import ONE

urlpatterns = [
    path("chat", chats.Chats.as_view()),
    path("chatToken", chats.ChatToken.as_view()),
    path("auth/jwt", chats.GuestAuth.as_view()),
    path(f"{ONE}/messages", dialogue.Messages.as_view()),
    path(f"{ONE}/events", dialogue.Events.as_view()),
    path(f"{ONE}/predict", dialogue.Predict.as_view()),
    path(f"{ONE}/execute", dialogue.Execute.as_view()),
]
