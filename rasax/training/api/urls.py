from django.urls import path

from rasax.training.api import examples, names

PROJECT = "projects/<str:project>"

urlpatterns = [
    path(f"{PROJECT}/data", examples.Examples.as_view()),
    path(f"{PROJECT}/data.yml", examples.NluFile.as_view()),
    path(f"{PROJECT}/data/<int:pk>", examples.OneExample.as_view()),
    path(f"{PROJECT}/training_examples", examples.TrainingExamples.as_view()),
    path(f"{PROJECT}/intents", names.Intents.as_view()),
    path(f"{PROJECT}/entities", names.Entities.as_view()),
    path(f"{PROJECT}/actions", names.Actions.as_view()),
]
