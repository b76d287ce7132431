"""A page that is one form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rasax.accounts.people import Refused


def form_page(
    request: HttpRequest,
    form: BaseForm,
    template: str,
    verb: Callable[[dict[str, Any]], HttpResponse],
    *,
    refused_at: str | None = None,
    **context: Any,
) -> HttpResponse:
    """The form, until it is sent and right; then what the verb answers. What that refuses stands beside a field."""
    if form.is_bound and form.is_valid():
        try:
            return verb(form.cleaned_data)
        except Refused as refused:
            form.add_error(refused_at, str(refused))
    return render(request, template, {"form": form, **context})
