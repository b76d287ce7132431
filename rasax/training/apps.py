from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "rasax.training"
    verbose_name = "Training data"
