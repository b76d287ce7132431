"""POST /api/auth, and the person who asks: their account and their API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.authentication import BearerAuthentication, issue
from rasax.accounts.api.fields import Strict, Text, Whole
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.accounts.models import ApiToken, User
from rasax.accounts.second_factor import second_factor_needed


class Credentials(Strict):
    username = Text(max_length=150)
    password = Text(max_length=1_000, trim_whitespace=False)


class AccessToken(serializers.Serializer[Any]):
    access_token = serializers.CharField(help_text="A JWT for the header Authorization, good for 8 hours")


class Auth(Endpoint):
    scope = "auth"
    authentication_classes = []

    def get_authenticate_header(self, request: Request) -> str:
        return BearerAuthentication().authenticate_header(request)

    @operation(AccessToken, needs=None, body=Credentials, errors=(401, 403))
    def post(self, request: Request, body: dict[str, str]) -> Response:
        """Sign in.

        Who signs in with a second factor, or by single sign-on, makes an API token instead.
        """
        user = _sign_in(request._request, body)
        if user.must_change_password:
            raise PermissionDenied("Sign in with a browser and change your password first.")
        if second_factor_needed(user):
            raise PermissionDenied("You sign in with a second factor; make an API token in the browser, and send that.")
        user_logged_in.send(User, request=request._request, user=user)
        return Response({"access_token": issue(user)})


def _sign_in(request: HttpRequest, credentials: dict[str, str]) -> User:
    user = authenticate(request, **credentials)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # else its middleware answers with a page
        raise Throttled(60, "Too many wrong passwords; try again later.")
    if not isinstance(user, User):
        raise AuthenticationFailed("Wrong name or password.")
    return user


class Token(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ["id", "name", "prefix", "made_at", "expires_at", "last_used_at"]
        read_only_fields = fields


class NewToken(Token):
    token = serializers.CharField(help_text="Shown only now")

    class Meta(Token.Meta):
        fields = [*Token.Meta.fields, "token"]
        read_only_fields = fields


class TokenToMake(Strict):
    name = Text(max_length=100)
    expires_in_days = Whole(
        min_value=1, max_value=3_650, required=False, allow_null=True, default=None, help_text="null: never"
    )


class Tokens(Endpoint):
    @operation(Token(many=True))
    def get(self, request: Request) -> Response:
        """Your API tokens."""
        return Response(Token(ApiToken.objects.filter(user=person(request)), many=True).data)

    @operation(NewToken, body=TokenToMake, status=201)
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Make an API token, which may do what you may.

        The answer is the only place that ever shows it.
        """
        days = body["expires_in_days"]
        until = timezone.now() + timedelta(days=days) if days else None
        token, secret = ApiToken.objects.make(person(request), body["name"], until)
        return Response({**Token(token).data, "token": secret}, status=201)


class OneToken(Endpoint):
    @operation(None, status=204)
    def delete(self, request: Request, pk: int) -> Response:
        """Revoke one of your API tokens."""
        get_object_or_404(ApiToken, pk=pk, user=person(request)).revoke(person(request))
        return Response(status=204)
