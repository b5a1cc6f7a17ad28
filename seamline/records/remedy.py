"""Remedies after the parcel has left: what goods are worth, money given back for them, and a parcel's new number."""

from __future__ import annotations

from pydantic import Field

from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.payment import TransactionState
from seamline.records.reference import Reference


class GoodsLine(Record):
    """Pieces of one line of an order."""

    order_line_id: str = Field(min_length=1, max_length=100)
    quantity: int = Field(gt=0, le=100_000)


class Goods(Record):
    """Some of an order's goods; with `shipping`, what their delivery cost counts too."""

    lines: tuple[GoodsLine, ...] = Field(min_length=1, max_length=500)
    shipping: bool = False


class GoodsWorth(Record):
    """What the customer paid for goods and has not got back, by the shop's own account."""

    amount: Money


class GoodsRefundRequest(Record):
    """Give this much back for these goods. `besides` is what people gave back by hand for anything else."""

    goods: Goods
    amount: Money
    besides: Money | None = None


class RefundPart(Record):
    """What of a refund comes from one capture or sale."""

    transaction_id: str
    amount: Money
    gateway: str = ""


class KnownRefund(Record):
    """A refund that the shop holds, whoever made it. `key` is its note where that is a key of ours."""

    id: str
    key: str = ""
    lines: tuple[GoodsLine, ...] = ()
    """None where money alone was given back."""
    amount: Money
    state: TransactionState


class GoodsRefund(Record):
    """Money given back for goods; the key is empty where others gave it back."""

    id: str
    key: str
    amount: Money
    state: TransactionState


class RetrackRequest(Record):
    """Tell the shop the number under which the goods of a lost parcel travel now."""

    reference: Reference
    fulfilment_order_id: str
    lost_number: str = Field(min_length=1, max_length=100)
    tracking_number: str = Field(min_length=1, max_length=100)
    tracking_page: str = ""
    carrier: str = ""
