from django.urls import path

from rasax.deployment.api import configuring, environments, model_server, models

MODELS = "projects/<str:project>/models"

urlpatterns = [
    path("environments", environments.Environments.as_view()),
    path("config", configuring.Configuration.as_view()),
    path("models/tags/<str:model_tag>", model_server.ModelServer.as_view()),
    path(f"{MODELS}/tags/<str:model_tag>", model_server.ProjectModelServer.as_view()),
    path(MODELS, models.Models.as_view()),
    path(f"{MODELS}/<str:model>", models.OneModel.as_view()),
    path(f"{MODELS}/<str:model>/tags/<str:model_tag>", models.TagOfModel.as_view()),
]
