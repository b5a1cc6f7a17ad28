"""Every kind of order, by the simulator's names, and what becomes of each. `docs/orders.md` tells the same."""

from __future__ import annotations

from typing import Any

from seamline.records.order_rules import Why

ABROAD = {
    "city": "San Francisco",
    "province": "California",
    "provinceCode": "CA",
    "zip": "94117",
    "country": "United States",
    "countryCodeV2": "US",
}
SHIPPED: dict[str, dict[str, Any]] = {
    "paid": {},
    "terms agreed with a business": {"financial_status": "PENDING", "terms": True},
    "partly refunded": {"financial_status": "PARTIALLY_REFUNDED"},
    "gift card pays a part": {"gift_card_payment": "10.00"},
    "gift card pays all": {"gift_card_payment": "19.45"},
    "a gift card among goods": {"lines": [{}, {"sku": "GIFT-CARD", "gift_card": True}]},
    "tips, duties, fees": {"tips": "2.50", "duties": "7.20", "fees": "0.28"},
    "duties included": {"duties": "7.20", "duties_included": True},
    "free of charge": {"lines": [{"discount": "14.50"}], "shipping": "0"},
    "discounts, taxes on top": {"lines": [{"discount": "1.45"}], "discounts": "2.00", "taxes_included": False},
    "given back without goods": {"adjustment": "-3.00"},
    "rounded in cash": {"rounding": "0.02"},
    "sold in another currency": {"presentment_currency": "EUR", "presentment_rate": "1.17"},
    "edited": {"lines": [{"quantity": 3, "current_quantity": 1}, {"sku": "TEE-M", "current_quantity": 0}]},
    "partly digital": {"lines": [{}, {"sku": "E-BOOK", "requires_shipping": False}]},
    "bundle": {
        "lines": [
            {"unit_price": "3.33", "quantity": 2, "bundle": "Breakfast"},
            {"sku": "TEE-M", "unit_price": "3.33", "bundle": "Breakfast"},
        ],
        "subtotal": "10.00",
        "total": "14.95",
    },
    "to another customs area": {"address": ABROAD},
    "no phone number": {"address": {"phone": None}},
    "no email address": {"email": None},
}
CAPTURED: dict[str, tuple[dict[str, Any], str]] = {
    "authorised": ({}, "19.45"),
    "authorised, a gift card paid a part": ({"gift_card_payment": "10.00"}, "9.45"),
    "authorised in another currency": ({"presentment_currency": "EUR", "presentment_rate": "1.17"}, "19.45"),
}
IGNORED: dict[str, tuple[dict[str, Any], Why]] = {
    "test": ({"test": True}, Why.TEST),
    "test and broken": ({"test": True, "total": "1.00", "address": None}, Why.TEST),
    "voided": ({"financial_status": "VOIDED"}, Why.VOIDED),
    "refunded": ({"financial_status": "REFUNDED"}, Why.REFUNDED),
    "pickup": ({"delivery": "PICK_UP"}, Why.PICKUP),
    "pickup point": ({"delivery": "PICKUP_POINT"}, Why.PICKUP),
    "local delivery": ({"delivery": "LOCAL"}, Why.LOCAL_DELIVERY),
    "point of sale": ({"delivery": "RETAIL", "fulfillment_order_status": "CLOSED"}, Why.POINT_OF_SALE),
    "digital": ({"lines": [{"sku": "E-BOOK", "requires_shipping": False}]}, Why.DIGITAL),
    "gift card": ({"lines": [{"sku": "GIFT-CARD", "gift_card": True}]}, Why.GIFT_CARD),
    "gift card that is posted": ({"lines": [{"gift_card": True, "requires_shipping": True}]}, Why.GIFT_CARD),
    "by others": ({"fulfillment_service": True}, Why.BY_OTHERS),
    "fulfilled": ({"fulfillment_order_status": "CLOSED"}, Why.NOTHING_LEFT),
}
WAITED_FOR: dict[str, tuple[dict[str, Any], str]] = {
    "held by another app": ({"fulfillment_order_status": "ON_HOLD"}, "released"),
    "pre-order": ({"fulfillment_order_status": "SCHEDULED"}, "released"),
    "not paid yet": ({"financial_status": "PENDING"}, "paid"),
    "partly paid": ({"financial_status": "PARTIALLY_PAID"}, "paid"),
}
"""Each with the step that it waits in, for nobody here."""
