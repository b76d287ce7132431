"""Whoever got their password from somebody else chooses their own before anything else opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from rasax.accounts.api.errors import failure

OPEN = {"password_change", "logout"}


class MustChangePasswordMiddleware:
    """Reads the person whom the login check has loaded, so it costs no query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *args: object) -> HttpResponse | None:
        of_api = request.path.startswith("/api/")
        if not of_api and not getattr(view, "login_required", True):
            return None
        if not getattr(request.user, "must_change_password", False):
            return None
        if of_api:
            return JsonResponse(failure(403, _("Choose a password of your own in the browser first.")), status=403)
        match = request.resolver_match
        return None if match and match.url_name in OPEN else redirect("password_change")
