from django.urls import path

from rasax.training.api import domain, examples, files, git, names, responses, stories, validation

PROJECT = "projects/<str:project>"
REPOSITORIES = f"{PROJECT}/git_repositories"

urlpatterns = [
    path("stories", stories.Stories.as_view()),
    path("stories/<int:pk>", stories.OneStory.as_view()),
    path("rules", stories.Rules.as_view()),
    path("rules/<int:pk>", stories.OneRule.as_view()),
    path("responses", responses.Responses.as_view()),
    path("templates", responses.Templates.as_view()),
    path("nlg", responses.Nlg.as_view()),
    path("domain", domain.WholeDomain.as_view()),
    path(f"{PROJECT}/settings", domain.ProjectSettings.as_view()),
    path(f"{PROJECT}/files", files.ProjectFiles.as_view()),
    path(f"{PROJECT}/data", examples.Examples.as_view()),
    path(f"{PROJECT}/data.yml", examples.NluFile.as_view()),
    path(f"{PROJECT}/data/<int:pk>", examples.OneExample.as_view()),
    path(f"{PROJECT}/training_examples", examples.TrainingExamples.as_view()),
    path(f"{PROJECT}/intents", names.Intents.as_view()),
    path(f"{PROJECT}/entities", names.Entities.as_view()),
    path(f"{PROJECT}/actions", names.Actions.as_view()),
    path(f"{PROJECT}/dataWarnings", validation.DataWarnings.as_view()),
    path(f"{PROJECT}/domainWarnings", validation.DomainWarnings.as_view()),
    path(REPOSITORIES, git.Repositories.as_view()),
    path(f"{REPOSITORIES}/<int:pk>", git.OneRepository.as_view()),
    path(f"{REPOSITORIES}/<int:pk>/status", git.Status.as_view()),
    path(f"{REPOSITORIES}/<int:pk>/pull", git.Pull.as_view()),
    path(f"{REPOSITORIES}/<int:pk>/push", git.Push.as_view()),
]
