from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "rasax.conversations"
    verbose_name = "Conversations"
