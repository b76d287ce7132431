from django.apps import AppConfig


class AnnotationConfig(AppConfig):
    name = "rasax.annotation"
    verbose_name = "Annotation"

    def ready(self) -> None:
        # Its chore is registered where web and worker see it.
        from rasax.annotation import gathering  # noqa: F401
