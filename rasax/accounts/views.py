from __future__ import annotations

from typing import cast

from django.contrib.auth import views as auth_views
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from rasax.accounts.forms import NewPasswordForm, SignInForm
from rasax.accounts.models import AuditEntry, User

# The first that a person may see is where they begin.
FIRST_PAGES = [("events.view_conversation", "conversations")]

# What a permission means to the person who has it; the rest of the permissions are for the operators' pages.
ABILITIES = [
    ("events.view_conversation", _("Read and search conversations")),
    ("conversations.annotate_conversation", _("Tag, flag, review and annotate conversations")),
    ("conversations.add_tag", _("Make new tags")),
    ("events.view_heartbeat", _("See how the event service is doing")),
    ("accounts.change_user", _("Manage people and their roles")),
]


class LoginView(auth_views.LoginView):
    authentication_form = SignInForm
    next_page = "home"
    redirect_authenticated_user = True


class PasswordChangeView(auth_views.PasswordChangeView):
    form_class = NewPasswordForm
    success_url = reverse_lazy("password_change_done")

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        with transaction.atomic():
            response = super().form_valid(form)
            AuditEntry.objects.note(form.user, "changed the password", [form.user])
        return response


def home(request: HttpRequest) -> HttpResponse:
    """Sends a person to the first page which they may see, else to the one that says what their role allows."""
    for permission, page in FIRST_PAGES:
        if request.user.has_perm(permission):
            return redirect(page)
    return redirect("account")


def account(request: HttpRequest) -> HttpResponse:
    user = cast("User", request.user)
    context = {
        "roles": user.groups.order_by("name"),
        "abilities": [ability for permission, ability in ABILITIES if user.has_perm(permission)],
    }
    return render(request, "accounts/account.html", context)
