from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView
from django.views.i18n import set_language

from rasax.accounts.views import AdminLoginView

urlpatterns = [
    path("", include("rasax.annotation.urls")),
    path("", include("rasax.chat.urls")),
    path("", include("rasax.conversations.urls")),
    path("training/", include("rasax.deployment.training_pages")),
    path("data/warnings/", include("rasax.deployment.judging_pages")),
    path("data/", include("rasax.training.urls")),
    path("accounts/", include("rasax.accounts.urls")),
    path("jobs/", include("rasax.accounts.job_pages")),
    path("settings/", include("rasax.accounts.people_urls")),
    path("settings/", include("rasax.conversations.settings_urls")),
    path("settings/environments/", include("rasax.deployment.environment_pages")),
    path("models/", include("rasax.deployment.model_pages")),
    path("language", login_not_required(require_POST(set_language)), name="set_language"),
    path("api/", include("rasax.api")),
    # Our own page audits the change.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/login/", AdminLoginView.as_view()),
    path("admin/", admin.site.urls),
]
