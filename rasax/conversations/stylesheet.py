"""The colours of tags as a stylesheet: the content security policy allows no style attributes."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

RGB = tuple[float, float, float]

LIGHT, DARK = "#ffffff", "#211f1c"  # the surfaces in tokens.css that tags lie on
TINT = {LIGHT: 0.12, DARK: 0.24}
READABLE = 4.6  # WCAG AA asks for 4.5


def stylesheet(colors: Iterable[tuple[int, str]]) -> str:
    rules = []
    for pk, color in colors:
        light, dark = _pair(color, LIGHT), _pair(color, DARK)
        rules.append(f".tag-{pk}{{background:{light[0]};color:{light[1]}}}")
        rules.append(f"[data-bs-theme=dark] .tag-{pk}{{background:{dark[0]};color:{dark[1]}}}")
    return "\n".join(rules)


def version(colors: Iterable[tuple[int, str]]) -> str:
    return blake2b(repr(sorted(colors)).encode(), digest_size=6).hexdigest()


def contrast(one: str, other: str) -> float:
    """By WCAG 2.2, from 1 to 21."""
    low, high = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (high + 0.05) / (low + 0.05)


def _pair(color: str, surface: str) -> tuple[str, str]:
    """A tint of the colour to write on, and the colour moved away from it until it is readable there."""
    tint = _hex(_mix(_rgb(surface), _rgb(color), TINT[surface]))
    goal = (0.0, 0.0, 0.0) if surface == LIGHT else (255.0, 255.0, 255.0)
    steps = (_hex(_mix(_rgb(color), goal, step / 20)) for step in range(21))
    return tint, next(text for text in steps if contrast(text, tint) >= READABLE)


def _rgb(color: str) -> RGB:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _hex(rgb: RGB) -> str:
    return "#" + "".join(f"{round(part):02x}" for part in rgb)


def _mix(one: RGB, other: RGB, share: float) -> RGB:
    return (
        one[0] + (other[0] - one[0]) * share,
        one[1] + (other[1] - one[1]) * share,
        one[2] + (other[2] - one[2]) * share,
    )


def _luminance(rgb: RGB) -> float:
    red, green, blue = (part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
