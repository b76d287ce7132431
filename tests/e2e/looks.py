"""How pages look: everybody can use them in every theme and at every size. `SCREENSHOTS=1` takes pictures, too, into
test-output/screenshots."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "axe.min.js").read_text()
PICTURES = Path(__file__).parent.parent.parent / "test-output" / "screenshots"
WANTED = bool(os.environ.get("SCREENSHOTS"))
SIZES = {"390": (390, 844), "1920": (1920, 1080), "1280": (1280, 720)}
OF_COLORS = ["color-contrast", "link-in-text-block"]  # what a theme can change
FINISH_ANIMATIONS = """document.getAnimations().forEach((each) =>
    each.finish?.call && each.effect.getComputedTiming().iterations !== Infinity && each.finish())"""


def picture(page: Page, name: str, whole: bool = False) -> None:
    if WANTED:
        page.screenshot(path=PICTURES / f"{name}.png", full_page=whole)


def axe(page: Page, *rules: str) -> list[str]:
    """What axe-core finds on the page as it is, a line each; evaluated by the driver, which no policy stops."""
    page.evaluate(FINISH_ANIMATIONS)
    page.evaluate(f"window.axe || (() => {{ {AXE} }})()")
    asked: dict[str, Any] = {"iframes": False} | ({"runOnly": list(rules)} if rules else {})  # it is in the page only
    found: Any = page.evaluate("async (asked) => (await axe.run(asked)).violations", asked)
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def look(
    page: Page, name: str, themes: Iterable[str] = ("dark", "light"), axe_at: Collection[str] = ("390", "1280")
) -> None:
    """Looks at the page in the last theme at every size, and at its colors in the others; it stays as it is last."""
    findings = []
    for theme in themes:
        light = theme == "light"
        for size in SIZES if light or WANTED else ["1280"]:
            show(page, theme, size)
            picture(page, f"{name}-{theme}-{size}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"scrolls sideways at {size}"
            if size in axe_at:
                findings += [f"{theme} {size} {each}" for each in axe(page, *([] if light else OF_COLORS))]
    assert findings == []


def show(page: Page, theme: str, size: str) -> None:
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.locator(f"button[data-theme={theme}]").evaluate("(button) => button.click()")
