from django.urls import path

from rasax.deployment.api import configuring, environments, model_server, models, training

PROJECT = "projects/<str:project>"
MODELS = f"{PROJECT}/models"

urlpatterns = [
    path("environments", environments.Environments.as_view()),
    path("config", configuring.Configuration.as_view()),
    path("models/tags/<str:model_tag>", model_server.ModelServer.as_view()),
    path(f"{MODELS}/tags/<str:model_tag>", model_server.ProjectModelServer.as_view(), name="model_server"),
    path(f"{MODELS}/jobs", training.TrainingJobs.as_view()),
    path(MODELS, models.Models.as_view()),
    path(f"{MODELS}/<str:model>", models.OneModel.as_view()),
    path(f"{MODELS}/<str:model>/tags/<str:model_tag>", models.TagOfModel.as_view()),
    path(f"{PROJECT}/trainingSources", training.Sources.as_view()),
    path("evaluations", training.Evaluations.as_view()),
    path("evaluations/<int:pk>", training.OneEvaluation.as_view()),
    path("evaluations/<int:pk>/comparison", training.Compare.as_view()),
]
