"""What the business sets for one shop: from when its orders are ours, whose work is taken over, and who does what."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.records.base import Record

NUMBER = "{number}"
ID = "{id}"


class TakenOver(Record):
    """What others may have made for an object before us: they marked it in one of these ways, or by our reference.

    What matches is used as it is, if `adopt`; otherwise a person decides about it.
    """

    marks: tuple[str, ...] = ()
    adopt: bool = True
    left: bool = False
    """The goods have left already, so that a label there is none of cannot be bought any more."""


class TakeOver(Record):
    """Orders that another tool, or people, had begun: those created in this time are taken over as far as they are."""

    since: AwareDatetime = Field(description="The first moment: orders created from here on.")
    until: AwareDatetime = Field(description="The last: when the other tool was switched off.")
    marks: tuple[str, ...] = Field(
        default=(NUMBER,),
        min_length=1,
        max_length=5,
        description="How orders were named in the ERP and on labels: `{number}` is the order's number without `#`, "
        "`{id}` its id in the shop; a label may say more around it.",
    )

    def marks_of(self, number: str, identity: str) -> tuple[str, ...]:
        """How one order was named."""
        bare = number.removeprefix("#")
        return tuple(mark.replace(NUMBER, bare).replace(ID, identity) for mark in self.marks)


class Mailer(StrEnum):
    """Who tells the customer that a parcel is on its way: one, and never both."""

    US = "us"
    SHOP = "shop"


class Labels(StrEnum):
    """Who buys the labels: one, and never both."""

    OURS = "ours"
    OTHERS = "others"


class StockOwner(StrEnum):
    """Whose count of what is in stock leads."""

    ERP = "erp"
    SHOP = "shop"


class ShopRules(Record):
    """The rules for the orders of one shop."""

    stock: StockOwner = Field(
        default=StockOwner.ERP,
        description="Whose count of stock leads: the `erp`'s, which the shop is told where `stock.share` is set, or "
        "the `shop`'s, which is then never changed.",
    )

    labels: Labels = Field(
        default=Labels.OURS,
        description="Whether labels are `ours` to buy, or `others` buy them, in the shop or at the carrier: then the "
        "tracking number that the ERP or the shop is told is waited for and used.",
    )

    mails: Mailer = Field(
        default=Mailer.US,
        description="Who mails the customer that a parcel left: `us`, or the `shop` once it is told of the fulfilment.",
    )
    cut_over: AwareDatetime | None = Field(
        default=None,
        description="Orders created before it are ignored: whoever shipped them then finishes them.",
    )
    take_over: TakeOver | None = Field(
        default=None, description="Orders that others have begun and we finish: the table below."
    )

    @property
    def counts_itself(self) -> bool:
        """Whether the shop's own count of its stock leads."""
        return self.stock is StockOwner.SHOP

    def too_old(self, created: datetime) -> bool:
        """Whether an order created then is not ours yet."""
        return self.cut_over is not None and created < self.cut_over

    def takes_over(self, created: datetime) -> TakeOver | None:
        """The rule for orders begun by others, where an order created then is one."""
        rule = self.take_over
        return rule if rule and rule.since <= created <= rule.until else None
