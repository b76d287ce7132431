"""The custom actions of the demo shop assistant. Answers follow from the order number: no other system is asked."""

import datetime
import re
from typing import Any

from rasa_sdk import Action, FormValidationAction, Tracker
from rasa_sdk.events import (
    ActionExecuted,
    ConversationPaused,
    EventType,
    ReminderCancelled,
    ReminderScheduled,
    SessionStarted,
    SlotSet,
)
from rasa_sdk.executor import CollectingDispatcher

Events = list[EventType]
ORDER = re.compile(r"N-\d{5}")
HUBS = ["Northgate", "Millbrook", "Eastport", "Westvale"]
STATES = ["packing", "transit", "transit", "delivered", "delayed"]
PRICES = {
    "mug": 9, "bowl": 12, "teapot": 34, "lamp": 49, "blanket": 39, "cushion": 19, "vase": 27, "kettle": 45,
    "chair": 119, "rug": 89, "clock": 42, "lampe": 49, "teekanne": 34, "tasse": 9, "decke": 39, "tetera": 34,
    "taza": 9, "manta": 39,
}  # fmt: skip
GOODS = list(PRICES)[:11]
GUESSES = {
    "en": {
        "track_order": "track an order",
        "return_item": "return an item",
        "book_delivery": "book a delivery",
        "ask_human": "talk to a human",
        "show_products": "see our products",
        "product_details": "know more about a product",
        "complain": "make a complaint",
        "find_store": "find a shop",
        "faq": "ask about delivery, returns or payment",
        "ask_invoice": "get an invoice",
    },
    "de": {
        "track_order": "eine Bestellung verfolgen",
        "return_item": "etwas zurückgeben",
        "book_delivery": "einen Liefertermin buchen",
        "ask_human": "mit einem Menschen sprechen",
        "show_products": "unsere Produkte ansehen",
        "faq": "eine Frage zu Versand, Rückgabe oder Bezahlung",
        "ask_invoice": "eine Rechnung bekommen",
    },
    "es": {
        "track_order": "seguir un pedido",
        "return_item": "devolver un artículo",
        "book_delivery": "reservar una entrega",
        "ask_human": "hablar con una persona",
        "show_products": "ver nuestros productos",
        "faq": "preguntar por envíos, devoluciones o pagos",
        "ask_invoice": "pedir una factura",
    },
    "ar": {
        "track_order": "تتبّع طلب",
        "return_item": "إرجاع منتج",
        "ask_human": "التحدث مع موظف",
        "faq": "سؤال عن الشحن أو الإرجاع أو الدفع",
    },
    "ja": {
        "track_order": "荷物の追跡",
        "return_item": "商品の返品",
        "ask_human": "担当者との会話",
        "faq": "配送・返品・支払いについての質問",
    },
}
LEFTOVERS = ["item", "reason", "refund_method", "day", "time_window", "neighbour"]


def forget(*slots: str) -> Events:
    return [SlotSet(slot, None) for slot in slots]


class SessionStart(Action):
    """Starts a session: keeps what is known of the customer and takes the language from the channel's metadata."""

    def name(self) -> str:
        return "action_session_start"

    def run(self, _dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        metadata = tracker.get_slot("session_started_metadata") or {}
        events: Events = [SessionStarted()]
        events += [SlotSet(slot, value) for slot in ("customer_name", "email") if (value := tracker.get_slot(slot))]
        spoken = [(event.get("metadata") or {}).get("locale") for event in tracker.events if event["event"] == "user"]
        language = (metadata.get("locale") or next(filter(None, reversed(spoken)), ""))[:2]
        if language:
            events.append(SlotSet("language", language))
        return [*events, ActionExecuted("action_listen")]


class AskAffirmation(Action):
    """The first stage of the two-stage fallback: the best guess, as a question."""

    def name(self) -> str:
        return "action_default_ask_affirmation"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        ranking = tracker.latest_message.get("intent_ranking", [])
        known = GUESSES[tracker.get_slot("language") or "en"]
        guess = next((entry["name"] for entry in ranking if entry["name"] in known), "track_order")
        buttons = [{"title": "👍", "payload": f"/{guess}"}, {"title": "👎", "payload": "/out_of_scope"}]
        dispatcher.utter_message(response="utter_did_you_mean", guess=known[guess], buttons=buttons)
        return []


class OrderValidation(FormValidationAction):
    """Order numbers are an N, a dash and five digits."""

    form = ""

    def name(self) -> str:
        return f"validate_{self.form}" if self.form else "validate_orders"

    def validate_order_number(
        self, value: Any, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]
    ) -> dict[str, Any]:
        number = str(value).upper()
        if ORDER.fullmatch(number):
            return {"order_number": number}
        dispatcher.utter_message(response="utter_invalid_order_number", order=value)
        return {"order_number": None}


class ValidateTrack(OrderValidation):
    form = "track_form"


class ValidateReturn(OrderValidation):
    form = "return_form"

    def validate_item(
        self, value: Any, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]
    ) -> dict[str, Any]:
        if len(str(value)) > 1 and not str(value).startswith("/"):
            return {"item": value}
        dispatcher.utter_message(response="utter_invalid_item")
        return {"item": None}


class ValidateDelivery(OrderValidation):
    form = "delivery_form"


