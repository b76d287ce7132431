"""Guest links: made, looked at, revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from rasax.chat.models import GuestLink
from rasax.conversations.reading import reader

if TYPE_CHECKING:
    LinkForm = forms.ModelForm[GuestLink]
else:
    LinkForm = forms.ModelForm

may_share = permission_required("accounts.change_chat", raise_exception=True)
MOST_SHOWN = 200


class GuestLinkForm(LinkForm):
    class Meta:
        model = GuestLink
        fields = ["name", "description", "server", "expires_at", "limit"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "expires_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            is_choice = isinstance(field.widget, forms.Select)
            field.widget.attrs["class"] = "form-select" if is_choice else "form-control"

    def clean_expires_at(self) -> Any:
        until = self.cleaned_data["expires_at"]
        if until and until <= timezone.now():
            raise ValidationError(_("This time has passed; choose a later one, or none."))
        return until


@may_share
@require_http_methods(["GET", "POST"])
def guest_links(request: HttpRequest) -> HttpResponse:
    form = GuestLinkForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        GuestLink.objects.share(reader(request), **form.cleaned_data)
        return redirect("guest_links")
    links = GuestLink.objects.select_related("server", "by")[:MOST_SHOWN]
    return render(request, "chat/guest_links.html", {"form": form, "links": [_shown(request, link) for link in links]})


def _shown(request: HttpRequest, link: GuestLink) -> tuple[GuestLink, str]:
    """With the address to hand out; empty where it lets nobody in any more."""
    secret = link.secret if link.is_open else ""
    return link, request.build_absolute_uri(reverse("guest", args=[secret])) if secret else ""


@may_share
@require_POST
def revoke(request: HttpRequest, link_pk: int) -> HttpResponse:
    get_object_or_404(GuestLink, pk=link_pk).revoke(reader(request))
    return redirect("guest_links")
