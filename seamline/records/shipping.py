"""What the shop and the customer are told once a parcel has left."""

from __future__ import annotations

from pydantic import Field

from seamline.records.base import Record
from seamline.records.order import FulfilmentLine
from seamline.records.reference import Reference
from seamline.records.stock import PARCELS_MAX


class Tracked(Record):
    """A parcel, as it can be followed."""

    tracking_number: str = Field(min_length=1, max_length=100)
    tracking_page: str = ""


class PartRequest(Record):
    """A fulfilment order, and the order that it is of."""

    reference: Reference
    fulfilment_order_id: str


class FulfilmentRequest(PartRequest):
    """Tell the shop which lines of a fulfilment order left, and under which tracking numbers."""

    lines: tuple[FulfilmentLine, ...] = Field(min_length=1)
    tracking_number: str = Field(min_length=1, max_length=100)
    tracking_page: str = ""
    carrier: str = ""
    others: tuple[Tracked, ...] = Field(default=(), max_length=PARCELS_MAX - 1)
    """The further parcels that it left in."""
    notify: bool = False
    """The shop tells the customer, so we do not."""

    @property
    def parcels(self) -> tuple[Tracked, ...]:
        """All parcels that it left in."""
        return (Tracked(tracking_number=self.tracking_number, tracking_page=self.tracking_page), *self.others)


class Fulfilment(Record):
    """A fulfilment the shop holds."""

    id: str
    tracking_number: str
    page: str = ""


class Fulfilled(Record):
    """Under which tracking numbers a fulfilment order was fulfilled already, and those of the labels that count."""

    numbers: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    by_others: bool = False
    """Others buy its labels, so theirs are those that count."""

    @property
    def is_ours(self) -> bool:
        """Whether somebody posted our own parcel."""
        return not set(self.numbers).isdisjoint(self.ours)


class TheirParcels(Record):
    """The parcels that others bought labels for."""

    parcels: tuple[Tracked, ...] = Field(min_length=1, max_length=PARCELS_MAX)


class MailLine(Record):
    """One line of goods in a mail to the customer."""

    title: str
    quantity: int


class ShippedMail(Record):
    """The mail that tells a customer that the parcel left. `locale` picks the language, English where unknown."""

    reference: Reference
    to: str = Field(max_length=254)
    name: str = ""
    number: str = Field(max_length=50)
    locale: str = "en"
    carrier: str = ""
    tracking_number: str
    tracking_page: str = ""
    others: tuple[Tracked, ...] = ()
    """The further parcels."""
    partial: bool = False
    """Whether other parts of the order are shipped apart."""
    lines: tuple[MailLine, ...] = ()

    @property
    def parcels(self) -> tuple[Tracked, ...]:
        """All parcels."""
        return (Tracked(tracking_number=self.tracking_number, tracking_page=self.tracking_page), *self.others)


class Message(Record):
    """A mail ready to be sent, in plain text and HTML. `message_id` is stable for one effect key.

    `reference` is None where it is about no single business object.
    """

    message_id: str
    reference: Reference | None = None
    key: str
    to: str
    subject: str
    text: str
    html: str


class Sent(Record):
    """A mail the server took. `perhaps_twice` says that an earlier answer was lost, so it can have left twice."""

    message_id: str
    perhaps_twice: bool = False
