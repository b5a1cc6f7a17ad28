"""Shopify's Admin GraphQL 2026-07: the shape of refunds and returns as they come back."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from seamline.systems.shopify.wire import Identified, Page, PresentmentBag, Transaction, UserError, Wire


class RefundLine(Wire):
    """Pieces of one line that were refunded."""

    quantity: int
    line_item: Identified


class Refund(Wire):
    """A refund; whether the money is back, its transactions say. We write our key into its note."""

    id: str
    note: str | None = None
    refund_line_items: Page[RefundLine] = Page[RefundLine]()
    transactions: Page[Transaction] = Page[Transaction]()


class Refunds(Wire):
    """An order of which only the refunds are read."""

    refunds: tuple[Refund, ...] = ()


class RefundCreate(Wire):
    """The answer to `refundCreate`."""

    refund: Refund | None = None
    user_errors: tuple[UserError, ...] = ()


class SuggestedRefund(Wire):
    """What Shopify itself would give back."""

    amount_set: PresentmentBag


class Worth(Wire):
    """An order of which only is read what some of its goods are worth."""

    suggested_refund: SuggestedRefund | None = None


class TrackingUpdate(Wire):
    """The answer to `fulfillmentTrackingInfoUpdate`."""

    fulfillment: Identified | None = None
    user_errors: tuple[UserError, ...] = ()


class NamedLine(Wire):
    """A line of the order, by name."""

    id: str
    sku: str | None = None
    title: str


class FulfilledLine(Wire):
    """A line of a fulfilment."""

    id: str = ""
    line_item: NamedLine


class ReturnLine(Wire):
    """What of a line comes back. `return_reason` is UNWANTED, DEFECTIVE ..."""

    quantity: int = 0
    return_reason: str = "UNKNOWN"
    return_reason_note: str = ""
    fulfillment_line_item: FulfilledLine | None = None
    """None of a line that was not verified as one of the order's."""


class Place(Wire):
    """A location of the shop."""

    name: str


class SentFrom(Wire):
    """A fulfilment of the order: where it left from, if that is told, and its lines."""

    location: Place | None = None
    fulfillment_line_items: Page[Identified]


class ReturnedOrder(Wire):
    """The order that a return is of, and what was sent of it."""

    id: str
    fulfillments: tuple[SentFrom, ...] = ()


class Return(Wire):
    """A return: REQUESTED, OPEN, CLOSED, DECLINED or CANCELED."""

    id: str
    name: str
    status: str
    created_at: datetime
    order: ReturnedOrder
    return_line_items: Page[ReturnLine]


class ReturnChanged(Wire):
    """The answer to a mutation of a return."""

    changed: Identified | None = Field(default=None, alias="return")
    user_errors: tuple[UserError, ...] = ()
