from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from rasax.deployment import projects, unpacking
from rasax.deployment.evaluating import FOLDS, USUAL_FOLDS
from rasax.deployment.evaluations import Method


class FromProject(forms.Form):
    source = forms.ChoiceField(label=_("Training data"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - it is declared above
        field.choices = projects.choices()


class TrainForm(FromProject):
    force = forms.BooleanField(label=_("Train all anew, also what has not changed"), required=False)
    prefix = "train"


class EvaluateForm(FromProject):
    prefix = "evaluate"
    method = forms.ChoiceField(label=_("What is tested"), choices=Method.choices)
    folds = forms.IntegerField(
        label=_("Parts (cross-validation)"), min_value=FOLDS[0], max_value=FOLDS[1], initial=USUAL_FOLDS, required=False
    )

    def arguments(self) -> dict[str, Any]:
        data = self.cleaned_data
        is_crossed = data["method"] == Method.CROSS_VALIDATION
        return {**data, "folds": (data["folds"] or USUAL_FOLDS) if is_crossed else None}


class UploadForm(forms.Form):
    prefix = "upload"
    file = forms.FileField(label=_("A Rasa project as zip or tar.gz"), allow_empty_file=False, max_length=200)
    too_large: ClassVar = _("The project is larger than rasax takes: 32 MB packed, 16 MB of YAML, 20,000 files.")

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > unpacking.LARGEST_ARCHIVE:
            raise forms.ValidationError(self.too_large)
        return file
