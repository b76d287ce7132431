"""What the OpenAPI document says beyond what is read from the operations."""

from __future__ import annotations

from typing import Any


def refuse_unknown_fields(result: dict[str, Any], **kwargs: object) -> dict[str, Any]:
    """Bodies are strict, and a client may know it."""
    for name, shape in result.get("components", {}).get("schemas", {}).items():
        if name.endswith("Request") and shape.get("type") == "object":
            shape["additionalProperties"] = False
    return result
