from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm, PasswordChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from rasax.accounts import single_sign_on
from rasax.accounts.models import ApiToken, User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
    NewUserForm = BaseUserCreationForm[User]
    ApiTokenForm = forms.ModelForm[ApiToken]
    RolesField = forms.ModelMultipleChoiceField[Group]
else:
    UserForm, NewUserForm, ApiTokenForm = forms.ModelForm, BaseUserCreationForm, forms.ModelForm
    RolesField = forms.ModelMultipleChoiceField


class Bootstrap(forms.BaseForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "choices" if field.widget.use_fieldset else "form-control"


class Choices(forms.CheckboxSelectMultiple):
    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Django gives the boxes the class of what they stand in."""
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        option["attrs"]["class"] = "form-check-input"
        return option


class SignInForm(Bootstrap, AuthenticationForm):
    pass


class CodeForm(Bootstrap, forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}),
    )


class SecondFactorForm(CodeForm):
    """Takes the password again: whoever finds an open browser must not put its owner out."""

    password = forms.CharField(
        label=_("Your password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    field_order = ["password", "code"]

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)
        del self.fields["code"].widget.attrs["autofocus"]

    def clean_password(self) -> None:
        if not self.user.check_password(self.cleaned_data["password"]):
            raise ValidationError(_("That is not your password."))


class NewPasswordForm(Bootstrap, PasswordChangeForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("old_password") and cleaned["old_password"] == cleaned.get("new_password1"):
            self.add_error("new_password1", _("Choose another than the one you have."))
        return cleaned


class DetailsForm(Bootstrap, UserForm):
    class Meta:
        model = User
        fields = ["first_name", "last_name", "email"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if single_sign_on.offered():  # else they could wait for whoever really has an address
            self.fields["email"].disabled = True
            self.fields["email"].help_text = _("Single sign-on knows you by it, so an administrator changes it.")


def _roles() -> RolesField:
    return RolesField(Group.objects.order_by("name"), label=_("Roles"), required=False, widget=Choices)


class RolesForm(Bootstrap, forms.Form):
    roles = _roles()


class InviteForm(RolesForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        help_text=_("To tell invitations from each other; nothing is sent to it."),
    )
    field_order = ["email", "roles"]


class AddPersonForm(Bootstrap, UserForm):
    roles = _roles()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email"]

    def clean_username(self) -> str:
        return _free(self.cleaned_data["username"])


class AcceptForm(Bootstrap, NewUserForm):
    class Meta:
        model = User
        fields = ["username"]

    def clean_username(self) -> str:
        return _free(self.cleaned_data["username"])


def _free(username: str) -> str:
    """Nobody may pass for somebody else by a capital letter."""
    if User.objects.filter(username__iexact=username).exists():
        raise ValidationError(_("Somebody has this name already; choose another."))
    return username


class RoleForm(Bootstrap, forms.Form):
    name = forms.CharField(label=_("Name"), max_length=150)


class TokenForm(Bootstrap, ApiTokenForm):
    days = forms.IntegerField(
        label=_("Counts for how many days"), min_value=1, max_value=3650, required=False, help_text=_("Empty: for ever")
    )

    class Meta:
        model = ApiToken
        fields = ["name"]
        labels = {"name": _("Name")}
        help_texts = {"name": _("What it is for, such as the script that uses it")}
