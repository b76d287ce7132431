"""What a slot of the domain tells policies, by its type. Source: Rasa's documentation of slot types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OTHER = "__other__"
DEFAULTS: dict[str, Any] = {"text": "filled", "list": ["filled"]}  # where a story names only the slot


@dataclass(frozen=True)
class Slot:
    kind: str
    influences: bool
    values: tuple[str, ...] = ()
    least: float = 0.0
    most: float = 1.0
    initial: Any = None
    mappings: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, given: Any) -> Slot:
        """From its entry in a domain."""
        entry = given if isinstance(given, Mapping) else {}
        values = entry.get("values")
        mappings = entry.get("mappings")
        return cls(
            kind=str(entry.get("type") or "any").rpartition(".")[2],
            influences=entry.get("influence_conversation") is not False,
            values=tuple(str(value).lower() for value in values) if isinstance(values, list) else (),
            least=_number(entry.get("min_value"), 0.0),
            most=_number(entry.get("max_value"), 1.0),
            initial=entry.get("initial_value"),
            mappings=tuple(each for each in mappings if isinstance(each, Mapping))
            if isinstance(mappings, list)
            else (),
        )

    @property
    def default(self) -> Any:
        return DEFAULTS.get(self.kind)

    def features(self, value: Any) -> tuple[float, ...]:
        """Nothing but zeros where it tells nothing."""
        if not self.influences or value is None:
            return ()
        if self.kind == "bool":
            return (1.0, float(_truth(value)))
        if self.kind == "categorical":
            return self._category(str(value).lower())
        if self.kind == "float":
            return self._share(value)
        if self.kind == "list":
            return (1.0,) if value else ()
        return (1.0,) if self.kind == "text" else ()

    def _category(self, value: str) -> tuple[float, ...]:
        known = [*(each for each in self.values if each != OTHER), OTHER]
        return tuple(float(each == (value if value in known else OTHER)) for each in known)

    def _share(self, value: Any) -> tuple[float, ...]:
        try:
            capped = max(self.least, min(self.most, float(value)))
        except (TypeError, ValueError):
            return ()
        return (1.0, (capped - self.least) / (abs(self.most - self.least) or 1.0))

    def filled(self, said: Iterable[Mapping[str, Any]]) -> list[Any]:
        """The values that entities of a message give it."""
        mapped = [each for each in self.mappings if each.get("type") == "from_entity" and not each.get("conditions")]
        return [entity.get("value") for mapping in mapped for entity in said if _matches(mapping, entity)]


def _matches(mapping: Mapping[str, Any], entity: Mapping[str, Any]) -> bool:
    return all(mapping.get(key) == entity.get(key) for key in ("entity", "role", "group"))


def _number(given: Any, default: float) -> float:
    return float(given) if isinstance(given, int | float) else default


def _truth(value: Any) -> bool:
    return value.lower() in ("true", "1", "1.0") if isinstance(value, str) else bool(value)
