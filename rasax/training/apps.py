from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "rasax.training"
    verbose_name = "Training data"

    def ready(self) -> None:
        from rasax.accounts.audited import WORDS
        from rasax.training import (  # noqa: F401
            checks,
            contradictions,
            importing_jobs,
            renaming_jobs,
            sync_jobs,
            undoing_jobs,
        )
        from rasax.training.wording import VERBS

        WORDS.update(VERBS)
