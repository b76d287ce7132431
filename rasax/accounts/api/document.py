"""What the OpenAPI document says beyond what is read from the operations."""

from __future__ import annotations

from typing import Any


def refuse_unknown_fields(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Bodies are strict, and a client may know it; but for those that ask for `x-any-field`."""
    for name, shape in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and shape.get("type") == "object":
            shape["additionalProperties"] = shape.pop("x-any-field", False)
    return result


def an_empty_text_is_a_text(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """What may be empty is published as one of two kinds of text. An empty one would be both, which refuses it."""
    for shape in result.get("components", {}).get("schemas", {}).values():
        for name, field in shape.get("properties", {}).items():
            text, *empty = field.get("oneOf", [None])
            if empty == [{"type": "string", "maxLength": 0}]:
                shape["properties"][name] = {**text, **{key: field[key] for key in field.keys() - {"oneOf"}}}
    return result
