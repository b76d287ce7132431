from django.urls import path

from rasax.deployment.api import training

urlpatterns = [
    path("projects/<str:project>/models/jobs", training.TrainingJobs.as_view()),
    path("projects/<str:project>/trainingSources", training.Sources.as_view()),
    path("evaluations", training.Evaluations.as_view()),
    path("evaluations/<int:pk>", training.OneEvaluation.as_view()),
    path("evaluations/<int:pk>/comparison", training.Compare.as_view()),
]
