from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from rasax.accounts.forms import Bootstrap
from rasax.deployment.models import RasaServer
from rasax.deployment.registry import NAME, TAG, name_of
from rasax.deployment.servers import TOKEN

if TYPE_CHECKING:
    ServerModelForm = forms.ModelForm[RasaServer]
else:
    ServerModelForm = forms.ModelForm


class ServerForm(Bootstrap, ServerModelForm):
    token = forms.CharField(
        label=_("Token"),
        max_length=500,
        required=False,
        strip=False,
        validators=[TOKEN],
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("What Rasa was started with as --auth-token. It is kept encrypted and never shown again."),
    )
    without_token = forms.BooleanField(label=_("It has no token any more"), required=False)

    class Meta:
        model = RasaServer
        fields = ["name", "url", "use", "tag"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address_before = self.instance.url
        self.fields["use"].widget.attrs["class"] = "form-select"
        self.fields["without_token"].widget.attrs["class"] = "form-check-input"
        if not self.instance.has_token:
            del self.fields["without_token"]
        else:
            self.fields["token"].help_text = _(
                "Empty, the one it has stays, unless the address changes. It is kept encrypted and never shown again."
            )

    def clean_url(self) -> str:
        return str(self.cleaned_data["url"]).rstrip("/")

    @property
    def token_given(self) -> str | None:
        """None where the one it has stays."""
        given = self.cleaned_data.get("token") or ""
        kept = self.instance.has_token and not self.cleaned_data.get("without_token")
        return None if kept and not given else given

    @property
    def said(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self.Meta.fields}

    def tried(self) -> RasaServer:
        """What was written, as a server that can be asked and is not kept."""
        server = RasaServer(**self.said)
        if self.token_given is not None:
            server.give_token(self.token_given)
        elif server.url == self.address_before:
            server.sealed_token = self.instance.sealed_token
        return server


class UploadForm(Bootstrap, forms.Form):
    archive = forms.FileField(
        label=_("Model archive"),
        widget=forms.FileInput(attrs={"accept": ".gz,.tar.gz,application/gzip"}),
        help_text=_("A .tar.gz that Rasa trained."),
    )
    name = forms.CharField(
        label=_("Name"), max_length=200, required=False, help_text=_("Empty: the name of the file, without .tar.gz")
    )

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if archive := said.get("archive"):
            said["name"] = name_of(said.get("name") or archive.name)
            try:
                NAME(said["name"])
            except forms.ValidationError as error:
                self.add_error("name", error)
        return said


class TagForm(Bootstrap, forms.Form):
    tag = forms.CharField(label=_("Tag"), max_length=100, validators=[TAG])
