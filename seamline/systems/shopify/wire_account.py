"""What a Shopify store is set to: the shape of what comes back.

Source: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

from seamline.systems.shopify.wire import Page, Wire


class Place(Wire):
    """An active location. Those of fulfilment services belong to others."""

    name: str
    fulfills_online_orders: bool
    is_fulfillment_service: bool


class Paid(Wire):
    """How an order was paid: for a test by Shopify's Bogus Gateway, or by a provider in test mode."""

    test: bool
    payment_gateway_names: tuple[str, ...] = ()


class Setup(Wire):
    """Where goods leave from, and how the newest orders were paid."""

    locations: Page[Place]
    orders: Page[Paid]
