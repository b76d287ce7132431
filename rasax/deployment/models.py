from __future__ import annotations

from rasax.deployment.evaluations import Confusion, Evaluation, EvaluationError, EvaluationFigure
from rasax.deployment.project_sources import UploadedProject
from rasax.deployment.registry import Model, ModelTag
from rasax.deployment.servers import RasaServer
from rasax.deployment.worker_tasks import WorkerTask

__all__ = [
    "Confusion",
    "Evaluation",
    "EvaluationError",
    "EvaluationFigure",
    "Model",
    "ModelTag",
    "RasaServer",
    "UploadedProject",
    "WorkerTask",
]
