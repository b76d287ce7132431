from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", include("rasax.conversations.urls")),
    path("accounts/", include("rasax.accounts.urls")),
    path("api/", include("rasax.api")),
    # Our own page audits the change.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
]
