"""Signing in, and where a person begins."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, user_login_failed
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.generic import FormView

from rasax.accounts import sessions, single_sign_on
from rasax.accounts.api.errors import failure
from rasax.accounts.forms import CodeForm, DetailsForm, NewPasswordForm, SignInForm
from rasax.accounts.models import AuditEntry, User
from rasax.accounts.second_factor import second_factor_needed, second_factor_ok
from rasax.accounts.signing import BACKEND

# The first that a person may see is where they begin.
FIRST_PAGES = [("events.view_conversation", "conversations")]

# What a permission means to the person who has it; the rest of the permissions are for the operators' pages.
ABILITIES = [
    ("events.view_conversation", _("Read and search conversations")),
    ("conversations.annotate_conversation", _("Tag, flag, review and annotate conversations")),
    ("conversations.add_tag", _("Make new tags")),
    ("conversations.export_conversation", _("Export conversations")),
    ("events.delete_conversation", _("Delete conversations for good")),
    ("events.view_heartbeat", _("See how the event service is doing")),
    ("accounts.change_user", _("Manage people and their roles")),
]
PENDING = "second_factor"  # in the session: who gave their password, and still owes a code
PENDING_SECONDS = 300


if TYPE_CHECKING:
    CodeView = FormView[CodeForm]
else:
    CodeView = FormView


class LoginView(auth_views.LoginView):
    authentication_form = SignInForm
    next_page = "home"
    redirect_authenticated_user = True

    def form_valid(self, form: SignInForm) -> HttpResponse:  # type: ignore[override]
        user = form.get_user()
        if not second_factor_needed(user):
            return super().form_valid(form)
        self.request.session[PENDING] = {
            "user": user.pk,
            "password": user.get_session_auth_hash(),
            "next": self.get_success_url(),
            "until": time.time() + PENDING_SECONDS,
        }
        return redirect("second_factor_ask")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        after = f"?{urlencode({'next': self.get_redirect_url()})}" if self.get_redirect_url() else ""
        offers = [(name, address + after) for name, address in single_sign_on.offered()]
        return super().get_context_data(offers=offers, sso_only=settings.SSO_ONLY, **kwargs)


@method_decorator(login_not_required, name="dispatch")
class AdminLoginView(LoginView):
    """The operators' door: the same one, though it also says so to whom their role does not open it."""

    next_page = "admin:index"
    redirect_authenticated_user = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "GET" and request.user.is_active and getattr(request.user, "is_staff", False):
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)


@method_decorator([login_not_required, never_cache], name="dispatch")
class SecondFactorView(CodeView):
    form_class = CodeForm
    template_name = "registration/second_factor.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.person = _pending(request)
        return super().dispatch(request, *args, **kwargs) if self.person else redirect("login")

    def form_valid(self, form: CodeForm) -> HttpResponse:
        person = cast("User", self.person)
        credentials = {User.USERNAME_FIELD: person.username}
        if not AxesProxyHandler.is_allowed(self.request, credentials):
            return locked_out(self.request)
        if not second_factor_ok(person, form.cleaned_data["code"]):
            user_login_failed.send(__name__, credentials=credentials, request=self.request)
            form.add_error("code", _("This code is wrong, or was used already. Wait for the next one."))
            return self.form_invalid(form)
        address = self.request.session.pop(PENDING)["next"]
        login(self.request, person, backend=BACKEND)
        return redirect(address)


def _pending(request: HttpRequest) -> User | None:
    owed = request.session.get(PENDING) or {}
    if owed.get("until", 0) < time.time():
        return None
    user = User.objects.filter(pk=owed["user"], is_active=True).first()
    return user if user and constant_time_compare(user.get_session_auth_hash(), owed["password"]) else None


def locked_out(request: HttpRequest, *args: object) -> HttpResponse:
    """Says the same whether there is such a person or not."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    if request.path.startswith("/api/"):
        why = gettext("Too many failed attempts to sign in; try again in a quarter of an hour.")
        answer: HttpResponse = JsonResponse(failure(429, why), status=429)
    else:
        answer = render(request, "registration/locked_out.html", {"minutes": seconds // 60}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer


class PasswordChangeView(auth_views.PasswordChangeView):
    form_class = NewPasswordForm
    success_url = reverse_lazy("password_change_done")

    @transaction.atomic
    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        form.user.must_change_password = False
        response = super().form_valid(form)
        sessions.keep_only_this(self.request, form.user)
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
    form = DetailsForm(request.POST or None, instance=User.objects.get(pk=user.pk) if request.POST else user)
    if request.POST and form.is_valid():
        _change_details(user, form)
        messages.success(request, gettext("Your details are saved."))
        return redirect("account")
    context = {
        "form": form,
        "roles": user.groups.order_by("name"),
        "abilities": [ability for permission, ability in ABILITIES if user.has_perm(permission)],
    }
    return render(request, "accounts/account.html", context)


@transaction.atomic
def _change_details(user: User, form: DetailsForm) -> None:
    User.objects.filter(pk=user.pk).update(**form.cleaned_data)
    AuditEntry.objects.note(user, "changed", [user], fields=sorted(form.changed_data))
