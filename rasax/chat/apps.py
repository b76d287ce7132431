from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "rasax.chat"
    verbose_name = "Chat"
