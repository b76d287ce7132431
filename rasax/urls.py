from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("rasax.conversations.urls")),
    path("accounts/", include("rasax.accounts.urls")),
    path("api/", include("rasax.api")),
    path("admin/", admin.site.urls),
]
