"""What stands beside the list, and above it: the menus of values with their numbers, the views, what is filtered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from events.models import Facet
from rasax.accounts.models import User
from rasax.conversations.filters import CONFIDENCE, CORRECTED, NEWEST, OLDEST, Filters
from rasax.conversations.menus import Menus, most_frequent_values
from rasax.conversations.models import FLAGGED, Review, SavedView

MOST_VIEWS = 50
MOST_PEOPLE = 100
SHOWN = 8  # values of a menu before "more"
BAR_HEIGHT = 28

MENUS = {
    Facet.Kind.INTENT: gettext_lazy("Intent"),
    Facet.Kind.ACTION: gettext_lazy("Action"),
    Facet.Kind.ENTITY: gettext_lazy("Entity"),
    Facet.Kind.SLOT: gettext_lazy("Slot"),
    Facet.Kind.POLICY: gettext_lazy("Policy"),
    Facet.Kind.CHANNEL: gettext_lazy("Channel"),
    Facet.Kind.ENVIRONMENT: gettext_lazy("Environment"),
    Facet.Kind.MODEL: gettext_lazy("Model"),
    Facet.Kind.ASSISTANT: gettext_lazy("Assistant"),
}
NAMES: Mapping[str, str | Promise] = {
    "q": gettext_lazy("Says"),
    "sender": gettext_lazy("Sender"),
    "tag": gettext_lazy("Tag"),
    "status": gettext_lazy("Status"),
    "flagged": gettext_lazy("Flagged"),
    "annotation": gettext_lazy("Correction"),
    "assignee": gettext_lazy("Assigned to"),
    "slot_value": gettext_lazy("Slot"),
    "since": gettext_lazy("Since"),
    "until": gettext_lazy("Until"),
    "start": gettext_lazy("From the moment"),
    "stop": gettext_lazy("Up to the moment"),
    "hours": gettext_lazy("Hours of day"),
    "messages_min": gettext_lazy("User messages at least"),
    "messages_max": gettext_lazy("User messages at most"),
    "confidence": gettext_lazy("Confidence at most"),
    "confidence_min": gettext_lazy("Confidence at least"),
    "order": gettext_lazy("Order"),
} | {kind.value: label for kind, label in MENUS.items()}
ORDERS = {
    NEWEST: gettext_lazy("Newest first"),
    OLDEST: gettext_lazy("Oldest first"),
    CONFIDENCE: gettext_lazy("Least confident first"),
}
ANNOTATIONS = {CORRECTED: gettext_lazy("Has a corrected message"), "none": gettext_lazy("Nothing corrected")}
ALONE = {"flagged"}  # its name says it all


@dataclass
class Menu:
    name: str
    label: str | Promise
    options: list[Option]
    open: bool = False

    @property
    def shown(self) -> list[Option]:
        """What is chosen is always in sight."""
        return [option for number, option in enumerate(self.options) if number < SHOWN or option.checked]

    @property
    def more(self) -> list[Option]:
        return [option for number, option in enumerate(self.options) if number >= SHOWN and not option.checked]


@dataclass(frozen=True)
class Option:
    value: str
    label: str
    count: int | None
    checked: bool


@dataclass(frozen=True)
class Bar:
    hour: int
    x: int
    y: int
    height: int
    count: int


@dataclass
class Sidebar:
    filters: Filters
    menus: Menus
    user: User | AnonymousUser
    people: dict[str, str]
    given: dict[str, str] = field(init=False)  # what the single fields hold

    def __post_init__(self) -> None:
        self.given = dict(self.filters.pairs())

    def facets(self) -> list[Menu]:
        found = [self._facet(kind) for kind in MENUS]
        return [menu for menu in found if len(menu.options) > 1 or menu.open]

    def _facet(self, kind: Facet.Kind) -> Menu:
        chosen = self.filters.chosen(kind)
        options = [
            Option(choice.value, choice.value, choice.n_conversations, choice.value in chosen)
            for choice in self.menus.of(kind)
        ]
        return Menu(kind.value, MENUS[kind], options, bool(chosen))

    def slot_values(self) -> list[Menu]:
        """The most frequent values of the first slot that is chosen."""
        chosen = self.filters.chosen(Facet.Kind.SLOT_VALUE)
        slots = [*self.filters.chosen(Facet.Kind.SLOT), *(value.split("=")[0] for value in chosen)]
        return [self._values(slot, chosen) for slot in slots[:1]]

    def _values(self, slot: str, chosen: tuple[str, ...]) -> Menu:
        asked = self.menus.chosen(Facet.Kind.SLOT_VALUE, chosen)
        known = {choice.value: choice for choice in [*most_frequent_values(slot), *asked]}
        options = [
            Option(each.value, each.value.removeprefix(f"{slot}="), each.n_conversations, each.value in chosen)
            for each in known.values()
        ]
        return Menu("slot_value", slot, options, True)

    def statuses(self) -> list[Option]:
        counts = self._counts(Facet.Kind.REVIEW)
        chosen = self.given.get("status", "")
        labels = [("", _("All")), *Review.Status.choices]
        return [Option(value, str(label), counts.get(value), value == chosen) for value, label in labels]

    def assignees(self) -> Menu:
        counts = self._counts(Facet.Kind.ASSIGNEE)
        chosen = self.filters.chosen(Facet.Kind.ASSIGNEE)
        mine = str(self.user.pk)
        named = [(pk, name) for pk, name in self.people.items() if pk != mine and (counts.get(pk) or pk in chosen)]
        options = [
            Option("me", _("Me"), counts.get(mine, 0), "me" in chosen),
            Option("none", _("Nobody"), None, "none" in chosen),
            *(Option(pk, name, counts.get(pk), pk in chosen) for pk, name in named),
        ]
        return Menu("assignee", NAMES["assignee"], options, bool(chosen))

    def flagged(self) -> Option:
        return Option("1", _("Flagged"), self._counts(Facet.Kind.FLAG).get(FLAGGED, 0), "flagged" in self.given)

    def corrected(self) -> Option:
        count = self._counts(Facet.Kind.ANNOTATION).get(CORRECTED, 0)
        return Option(CORRECTED, _("Corrected"), count, self.given.get("annotation") == CORRECTED)

    def hours(self) -> list[Bar]:
        """How many conversations have a user's message in each hour of the day."""
        highest = max(self.menus.hours)
        return [_bar(hour, count, highest) for hour, count in enumerate(self.menus.hours)]

    def between(self) -> tuple[str, str]:
        start, _dash, stop = self.given.get("hours", "").partition("-")
        return start, stop

    def chips(self) -> Iterator[dict[str, str]]:
        for name, value in self.filters.pairs():
            if name == "order":
                continue
            yield {
                "name": str(NAMES.get(name, name)),
                "value": "" if name in ALONE else self._spoken(name, value),
                "without": self.filters.without(name, value),
            }

    def _spoken(self, name: str, value: str) -> str:
        known: dict[str, Mapping[str, str | Promise]] = {
            "status": dict(Review.Status.choices),
            "annotation": ANNOTATIONS,
            "assignee": {"me": _("me"), "none": _("nobody"), **self.people},
        }
        return str(known.get(name, {}).get(value, value))

    def _counts(self, kind: Facet.Kind) -> dict[str, int]:
        return {choice.value: choice.n_conversations for choice in self.menus.of(kind)}


def _bar(hour: int, count: int, highest: int) -> Bar:
    height = round(BAR_HEIGHT * count / highest) if count else 0
    height = max(height, 1)  # an hour with nothing is a line to see the day by
    return Bar(hour, hour * 8, BAR_HEIGHT - height, height, count)


def views_of(user: User | AnonymousUser, query: str) -> tuple[list[SavedView], SavedView | None]:
    """The views that a person sees, and the one that shows just these filters."""
    views = list(SavedView.objects.visible_to(user)[:MOST_VIEWS])
    return views, next((view for view in views if view.query == query), None)


def people() -> dict[str, str]:
    """Name by id, of whom conversations can be assigned to."""
    found = User.objects.filter(is_active=True).order_by("username").values_list("pk", "username")[:MOST_PEOPLE]
    return {str(pk): name for pk, name in found}
