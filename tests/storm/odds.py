"""What a storm draws from, with weights: kinds of orders, what people do to them, and what fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.end_to_end.kinds import ABROAD, CAPTURED, IGNORED, SHIPPED, WAITED_FOR

SHOP, ERP, CARRIER, MAIL, CHAT = "shop-uk", "erp-main", "shippo-main", "mail-main", "chat-main"
CRM, BOOKS, MARKETING = "crm-main", "xero-main", "hub-main"
SHOP_ABROAD, NORTH_ERP, NORTH_CARRIER = "shop-de", "erp-north", "shippo-north"
SHOPS = (SHOP, SHOP_ABROAD)
SKUS = ("MUG-BLUE", "TEE-M", "BOOK-TIDE")
SCARCE_SKU = "LAST-ONE"
SECOND_LOCATION = "North warehouse"
"""What leaves from there has an ERP and a carrier account of its own, and its labels are bought once it is packed."""
PARCEL_GRAMS = 1000
"""What the packers put into one parcel."""
BAD_POSTCODE = "ZZ9 9ZZ"
LABEL_LIMIT = "12"
"""The price in GBP above which a label is approved; a heavy parcel's costs more, any other's less."""
HEAVY_GRAMS = 20_000


@dataclass(frozen=True)
class Kind:
    """A kind of order: its weight, how the shop is told to make it, and whether anything is to be done for it."""

    weight: int
    wanted: Mapping[str, Any] = field(default_factory=dict)
    ours: bool = True
    shop: str = SHOP


ONE_PIECE: Mapping[str, Any] = {"lines": [{}]}
"""What the amounts of the kinds in the tables of orders are made for."""
GERMAN: Mapping[str, Any] = {
    "city": "Hamburg",
    "province": None,
    "provinceCode": None,
    "zip": "20095",
    "country": "Germany",
    "countryCodeV2": "DE",
}
NORTH: Mapping[str, Any] = {"location": SECOND_LOCATION}
AUTHORISED: Mapping[str, Any] = {"financial_status": "AUTHORIZED"}
RISKY: Mapping[str, Any] = {"risk": "INVESTIGATE", "risk_facts": ["The card was refused twice."]}
KINDS: Mapping[str, Kind] = {
    **{name: Kind(1, {**ONE_PIECE, **wanted}) for name, wanted in SHIPPED.items()},
    **{name: Kind(1, {**ONE_PIECE, **AUTHORISED, **wanted}) for name, (wanted, _) in CAPTURED.items()},
    **{name: Kind(1, {**ONE_PIECE, **wanted}, ours=False) for name, (wanted, _) in IGNORED.items()},
    "two parts": Kind(5, {"lines": [{}, {"sku": SKUS[1], "location": SECOND_LOCATION}]}),
    **{name: Kind(2, {**ONE_PIECE, **wanted}) for name, (wanted, _) in WAITED_FOR.items()},
    "several parcels": Kind(5, {"lines": [{"quantity": 3}, {"sku": SKUS[2], "quantity": 2}]}),
    "labels at packing": Kind(
        6, {"lines": [{"quantity": 2, "location": SECOND_LOCATION}, {"sku": SKUS[2], "location": SECOND_LOCATION}]}
    ),
    "one line is short": Kind(5, {"lines": [{}, {"sku": SCARCE_SKU}]}),
    "abroad": Kind(3, {"address": ABROAD}),
    "abroad, not declarable": Kind(3, {"address": ABROAD, "lines": [{"hs_code": ""}, {"sku": SKUS[1], "origin": ""}]}),
    "plain": Kind(42),
    "of the second shop": Kind(
        8,
        {"currency": "EUR", "address": GERMAN, "lines": [{"quantity": 2, **NORTH}, {"sku": SKUS[1], **NORTH}]},
        shop=SHOP_ABROAD,
    ),
    "no email": Kind(5, {"email": None}),
    "bad postcode": Kind(6, {"address": {"zip": BAD_POSTCODE}}),
    "no address": Kind(3, {"address": None}),
    "unknown article": Kind(4, {"lines": [{"sku": "NO-SUCH-ARTICLE"}]}),
    "too little stock": Kind(4, {"lines": [{"sku": SCARCE_SKU}]}),
    "dear label": Kind(6, {"lines": [{"sku": SKUS[0], "weight_grams": HEAVY_GRAMS}]}),
    "authorised": Kind(14, AUTHORISED),
    "authorised for too short": Kind(3, {**AUTHORISED, "authorization_hours": 5}),
    "risky": Kind(5, RISKY),
    "risky, authorised": Kind(3, {**RISKY, **AUTHORISED}),
    "test order": Kind(3, {"test": True}, ours=False),
    "pickup": Kind(3, {"delivery": "PICK_UP"}, ours=False),
    "cancelled before": Kind(2, {"webhooks": False}, ours=False),
}


class Does(StrEnum):
    """What people do to an order or its process while it is under way."""

    CANCEL = "cancelled in Temporal"
    SHOP_CANCEL = "cancelled in the shop"
    EDIT = "edited in the shop"
    REFUND = "refunded in the shop"
    CAPTURE = "captured in the shop"
    LAPSE = "authorisation lapsed"
    PAY = "paid by the customer"
    FULFIL = "fulfilled by hand in the shop"
    UNSHIP = "shipment cancelled in the ERP"
    LOSE = "lost or sent back by the carrier"
    RETURN = "returned by the customer"
    HOLD = "held by another app"
    RELEASE = "released by the other app"
    REFUND_LABEL = "label refunded at the carrier"
    RESTOCK = "goods came in"
    TERMINATE = "terminated in Temporal"


MOMENTS: Mapping[str, int] = {"start": 1, "reserve": 3, "buy-label": 3, "ship": 3, "post-fulfilment": 1, "send-mail": 1}
"""When it is done: as soon as the order is made, or once the ledger has the effect. With weights."""
DEEDS: Mapping[Does | None, int] = {
    None: 68,
    Does.CANCEL: 12,
    Does.SHOP_CANCEL: 10,
    Does.EDIT: 7,
    Does.REFUND: 2,
    Does.FULFIL: 2,
    Does.UNSHIP: 3,
    Does.LOSE: 6,
    Does.RETURN: 10,
    Does.HOLD: 3,
    Does.REFUND_LABEL: 4,
    Does.TERMINATE: 3,
}
"""How often people do what. None: nothing."""
MONEY_DEEDS: Mapping[Does | None, int] = {None: 60, Does.CAPTURE: 25, Does.LAPSE: 15}
"""What may happen besides to the money of an order that is authorised; before its goods leave."""
MONEY_MOMENTS = ("start", "reserve", "buy-label")
WAREHOUSE_MOMENTS = ("reserve", "buy-label")
PARCEL_ENDS = ("FAILURE", "RETURNED")
STOP_SECONDS = (14.0, 18.0)
"""How long people stop all calls to a connection: longer than a call can be under way when they do."""

OUTAGE_SECONDS = (3.0, 8.0)
DELAY_SECONDS = (0.1, 5.0)
"""The attempt's limit in the storm is near the longest delay, so that some tries time out."""
FAULTS: Sequence[Mapping[str, Any]] = (
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
    {"kind": "timeout", "delay_seconds": DELAY_SECONDS},
    {"kind": "lost-reply"},
    {"kind": "lost-reply", "delay_seconds": DELAY_SECONDS},
    {"kind": "late-reply", "delay_seconds": DELAY_SECONDS},
    {"kind": "throttle", "delay_seconds": 1},
    {"kind": "refuse"},
    {"kind": "refuse", "connection": CARRIER, "operation": "refunds.confirm", "probability": (0.3, 0.9)},
    {"kind": "slow", "delay_seconds": DELAY_SECONDS},
    {"kind": "not-assigned", "connection": ERP, "operation": "*"},
    {"kind": "down", "operation": "*", "seconds": OUTAGE_SECONDS, "probability": 1},
)
"""A pair is a range to draw from; connection, operation and probability are drawn where they are not given."""
RATES: Mapping[str, tuple[float, float]] = {"refuse": (0.03, 0.1)}
RATE_OF_OTHERS = (0.1, 0.6)
OPERATIONS: Mapping[str, Sequence[str]] = {
    SHOP: (
        "*",
        "token",
        "order",
        "fulfillmentOrder",
        "fulfillmentOrderHold",
        "fulfillmentOrderReleaseHold",
        "orderCancel",
        "orderCapture",
        "refundCreate",
        "fulfillmentCreate",
        "fulfillmentOrderSplit",
        "return",
        "returnApproveRequest",
        "returnClose",
    ),
    ERP: (
        "*",
        "sale.sale.search",
        "party.party.create",
        "sale.sale.create",
        "sale.sale.get",
        "sale.sale.quote",
        "sale.sale.confirm",
        "stock.shipment.out.assign_try",
        "stock.shipment.out.cancel",
        "sale.sale.cancel",
        "stock.shipment.out.return.create",
        "stock.package.search",
    ),
    CARRIER: (
        "*",
        "addresses.create",
        "shipments.create",
        "customs.create",
        "transactions.list",
        "transactions.create",
        "transactions.get",
        "refunds.create",
        "tracks.get",
    ),
    SHOP_ABROAD: ("*", "order", "fulfillmentCreate", "refundCreate"),
    NORTH_ERP: ("*", "sale.sale.create", "sale.sale.get", "stock.shipment.out.cancel"),
    NORTH_CARRIER: ("*", "shipments.create", "customs.create", "transactions.create", "refunds.create"),
    MAIL: ("*", "send"),
    CHAT: ("*",),
    CRM: ("*", "token", "Opportunity.query", "composite"),
    BOOKS: (
        "*",
        "contacts.list",
        "contacts.create",
        "invoices.list",
        "invoices.get",
        "invoices.create",
        "invoices.update",
        "invoices.email",
        "credit-notes.create",
    ),
    MARKETING: ("*", "companies.read", "companies.update", "contacts.update", "mail.unsubscribe"),
}
