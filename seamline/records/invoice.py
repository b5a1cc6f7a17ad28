"""An invoice to a customer, the credit against it, and what was paid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field, model_validator

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.moment import Seconds
from seamline.records.money import Currency, Money
from seamline.records.reference import Reference


class InvoiceLine(Record):
    """One line. `net` and `tax` are exact to the cent and are what counts; unit price and discount explain them."""

    description: str = Field(max_length=4000)
    sku: str = Field(default="", max_length=100)
    quantity: Decimal = Field(max_digits=18, decimal_places=4, allow_inf_nan=False)
    unit_price: Money
    discount_percent: Decimal = Field(default=Decimal(0), max_digits=9, decimal_places=4, allow_inf_nan=False)
    tax_code: str = Field(max_length=40)
    net: Money
    tax: Money


class InvoiceRequest(Record):
    """The invoice to draft. `customer_id` is accounting's."""

    reference: Reference
    customer_id: str = Field(min_length=1, max_length=100)
    currency: Currency
    issued: date
    due: date
    terms: str = Field(default="", max_length=40)
    purchase_order: str = Field(default="", max_length=100)
    lines: tuple[InvoiceLine, ...] = Field(min_length=1, max_length=500)
    net: Money
    tax: Money
    total: Money

    @model_validator(mode="after")
    def _check_sums(self) -> InvoiceRequest:
        nets = Money.total((one.net for one in self.lines), self.currency)
        taxes = Money.total((one.tax for one in self.lines), self.currency)
        for name, here, lines in (("net", self.net, nets), ("tax", self.tax, taxes)):
            if here != lines:
                raise ValueError(f"{name} is {here} and its lines come to {lines}: amend one of both")
        if self.total != self.net + self.tax:
            raise ValueError(f"total is {self.total}, and net and tax come to {self.net + self.tax}")
        if self.due < self.issued:
            raise ValueError("due must not be before issued")
        return self


class InvoicesOf(Record):
    """Which references' invoices to look for."""

    references: tuple[Reference, ...] = Field(max_length=200)


class InvoiceState(StrEnum):
    """How far an invoice is."""

    DRAFT = "draft"
    POSTED = "posted"
    PAID = "paid"
    VOIDED = "voided"
    DELETED = "deleted"


class Invoice(Record):
    """An invoice in accounting. `key` is the effect key that it carries, empty when somebody else made it."""

    id: str
    key: str
    number: str = ""
    """From the organisation's own sequence."""
    state: InvoiceState
    customer_id: str
    issued: date
    due: date
    net: Money
    tax: Money
    total: Money
    paid: Money
    credited: Money
    amount_due: Money
    sent: bool = False
    promised_for: date | None = None
    """The day on which the customer said that it will be paid, where accounting was told."""
    page: str = ""
    """Where staff see it."""
    link: str = ""
    """Where the customer sees it; empty until it is posted."""

    @property
    def taken_back(self) -> bool:
        """Whether nothing is owed for it any more, though nothing was paid."""
        credited = not self.paid.amount and bool(self.total.amount) and self.total <= self.credited
        return credited or self.state in (InvoiceState.VOIDED, InvoiceState.DELETED)

    def differs(self, wanted: InvoiceRequest) -> list[Problem]:
        """What accounting made otherwise than asked, to the cent; empty once it is posted and cannot change."""
        if self.state is not InvoiceState.DRAFT:
            return []
        there = {"net": self.net, "tax": self.tax, "total": self.total}
        return [
            Problem(field=name, reason=f"is {value} in accounting and {getattr(wanted, name)} by our rules")
            for name, value in there.items()
            if value != getattr(wanted, name)
        ]


class Invoices(Record):
    """The invoices that stand for a reference."""

    invoices: tuple[Invoice, ...] = Field(default=(), max_length=200)


class PostRequest(Record):
    """Post the draft under these dates, which finance may move out of a closed period."""

    invoice_id: str = Field(min_length=1, max_length=100)
    issued: date
    due: date


class SendRequest(Record):
    """Have accounting mail the invoice to the customer, to the address that it has for it."""

    invoice_id: str = Field(min_length=1, max_length=100)


class Sent(Record):
    """The invoice as mailed. Whether it bounced later is not seen."""

    id: str
    sent: bool = True


class Credit(Record):
    """A credit note. `key` is the effect key that it carries."""

    id: str
    key: str
    number: str = ""
    total: Money
    left: Money
    """What of it is not yet set against an invoice."""
    invoice_id: str = ""
    page: str = ""


class CreditRequest(Record):
    """Credit the invoice in full, under this date, and set the credit against it."""

    invoice_id: str = Field(min_length=1, max_length=100)
    issued: date
    reason: str = Field(default="", max_length=255)


class InvoiceById(Record):
    """An invoice by accounting's id."""

    invoice_id: str = Field(min_length=1, max_length=100)


class Besides(Record):
    """A customer of accounting; what it has for the call's own reference does not count."""

    customer_id: str = Field(min_length=1, max_length=100)


class InUse(Record):
    """Whether anything else names the customer."""

    used: bool


class WatchRequest(Record):
    """Look at the invoice until it is settled, or something else than this is open of it, or until the moment."""

    invoice_id: str = Field(min_length=1, max_length=100)
    amount_due: Money
    until: AwareDatetime
    pause_seconds_max: Seconds
    """Within so long before the moment it is left alone: the next look is then."""


class TaxCode(Record):
    """A tax code of the books and its percentage."""

    code: str
    percent: Decimal = Field(max_digits=9, decimal_places=4, allow_inf_nan=False)


class BooksRequest(Record):
    """Nothing is needed to ask for the books."""


class Books(Record):
    """What the books of a legal entity allow."""

    name: str = ""
    country: str = Field(default="", max_length=2)
    currency: Currency
    currencies: tuple[Currency, ...] = ()
    """Those that can be billed in."""
    locked_until: date | None = None
    """The last day of the closed periods."""
    tax_codes: tuple[TaxCode, ...] = ()

    def problems(self, currency: str, lines: Sequence[InvoiceLine]) -> list[Problem]:
        """Why these books could not take such an invoice."""
        known = {one.code for one in self.tax_codes}
        missing = sorted({one.tax_code for one in lines} - known)
        found = [
            Problem(field="tax_codes", reason=f"lack {code}: add it there, or correct policy.billing, then retry")
            for code in missing
        ]
        if currency not in (self.currency, *self.currencies):
            reason = f"lack {currency}: add it in accounting, then retry"
            found.append(Problem(field="currencies", reason=reason))
        return found