class TrackOrder(Action):
    def name(self) -> str:
        return "action_track_order"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        order = str(tracker.get_slot("order_number") or "")
        if not ORDER.fullmatch(order):
            dispatcher.utter_message(response="utter_invalid_order_number", order=order or "?")
            return forget("order_number")
        seed = int(order[2:])
        state = STATES[seed % len(STATES)]
        dispatcher.utter_message(response=f"utter_status_{state}", order=order, hub=HUBS[seed % len(HUBS)])
        if state == "delayed":
            dispatcher.utter_message(json_message={"type": "timeline", "order": order, "steps": [
                {"label": "Packed", "done": True}, {"label": "Shipped", "done": True},
                {"label": "Out for delivery", "done": False}]})  # fmt: skip
        return forget("order_number")


class SubmitReturn(Action):
    def name(self) -> str:
        return "action_submit_return"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        reference = "R" + str(tracker.get_slot("order_number"))[1:]
        dispatcher.utter_message(response="utter_return_created", reference=reference)
        return [SlotSet("return_reference", reference), *forget("order_number", *LEFTOVERS)]


class SubmitDelivery(Action):
    def name(self) -> str:
        return "action_submit_delivery"

    def run(self, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(response="utter_delivery_booked")
        dispatcher.utter_message(json_message={"type": "calendar", "title": "Nimbrel delivery", "alarm_minutes": 60})
        return forget("order_number", *LEFTOVERS)


class Handover(Action):
    """A human takes over: the assistant is silent until the conversation is resumed."""

    def name(self) -> str:
        return "action_handover"

    def run(self, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(response="utter_handover")
        return [ConversationPaused()]


class ShowProducts(Action):
    def name(self) -> str:
        return "action_show_products"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        names = sorted(GOODS)
        first = len(tracker.events) % len(names)
        dispatcher.utter_message(response="utter_products_intro")
        dispatcher.utter_message(elements=[
            {
                "title": name.capitalize(),
                "subtitle": f"{PRICES[name]} €",
                "image_url": f"https://example.com/products/{name}.jpg",
                "buttons": [{"title": "Details", "payload": f'/product_details{{"product": "{name}"}}'}],
            }
            for name in [*names, *names][first : first + 3]
        ])  # fmt: skip
        return []


class ProductDetails(Action):
    def name(self) -> str:
        return "action_product_details"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        product = str(tracker.get_slot("product") or "mug").lower()
        price = PRICES.get(product, 25)
        dispatcher.utter_message(
            response="utter_product",
            product=product.capitalize(),
            price=price,
            image=f"https://example.com/products/{product if product.isascii() else 'other'}.jpg",
            buttons=[{"title": "🛒 +1", "payload": "/affirm"}, {"title": "✖", "payload": "/deny"}],
        )
        return []


class AddToBasket(Action):
    """Entities of one group belong together: 'two blue mugs and three green bowls'."""

    def name(self) -> str:
        return "action_add_to_basket"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        groups: dict[str, dict[str, Any]] = {}
        for entity in tracker.latest_message.get("entities", []):
            groups.setdefault(entity.get("group") or "1", {})[entity["entity"]] = entity["value"]
        lines = [line for _, line in sorted(groups.items()) if "product" in line]
        if not lines:
            dispatcher.utter_message(response="utter_ask_what_to_add")
            return []
        words = [" ".join(str(line[k]) for k in ("quantity", "colour", "product") if k in line) for line in lines]
        dispatcher.utter_message(response="utter_added", lines=", ".join(words))
        return [SlotSet("basket", (tracker.get_slot("basket") or []) + lines)]


class ChangeAddress(Action):
    def name(self) -> str:
        return "action_change_address"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        places = {"to": tracker.get_slot("new_city") or "…", "from": tracker.get_slot("old_city") or "…"}
        dispatcher.utter_message(response="utter_address_changed", **places)
        return []


class FindStore(Action):
    def name(self) -> str:
        return "action_find_store"

    def run(self, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(
            json_message={
                "type": "location", "name": "Nimbrel Home, Harbour Row 4", "latitude": 51.5, "longitude": -0.125,
                "distance_km": 1.2, "services": ["pick-up", "returns", None],
            }
        )  # fmt: skip
        dispatcher.utter_message(image="https://example.com/maps/harbour-row.png")
        dispatcher.utter_message(attachment="https://example.com/maps/harbour-row.pdf")
        return []


class SetReminder(Action):
    """One reminder that is soon due and one that a message of the user cancels."""

    def name(self) -> str:
        return "action_set_reminder"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        soon = "minute" in str(tracker.latest_message.get("text"))
        now = datetime.datetime.now()
        due = now + (datetime.timedelta(seconds=3) if soon else datetime.timedelta(hours=4))
        what = {"product": tracker.get_slot("product") or "parcel"}
        dispatcher.utter_message(response="utter_reminder_set", when="in a moment" if soon else "in four hours")
        return [
            ReminderScheduled(
                "EXTERNAL_reminder", trigger_date_time=due, entities=what, name="parcel", kill_on_user_message=not soon
            )
        ]


class ForgetReminder(Action):
    def name(self) -> str:
        return "action_forget_reminder"

    def run(self, dispatcher: CollectingDispatcher, _tracker: Tracker, _domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(response="utter_reminder_cancelled")
        return [ReminderCancelled(name="parcel")]


class ReminderDue(Action):
    def name(self) -> str:
        return "action_reminder_due"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, _domain: dict[str, Any]) -> Events:
        dispatcher.utter_message(response="utter_reminder_due", what=tracker.get_slot("product") or "parcel")
        return []
