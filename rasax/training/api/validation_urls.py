from django.urls import path

from rasax.training.api import validation

PROJECT = "projects/<str:project>"

urlpatterns = [
    path(f"{PROJECT}/dataWarnings", validation.DataWarnings.as_view()),
    path(f"{PROJECT}/domainWarnings", validation.DomainWarnings.as_view()),
]
