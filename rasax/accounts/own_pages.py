"""What a person does about their own ways in: sessions, API tokens, the second factor."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any, cast

from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rasax.accounts import second_factor
from rasax.accounts.forms import SecondFactorForm, TokenForm
from rasax.accounts.models import ApiToken, Session, User

APP_KEY = "second_factor_key"  # in the session, until its first code shows that the app has it


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def own_sessions(request: HttpRequest) -> HttpResponse:
    mine = Session.objects.filter(user=_person(request)).alive()
    return render(request, "accounts/sessions.html", {"sessions": mine, "current": request.session.session_key})


@require_POST
def end_session(request: HttpRequest, session_pk: int) -> HttpResponse:
    session = get_object_or_404(Session, pk=session_pk, user=_person(request))
    Session.objects.all().end(_person(request), [session])
    messages.success(request, _("That browser is signed out."))
    return redirect("own_sessions")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    others = Session.objects.filter(user=_person(request)).exclude(key=request.session.session_key)
    ended = others.end(_person(request))
    told = ngettext("%(number)d other browser is signed out.", "%(number)d other browsers are signed out.", ended)
    messages.success(request, told % {"number": ended})
    return redirect("own_sessions")


@never_cache
def own_tokens(request: HttpRequest) -> HttpResponse:
    form, secret = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        until = timezone.now() + timedelta(days=days) if days else None
        _token, secret = ApiToken.objects.make(_person(request), form.cleaned_data["name"], until)
        form = TokenForm()
    tokens = ApiToken.objects.filter(user=_person(request))
    context = {"form": form, "secret": secret, "tokens": tokens, "now": timezone.now()}
    return render(request, "accounts/tokens.html", context)


@require_POST
def revoke_token(request: HttpRequest, token_pk: int) -> HttpResponse:
    get_object_or_404(ApiToken, pk=token_pk, user=_person(request)).revoke(_person(request))
    messages.success(request, _("The token is revoked; what used it is refused from now on."))
    return redirect("own_tokens")


@never_cache
def own_second_factor(request: HttpRequest) -> HttpResponse:
    """With a second factor: its recovery codes and its end. Without: how to set it up."""
    user = _person(request)
    if not user.has_usable_password():
        raise Http404
    if second_factor.second_factor_needed(user):
        context = {"form": SecondFactorForm(user), "left": len(second_factor.recovery_codes(user))}
        return render(request, "accounts/second_factor.html", context)
    return _setting_up(request, user)


def _setting_up(request: HttpRequest, user: User) -> HttpResponse:
    secret = request.session.setdefault(APP_KEY, generate_totp_secret())
    form = SecondFactorForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if second_factor.set_up(user, secret, form.cleaned_data["code"]):
            del request.session[APP_KEY]
            return _codes(request, user)
        form.add_error("code", _("This code is wrong. Look whether your phone's clock is right."))
    return render(request, "accounts/set_up_second_factor.html", {"form": form, **_picture(user, secret)})


def _picture(user: User, secret: str) -> dict[str, str]:
    adapter = second_factor.Adapter()
    svg = adapter.build_totp_svg(adapter.build_totp_url(user, secret))
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    return {"secret": spaced, "picture": f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"}


def _codes(request: HttpRequest, user: User) -> HttpResponse:
    return render(request, "accounts/recovery_codes.html", {"codes": second_factor.recovery_codes(user)})


@require_POST
@never_cache
def new_recovery_codes(request: HttpRequest) -> HttpResponse:
    return _confirmed(request, second_factor.new_recovery_codes) or _codes(request, _person(request))


@require_POST
def turn_off_second_factor(request: HttpRequest) -> HttpResponse:
    return _confirmed(request, lambda user: second_factor.turn_off(user, by=user)) or redirect("own_second_factor")


def _confirmed(request: HttpRequest, verb: Any) -> HttpResponse | None:
    """Does it after the password and a code; else the page that says what was wrong."""
    user = _person(request)
    form = SecondFactorForm(user, request.POST)
    if form.is_valid() and not second_factor.second_factor_ok(user, form.cleaned_data["code"]):
        form.add_error("code", _("This code is wrong, or was used already. Wait for the next one."))
    if form.errors:
        context = {"form": form, "left": len(second_factor.recovery_codes(user))}
        return render(request, "accounts/second_factor.html", context)
    verb(user)
    return None
