r"""Characters written as \u00e9, which Rasa reads so wherever they stand, in files that have none beyond ASCII.

Source: what Rasa 3.6 makes of such files; its documentation does not name it.
"""

from __future__ import annotations

import re

WRITTEN = re.compile(r"\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}")


def unescaped(text: str) -> str:
    """Of a text without other characters than ASCII; as it is where an escape stands for no character."""
    if not WRITTEN.search(text):
        return text
    try:
        return text.encode("ascii").decode("raw_unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeError:
        return text
