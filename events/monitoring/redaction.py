"""What is taken out of log lines, whoever wrote them: secrets, paths with ids in them, and what people said."""

from __future__ import annotations

import logging
import re
import traceback

SECRETS = (
    (re.compile(r"([a-z][\w+]*://)[^\s/@'\"]*:[^\s@'\"]*@"), r"\1…@"),
    (re.compile(r"(?<=[\w/])\?[^\s\"'<>=&]{1,100}=[^\s\"'<>]*"), "?…"),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{6,}", re.IGNORECASE), r"\1 …"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+[.\w-]*"), "…"),
    (re.compile(r"(?i)(password|passwd|token|secret|api_?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&)]+"), r"\1\2…"),
)

# The words of such errors may quote the value that was wrong, which may be what somebody said.
QUOTING = (ValueError, LookupError)
QUOTING_NAMES = {"DataError", "IntegrityError", "ValidationError", "DoesNotExist"}
OURS_THAT_QUOTE_NOBODY = ("events.brokers.", "events.schema.", "rasax.deployment.errors.")


def without_secrets(text: str) -> str:
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


def without_paths(record: logging.LogRecord) -> str:
    """What Django says of a request, with its path's pattern: a path may hold somebody's id or an invitation."""
    said, request = record.getMessage(), getattr(record, "request", None)
    path = getattr(request, "path", "")
    if not path:
        return said
    match = getattr(request, "resolver_match", None)
    pattern = f"/{match.route}" if match else "(no such path)"
    return said.replace(path, pattern).replace(path.encode("unicode_escape").decode("ascii"), pattern)


def words_of(error: BaseException, quoting: bool = False) -> str:
    """Its type and the first line of what it says; a database's further lines show rows."""
    name, said = type(error).__name__, str(error).strip()
    if quoting:
        return f"{name}: {said}"
    if _may_quote(error):
        return f"{name} (its words may quote what somebody said, and are left out)"
    return f"{name}: {said.splitlines()[0]}" if said else name


def _may_quote(error: BaseException) -> bool:
    kind = type(error)
    if f"{kind.__module__}.".startswith(OURS_THAT_QUOTE_NOBODY):
        return False
    return isinstance(error, QUOTING) or kind.__name__ in QUOTING_NAMES


def trace_of(error: BaseException, quoting: bool = False) -> str:
    """The chain of causes, the first one first, as Python prints it."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return "\n".join(
        "".join(traceback.format_tb(each.__traceback__)) + words_of(each, quoting) for each in reversed(chain)
    )
