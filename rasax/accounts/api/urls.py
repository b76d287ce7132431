from django.urls import path

from rasax.accounts.api import operating, people, roles, signing_in

urlpatterns = [
    path("auth", signing_in.Auth.as_view()),
    path("user", people.OwnAccount.as_view()),
    path("user/tokens", signing_in.Tokens.as_view()),
    path("user/tokens/<int:pk>", signing_in.OneToken.as_view()),
    path("users", people.Users.as_view()),
    path("users/<path:username>", people.OnePerson.as_view()),
    path("roles", roles.Roles.as_view()),
    path("roles/<path:role>", roles.OneRole.as_view()),
    path("audit", operating.Audit.as_view()),
    path("jobs", operating.Jobs.as_view()),
    path("jobs/<uuid:job>", operating.OneJob.as_view()),
    path("jobs/<uuid:job>/cancel", operating.CancelJob.as_view()),
    path("jobs/<uuid:job>/undo", operating.UndoJob.as_view()),
]
