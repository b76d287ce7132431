"""Saved views: filters that somebody named, as they stand in the list's URL."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from rasax.accounts.api.fields import Flag, Strict, Text
from rasax.accounts.api.operations import Endpoint, operation, person
from rasax.conversations.api.listing import READ
from rasax.conversations.models import SavedView


class View(serializers.ModelSerializer[SavedView]):
    owner = serializers.CharField(source="owner.username")

    class Meta:
        model = SavedView
        fields = ["id", "name", "query", "owner", "shared", "made_at"]


class ViewToSave(Strict):
    name = Text(max_length=100)
    query = Text(max_length=4_000, allow_blank=True, help_text="Of the list's URL, such as intent=greet&flagged=1")
    shared = Flag(default=False)


class Views(Endpoint):
    @operation(View(many=True), needs=READ)
    def get(self, request: Request) -> Response:
        """Your saved views, and those that others share."""
        return Response(View(SavedView.objects.visible_to(person(request)), many=True).data)

    @operation(View, needs=READ, body=ViewToSave, status=201)
    def post(self, request: Request, body: dict[str, Any]) -> Response:
        """Save a view; one of yours that has this name shows these filters from now on."""
        view = SavedView.objects.save_as(body["name"], body["query"], person(request), shared=body["shared"])
        return Response(View(view).data, status=201)


class OneView(Endpoint):
    @operation(None, needs=READ, status=204)
    def delete(self, request: Request, pk: int) -> Response:
        """Delete a saved view of yours."""
        view = get_object_or_404(SavedView.objects.visible_to(person(request)), pk=pk)
        if not view.is_deletable_by(person(request)):
            raise Http404("It is somebody else's.")
        view.withdraw(person(request))
        return Response(status=204)
