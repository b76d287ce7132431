"""The model server, which Rasa servers ask again and again for the model of their tag (`models` in endpoints.yml)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework.request import Request

from rasax.accounts.api.operations import operation
from rasax.deployment.api.models import ARCHIVE, known
from rasax.deployment.api.service import ForServices, ServiceQuery
from rasax.deployment.models import Model
from rasax.deployment.serving import file_of, is_known, unchanged

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="The ETag of the model that is loaded"
)
ETAG, FILE_NAME = (
    OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, description=text, response=[200])
    for name, text in (("ETag", "The model's SHA-256"), ("filename", "The model's name, with .tar.gz"))
)
SERVES: dict[str, Any] = {
    "needs": None, "query": ServiceQuery, "headers": (IF_NONE_MATCH, ETAG, FILE_NAME), "errors": (401, 403),
    "others": {304: OpenApiResponse(description="It is the same model as before")},
}  # fmt: skip


class ModelServer(ForServices):
    @operation(ARCHIVE, **SERVES)
    def get(self, request: Request, model_tag: str, query: dict[str, Any]) -> HttpResponseBase:
        """The model that has a tag."""
        return self.serve(request, model_tag)

    def serve(self, request: Request, tag: str) -> HttpResponseBase:
        self.admit(request, "accounts.view_models")
        model = get_object_or_404(Model, tags__name=tag)
        if is_known(model, request.headers.get("If-None-Match", "")):
            return unchanged(model)
        return file_of(model)


class ProjectModelServer(ModelServer):
    @operation(ARCHIVE, **SERVES)
    def get(self, request: Request, project: str, model_tag: str, query: dict[str, Any]) -> HttpResponseBase:
        """The model of a project that has a tag."""
        response = self.serve(request, model_tag)
        known(project)
        return response
