from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from rasax.accounts.forms import Bootstrap
from rasax.training.git import places, ssh
from rasax.training.git.failures import GitFailed
from rasax.training.models import GitRepository

if TYPE_CHECKING:
    RepositoryModelForm = forms.ModelForm[GitRepository]
else:
    RepositoryModelForm = forms.ModelForm

# git-check-ref-format(1), and nothing that a shell or a page would take for something else.
BRANCH = RegexValidator(
    r"\A(?!.*(\.\.|//|@\{|\.lock(/|\Z)|/\.|\.(/|\Z)))[\w][\w./+#@-]*(?<![/.])\Z",
    _("This is no name of a branch; write one such as main or feature/greetings."),
)
FOLDER = RegexValidator(r"\A(?!/)(?!.*(^|/)\.\.?(/|\Z))[^\\\x00-\x1f]*\Z", _("Write a folder such as bots/support."))


class ConnectForm(Bootstrap, RepositoryModelForm):
    secret = forms.CharField(
        label=_("Private key or token"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "For ssh: a private key without passphrase; empty, rasax makes one and shows you its public half. "
            "For https: a token. It is kept encrypted and never shown again."
        ),
    )

    class Meta:
        model = GitRepository
        fields = ["url", "branch", "folder"]

    field_order = ["url", "branch", "folder", "secret"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["branch"].validators.append(BRANCH)
        self.fields["folder"].validators.append(FOLDER)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        url, secret = cleaned.get("url"), cleaned.get("secret", "").strip()
        if url and places.place_of(url).is_ssh:
            secret = secret or ssh.new_key()
            try:
                ssh.read_key(secret)
            except GitFailed as error:
                raise ValidationError({"secret": now(error.message)}) from error
        cleaned["secret"] = secret
        return cleaned


class PushForm(Bootstrap, forms.Form):
    message = forms.CharField(label=_("Message"), max_length=5_000, widget=forms.Textarea(attrs={"rows": 3}))
    branch = forms.CharField(
        label=_("Branch"),
        max_length=200,
        required=False,
        validators=[BRANCH],
        help_text=_("Empty: the branch that is connected. A new name makes a new branch."),
    )


class ScheduleForm(Bootstrap, forms.Form):
    minutes = forms.IntegerField(label=_("Pull every … minutes"), min_value=0, max_value=10_080)
