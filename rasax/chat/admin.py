from __future__ import annotations

from django.contrib import admin

from rasax.accounts.admin import WithoutForms
from rasax.chat.models import Chat, GuestLink, LearnedStory


@admin.register(Chat)
class ChatAdmin(WithoutForms):
    list_display = ["sender_id", "server", "person", "guest_link", "began_at", "mode"]
    list_filter = ["server", "mode"]
    fields = [
        "sender_id", "server", "person", "guest_link", "conversation", "continues", "mode", "began_at", "channel",
    ]  # fmt: skip


@admin.register(GuestLink)
class GuestLinkAdmin(WithoutForms):
    """Made and revoked on the page of guest links, which shows the address."""

    list_display = ["name", "server", "n_uses", "limit", "expires_at", "revoked_at", "by"]
    fields = ["name", "description", "server", "expires_at", "limit", "n_uses", "by", "made_at", "revoked_at"]


@admin.register(LearnedStory)
class LearnedStoryAdmin(WithoutForms):
    list_display = ["name", "kind", "conversation", "by", "made_at"]
    list_filter = ["kind"]
    fields = ["name", "kind", "yaml", "conversation", "by", "made_at"]
