from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("rasax.api")),
    path("admin/", admin.site.urls),
]
