"""Customs declarations of the simulated Shippo: made of their items, and named by a shipment."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

from starlette.requests import Request

from seamline.simulator.shippo_answers import Refused, text, without
from seamline.simulator.shippo_labels import marks, new_id, stamps
from seamline.simulator.shippo_rates import passes_customs
from seamline.simulator.world import Body, Call, World

_WORDS = {
    "contents_type": (
        "DOCUMENTS",
        "GIFT",
        "SAMPLE",
        "MERCHANDISE",
        "HUMANITARIAN_DONATION",
        "RETURN_MERCHANDISE",
        "OTHER",
    ),
    "non_delivery_option": ("ABANDON", "RETURN"),
}
_INCOTERMS = ("", "DDP", "DDU", "FCA", "DAP", "eDAP")
_ITEM = ("description", "net_weight", "mass_unit", "value_amount", "value_currency", "origin_country")
ITEMS_MAX = 100


class Declarations:
    """The declarations of all accounts."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create(self, call: Call, body: Body, _: Request) -> Body:
        """Store a declaration with its items. Refused names every field that is missing."""
        if call.refusal:
            raise Refused(400, {call.refusal.field or "detail": [call.refusal.reason]})
        for name, allowed in _WORDS.items():
            if text(body, name, required=True) not in allowed:
                raise Refused(400, {name: [f"Choose one of {', '.join(allowed)}."]})
        text(body, "certify_signer", required=True)
        if body.get("certify") is not True:
            raise Refused(400, {"certify": ["This field must be true."]})
        if text(body, "incoterm") not in _INCOTERMS:
            raise Refused(400, {"incoterm": ["Not a known incoterm."]})
        items = body.get("items")
        if not isinstance(items, list) or not 0 < len(items) <= ITEMS_MAX:
            raise Refused(400, {"items": ["This field is required."]})
        made_items = [self._item(call.connection, item) for item in items]
        object_id = new_id()
        made = without(body, "items") | stamps(call.connection, object_id)
        made |= {"object_state": "VALID", "items": [item["object_id"] for item in made_items]}
        with self.world.transaction():
            for item in made_items:
                self.world.put(call.connection, "customs-item", item["object_id"], item)
            self.world.put(call.connection, "customs-declaration", object_id, made)
        return made

    def of(self, connection: str, shipment: Body) -> Body | None:
        """The declaration that a shipment names; None where it names none."""
        object_id = text(shipment, "customs_declaration")
        found = self.world.get(connection, "customs-declaration", object_id) if object_id else None
        if object_id and found is None:
            raise Refused(400, {"customs_declaration": ["Customs declaration with supplied object_id not found."]})
        return found

    def passed(self, connection: str) -> Iterator[Body]:
        """Every label bought for a parcel that passes customs, and the goods declared; None without a declaration."""
        for label in self.world.find(connection, "transaction"):
            rate = self.world.get(connection, "rate", label["rate"]) or {}
            shipment = self.world.get(connection, "shipment", rate.get("shipment", "")) or {}
            addresses = [shipment.get(name, {}).get("country", "") for name in ("address_from", "address_to")]
            if label["tracking_number"] and passes_customs(addresses[0], addresses[1]):
                declared = shipment.get("customs_declaration")
                items = (
                    [self.world.get(connection, "customs-item", one) for one in declared["items"]] if declared else None
                )
                bought = {"connection": connection, "label_id": label["object_id"], "items": items}
                yield bought | {"reference": marks(label["metadata"])["reference"]}

    def _item(self, connection: str, item: object) -> Body:
        if not isinstance(item, dict):
            raise Refused(400, {"items": ["Each item must be an object."]})
        missing = {name: ["This field is required."] for name in _ITEM if not item.get(name)}
        if not isinstance(item.get("quantity"), int) or item["quantity"] <= 0:
            missing["quantity"] = ["Ensure this value is greater than 0."]
        for name in ("net_weight", "value_amount"):
            if name not in missing and not _positive(item[name]):
                missing[name] = ["Ensure this value is greater than 0."]
        if missing:
            raise Refused(400, {"items": [missing]})
        return item | stamps(connection, new_id()) | {"object_state": "VALID"}


def _positive(number: object) -> bool:
    try:
        return Decimal(str(number)) > 0
    except InvalidOperation:
        return False
