from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.forms import ModelForm
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from events.admin import BrokerPositionAdmin, HeartbeatAdmin, RejectedMessageAdmin
from events.admin_lists import ReadOnly
from events.models import BrokerPosition, Heartbeat, RejectedMessage
from rasax.accounts import people
from rasax.accounts.models import ApiToken, AuditEntry, Invitation, Job, Session, SigningKey, User
from rasax.accounts.roles import ADMIN

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    DjangoUserAdmin = UserAdmin[User]
    GivenPasswordForm = AdminPasswordChangeForm[User]
    NewPersonForm = AdminUserCreationForm
else:
    ModelAdmin, DjangoUserAdmin = admin.ModelAdmin, UserAdmin
    GivenPasswordForm, NewPersonForm = AdminPasswordChangeForm, AdminUserCreationForm

admin.site.site_title = "rasax"
admin.site.site_header = _("rasax for operators")
admin.site.index_title = _("Everything that is kept")


class Audited(ModelAdmin):
    """What is done in the operators' pages is in the audit log, too."""

    def log_addition(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        _note(request, "added", [obj])
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: models.Model, message: Any) -> Any:
        _note(request, "changed", [obj], what=message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        _note(request, "deleted", queryset)
        return super().log_deletions(request, queryset)


def _note(request: HttpRequest, action: str, objects: Iterable[models.Model], **detail: Any) -> None:
    AuditEntry.objects.note(cast("User", request.user), action, objects, **detail)


class PasswordForSomebody(GivenPasswordForm):
    def save(self, commit: bool = True) -> User:
        self.user.must_change_password = True
        return super().save(commit)


class NewPerson(NewPersonForm):
    def save(self, commit: bool = True) -> User:
        self.instance.must_change_password = True
        return cast("User", super().save(commit))


@admin.register(User)
class PersonAdmin(Audited, DjangoUserAdmin):
    add_form = NewPerson
    change_password_form = PasswordForSomebody
    list_display = ["username", "full_name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = ["groups", "is_active", "is_staff"]
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2", "groups")}),)
    fieldsets = (
        (None, {"fields": ("username", "password", "must_change_password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
        (_("Roles"), {"fields": ("is_active", "groups", "is_staff", "is_superuser", "user_permissions")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("groups")

    def save_related(self, request: HttpRequest, form: ModelForm[Any], formsets: Any, change: bool) -> None:
        """An administrator works here, so the role opens the door; it closes by its own box (docs/roles.md)."""
        super().save_related(request, form, formsets, change)
        person = form.instance
        if not person.is_staff and person.groups.filter(name=ADMIN).exists():
            person.is_staff = True
            person.save(update_fields=["is_staff"])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The verb decides: sessions, API tokens and the like have no permission of their own to be deleted."""
        shown, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return shown, counts, set(), protected

    def log_deletions(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> Any:
        return DjangoUserAdmin.log_deletions(self, request, queryset)  # the verb writes into the audit log

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        people.delete(obj, cast("User", request.user))

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[User]) -> None:
        for person in queryset:
            self.delete_model(request, person)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return self._unless_refused(request, lambda: super(PersonAdmin, self).delete_view(request, object_id))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return self._unless_refused(request, lambda: super(PersonAdmin, self).changelist_view(request, extra_context))

    def _unless_refused(self, request: HttpRequest, view: Callable[[], Any]) -> Any:
        """All of it or nothing; what a verb refuses is told above the list."""
        try:
            with transaction.atomic():
                return view()
        except people.Refused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return redirect("admin:accounts_user_changelist")

    @admin.display(description=_("name"))
    def full_name(self, person: User) -> str:
        return person.get_full_name()

    @admin.display(description=_("roles"))
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all())


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ["at", "username", "action", "object_type", "object_name", "detail"]
    list_filter = ["at"]
    search_fields = ["username__exact", "action__exact", "object_id__exact"]
    search_help_text = _("A person's name, an action or an object's id, written exactly")
    fields = ["at", "username", "action", "object_type", "object_id", "object_name", "detail"]


class WithoutForms(ReadOnly):
    """Looked at here; made and ended on the pages of whom it belongs to."""

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(WithoutForms):
    list_display = ["name", "prefix", "user", "made_at", "expires_at", "last_used_at"]
    list_select_related = ["user"]
    fields = ["name", "prefix", "user", "made_at", "expires_at", "last_used_at"]


@admin.register(Invitation)
class InvitationAdmin(WithoutForms):
    list_display = ["email", "by", "made_at", "expires_at", "accepted_at", "accepted_by"]
    list_select_related = ["by", "accepted_by"]
    fields = ["email", "roles", "by", "made_at", "expires_at", "accepted_at", "accepted_by"]


@admin.register(Session)
class SessionAdmin(WithoutForms):
    list_display = ["user", "browser_name", "address", "made_at", "seen_at"]
    list_select_related = ["user"]
    fields = ["user", "browser", "address", "made_at", "seen_at"]


@admin.register(SigningKey)
class SigningKeyAdmin(WithoutForms):
    list_display = ["name", "made_at", "retired_at"]
    fields = ["name", "public", "made_at", "retired_at"]


@admin.register(Job)
class JobAdmin(WithoutForms):
    list_display = ["kind", "state", "by", "done", "total", "queued_at", "ended_at"]
    list_filter = ["state", "kind"]
    list_select_related = ["by"]
    fields = [
        "id",
        "kind",
        "state",
        "by",
        "done",
        "total",
        "message",
        "attempts",
        "queued_at",
        "started_at",
        "ended_at",
    ]


class RoleAdmin(Audited, GroupAdmin):
    pass


# `events` knows of no audit, for imports point one way; so what may be done to its rows is audited from here.
class AuditedRejectedMessageAdmin(Audited, RejectedMessageAdmin):
    def log_replay(self, request: HttpRequest, replayed: models.QuerySet[RejectedMessage]) -> None:
        _note(request, "replayed", replayed.defer("body"))
        super().log_replay(request, replayed)


class AuditedHeartbeatAdmin(Audited, HeartbeatAdmin):
    pass


class AuditedBrokerPositionAdmin(Audited, BrokerPositionAdmin):
    pass


for model, audited in (
    (Group, RoleAdmin),
    (RejectedMessage, AuditedRejectedMessageAdmin),
    (Heartbeat, AuditedHeartbeatAdmin),
    (BrokerPosition, AuditedBrokerPositionAdmin),
):
    admin.site.unregister(model)
    admin.site.register(model, audited)

# Secrets, and people's doings at other sites: nothing to look at, and nothing to change by hand.
admin.site.unregister([Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken])
