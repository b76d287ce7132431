"""Results of evaluations, kept to be read and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from rasax.accounts.models import AuditEntry
from rasax.deployment.figures import INTENT, Outcome

if TYPE_CHECKING:
    from rasax.accounts.models import User


class Method(models.TextChoices):
    CROSS_VALIDATION = "cross_validation", _("Cross-validation of the NLU data")
    NLU = "nlu", _("The loaded model on the NLU data")
    STORIES = "stories", _("The loaded model on the test stories")


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    @transaction.atomic
    def keep(self, outcome: Outcome, by: User | None, **fields: Any) -> Evaluation:
        told = {name: getattr(outcome, name) for name in ("accuracy", "precision", "f1", "n_tested", "right", "wrong")}
        evaluation = self.create(by=by, **told, n_errors=len(outcome.mistakes), **fields)
        EvaluationFigure.objects.bulk_create(
            [EvaluationFigure(evaluation=evaluation, **vars(figure)) for figure in outcome.figures]
        )
        EvaluationError.objects.bulk_create(
            [EvaluationError(evaluation=evaluation, **vars(mistake)) for mistake in outcome.mistakes]
        )
        pairs = sorted(outcome.confusions.items())
        Confusion.objects.bulk_create(
            [Confusion(evaluation=evaluation, expected=pair[0], predicted=pair[1], n=n) for pair, n in pairs]
        )
        return evaluation


class Evaluation(models.Model):
    method = models.CharField(max_length=32, choices=Method)
    folds = models.PositiveSmallIntegerField(null=True)
    source = models.CharField(max_length=64, blank=True, help_text="What the data came from")
    server = models.CharField(max_length=100, blank=True)
    rasa_version = models.CharField(max_length=32, blank=True)
    model_file = models.CharField(max_length=255, blank=True, help_text="That the server had loaded")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    accuracy = models.FloatField(null=True, help_text="Of stories: how many passed")
    precision = models.FloatField(null=True)
    f1 = models.FloatField(null=True)
    n_tested = models.PositiveIntegerField(default=0)
    n_errors = models.PositiveIntegerField(default=0)
    right = models.JSONField(default=list, help_text="How many right predictions had which confidence")
    wrong = models.JSONField(default=list, help_text="How many wrong predictions had which confidence")

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.get_method_display()} {self.pk}"

    @property
    def is_of_stories(self) -> bool:
        return self.method == Method.STORIES

    @transaction.atomic
    def remove(self, by: User | None) -> None:
        AuditEntry.objects.note(by, "deleted", [self])
        self.delete()


class EvaluationFigure(models.Model):
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="figures")
    kind = models.CharField(max_length=16, default=INTENT)
    label = models.CharField(max_length=255)
    extractor = models.CharField(max_length=255, blank=True)
    precision = models.FloatField()
    recall = models.FloatField()
    f1 = models.FloatField()
    support = models.PositiveIntegerField()

    class Meta:
        ordering = ["kind", "extractor", "label", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"


class EvaluationError(models.Model):
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="errors")
    kind = models.CharField(max_length=16, default=INTENT)
    text = models.TextField(help_text="What was said, or the story's name")
    expected = models.CharField(max_length=255)
    predicted = models.CharField(max_length=255, blank=True)
    confidence = models.FloatField(null=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.expected} ≠ {self.predicted}"


class Confusion(models.Model):
    evaluation = models.ForeignKey(Evaluation, on_delete=models.CASCADE, related_name="confusions")
    expected = models.CharField(max_length=255)
    predicted = models.CharField(max_length=255, blank=True)
    n = models.PositiveIntegerField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.expected} → {self.predicted}: {self.n}"
