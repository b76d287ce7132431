"""Training and evaluation over the API."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.errors import Conflict
from rasax.accounts.api.fields import Flag, Strict, Text, Whole
from rasax.accounts.api.operating import JobState
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.api.paging import HEADERS, Paged, paged
from rasax.accounts.models import Job
from rasax.deployment import evaluating, projects, training
from rasax.deployment.comparing import Comparison
from rasax.deployment.evaluations import Confusion, Evaluation, EvaluationError, EvaluationFigure, Method
from rasax.deployment.worker_tasks import NO_WORKER, NoWorker, WorkerTask

VIEW, CHANGE = ("accounts.view_models",), ("accounts.change_models",)
PROJECT = "default"  # the one that there is; Rasa X named it so
MOST_ERRORS = 1000


class Asked(Strict):
    source = Text(required=False, max_length=64, help_text="Of GET …/trainingSources; the first of them if left out")  # type: ignore[assignment]


class Train(Asked):
    force = Flag(default=False, help_text="Train all anew, also what has not changed")


class Evaluate(Asked):
    method = serializers.ChoiceField(choices=Method.choices)
    folds = Whole(
        required=False, min_value=evaluating.FOLDS[0], max_value=evaluating.FOLDS[1], help_text="5 if left out"
    )


class SourceState(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField()


class Sources(Endpoint):
    @operation(SourceState(many=True), needs=VIEW)
    def get(self, request: Request, project: str) -> Response:
        """What models can be trained from."""
        _known(project)
        return Response([{"key": key, "name": str(name)} for key, name in projects.choices()])


class TrainingJobs(Endpoint):
    @operation(JobState(many=True), needs=VIEW, query=Paged, headers=HEADERS[:1])
    def get(self, request: Request, project: str, query: dict[str, Any]) -> Response:
        """Trainings, newest first."""
        _known(project)
        jobs = Job.objects.filter(kind=training.TRAIN).select_related("by").order_by("-queued_at")
        shown = jobs[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, JobState(shown, many=True).data, total=jobs.count())

    @operation(JobState, needs=CHANGE, body=Train, status=202, errors=(404, 409))
    def post(self, request: Request, project: str, body: dict[str, Any]) -> Response:
        """Start training at the worker server, or put it in line there."""
        _known(project)
        return _begun(request, training.TRAIN, {"source": _source(body), "force": body["force"]})


class EvaluationState(serializers.ModelSerializer[Evaluation]):
    by = serializers.CharField(source="by.username", allow_null=True, default=None)

    class Meta:
        model = Evaluation
        fields = [
            "id", "method", "folds", "source", "server", "rasa_version", "model_file", "by", "made_at", "accuracy",
            "precision", "f1", "n_tested", "n_errors",
        ]  # fmt: skip


class FigureState(serializers.ModelSerializer[EvaluationFigure]):
    class Meta:
        model = EvaluationFigure
        fields = ["kind", "label", "extractor", "precision", "recall", "f1", "support"]


class ErrorState(serializers.ModelSerializer[EvaluationError]):
    class Meta:
        model = EvaluationError
        fields = ["kind", "text", "expected", "predicted", "confidence"]


class ConfusionState(serializers.ModelSerializer[Confusion]):
    class Meta:
        model = Confusion
        fields = ["expected", "predicted", "n"]


class EvaluationDetail(EvaluationState):
    right = serializers.ListField(child=serializers.IntegerField(), help_text="Right predictions by confidence")
    wrong = serializers.ListField(child=serializers.IntegerField(), help_text="Wrong predictions by confidence")
    figures = FigureState(many=True)
    confusions = ConfusionState(many=True)
    errors = serializers.SerializerMethodField(method_name="first_errors")  # type: ignore[assignment]

    class Meta(EvaluationState.Meta):
        fields = [*EvaluationState.Meta.fields, "right", "wrong", "figures", "confusions", "errors"]

    @extend_schema_field(ErrorState(many=True))
    def first_errors(self, evaluation: Evaluation) -> Any:
        return ErrorState(evaluation.errors.all()[:MOST_ERRORS], many=True).data


class Evaluations(Endpoint):
    @operation(EvaluationState(many=True), needs=VIEW, query=Paged, headers=HEADERS[:1])
    def get(self, request: Request, query: dict[str, Any]) -> Response:
        """Results of evaluations, newest first."""
        rows = Evaluation.objects.select_related("by")
        shown = rows[query["offset"] : query["offset"] + query["limit"]]
        return paged(request, EvaluationState(shown, many=True).data, total=rows.count())

    @operation(JobState, needs=CHANGE, body=Evaluate, status=202, errors=(404, 409))
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Evaluate at the worker server, or put it in line there."""
        is_crossed = body["method"] == Method.CROSS_VALIDATION
        folds = body.get("folds", evaluating.USUAL_FOLDS) if is_crossed else None
        arguments = {"source": _source(body), "method": body["method"], "folds": folds}
        return _begun(request, evaluating.EVALUATE, arguments)


class OneEvaluation(Endpoint):
    @operation(EvaluationDetail, needs=VIEW)
    def get(self, request: Request, pk: int) -> Response:
        """One result, with its figures, its confusion matrix and its first 1,000 errors."""
        return Response(EvaluationDetail(_evaluation(pk)).data)

    @operation(None, needs=CHANGE, status=204)
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a result."""
        _evaluation(pk).remove(person(request))
        return Response(status=204)


class ComparedState(serializers.Serializer[Any]):
    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    extractor = serializers.CharField()
    before = serializers.FloatField(allow_null=True)
    after = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(choices=["better", "worse", "same", "new", "gone"])


class ComparisonState(serializers.Serializer[Any]):
    totals = ComparedState(many=True)
    labels = ComparedState(many=True, help_text="By F1, the largest losses first")
    new_errors = ErrorState(many=True)
    mended = ErrorState(many=True)


class AfterQuery(serializers.Serializer[Any]):
    before = serializers.IntegerField(min_value=1, max_value=2**53 - 1, help_text="The id of the earlier result")


class Compare(Endpoint):
    @operation(ComparisonState, needs=VIEW, query=AfterQuery)
    def get(self, request: Request, pk: int, query: dict[str, Any]) -> Response:
        """What got better and worse since an earlier result."""
        return Response(ComparisonState(Comparison(_evaluation(query["before"]), _evaluation(pk))).data)


def _evaluation(pk: int) -> Evaluation:
    return get_object_or_404(Evaluation.objects.select_related("by"), pk=pk)


def _known(project: str) -> None:
    if project != PROJECT:
        raise exceptions.NotFound(f"There is no such project; the one there is is called {PROJECT}.")


def _source(body: dict[str, Any]) -> str:
    keys = [key for key, _ in projects.choices()]
    if "source" in body and body["source"] not in keys:
        raise exceptions.NotFound("There is no such source; GET the project's trainingSources.")
    if not keys:
        raise Conflict("There is nothing to train from: upload a Rasa project first.")
    return str(body.get("source", keys[0]))


def _begun(request: Request, kind: str, arguments: dict[str, Any]) -> Response:
    try:
        task = WorkerTask.objects.ask(kind, person(request), **arguments)
    except NoWorker as error:
        raise Conflict(NO_WORKER) from error
    return Response(JobState(Job.objects.get(pk=task.pk)).data, status=202)
