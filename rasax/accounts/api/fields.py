"""Fields that take what the document says and nothing like it: no numbers in quotes, no texts of spaces alone."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

LARGEST = 2**53 - 1  # what every JSON reader keeps exactly
NOT_BLANK = RegexValidator(r"^[^\x00]*[^\s\x00][^\x00]*$", "It is empty.")
NO_NUL = RegexValidator(r"^[^\x00]*$", "It holds a NUL character.")
FIRST_TIME, LAST_TIME = 0.0, 253_402_300_799.0  # seconds since 1970, to the year 9999


class Strict(serializers.Serializer[Any]):
    """Refuses fields that it does not know."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(map(str, data.keys() - self.fields.keys()))):
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                {name: [f"There is no such field; known are {known}."] for name in unknown}
            )
        return super().to_internal_value(data)


class OnlyText(serializers.CharField):
    """A JSON string, and no number."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        return super().run_validation(data)


class Matching(OnlyText, serializers.RegexField):
    pass


class Text(OnlyText):
    """It says something; spaces around it do not count."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 255, **kwargs})
        self.validators.append(NO_NUL if self.allow_blank else NOT_BLANK)


class Whole(serializers.IntegerField):
    """15.0 is a whole number, too, as JSON Schema has it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_value": LARGEST, **kwargs})

    def to_internal_value(self, data: Any) -> int:
        is_whole = isinstance(data, int) or (isinstance(data, float) and data.is_integer())
        if isinstance(data, bool) or not is_whole:
            self.fail("invalid")
        return int(data)


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Number(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class Seconds(Number):
    """A moment, as Rasa stamps events: seconds since 1970."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=FIRST_TIME, max_value=LAST_TIME, **kwargs)


@extend_schema_field({"type": "string"})
class Names(serializers.Field[Any, Any, Any, Any]):
    """Several names, separated by commas; the parameter may also come several times. A name with a comma in quotes."""

    most = 20

    def to_internal_value(self, data: list[str]) -> tuple[str, ...]:
        parts = [quoted or bare for text in data for quoted, bare in re.findall(r'"([^"]*)"|([^,"]+)', text)]
        names = tuple(dict.fromkeys(name for part in parts if (name := part.strip())))
        if len(names) > self.most:
            raise serializers.ValidationError(f"Name at most {self.most}.")
        if any("\x00" in name for name in names):
            raise serializers.ValidationError("A name cannot hold a NUL character.")
        return names


def of_query(field: serializers.Field[Any, Any, Any, Any], texts: list[str]) -> Any:
    """What a parameter's text means as JSON, for fields that want more than text."""
    if isinstance(field, Names):
        return texts
    if len(texts) > 1:
        raise serializers.ValidationError("It is given more than once.")
    text = texts[0]
    if isinstance(field, Flag):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(field, Whole | Number) and re.fullmatch(
        r"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,4})?", text
    ):
        return json.loads(text) if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE].*)?", text) else float(text)
    return text
