from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "rasax.training"
    verbose_name = "Training data"

    def ready(self) -> None:
        from rasax.training import checks, importing_jobs  # noqa: F401
