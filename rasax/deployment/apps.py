from django.apps import AppConfig


class DeploymentConfig(AppConfig):
    name = "rasax.deployment"
    verbose_name = "Rasa servers"

    def ready(self) -> None:
        # Their chores, checks and jobs are registered where web and worker see them.
        from rasax.deployment import checks, evaluating, judging, loading, polling, training  # noqa: F401
