from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "rasax.conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        # Their jobs and chores are registered where web and worker see them.
        from rasax.conversations import changing, forgetting  # noqa: F401
        from rasax.conversations.exporting import downloads  # noqa: F401
