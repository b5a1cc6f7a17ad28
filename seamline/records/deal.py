"""A deal, as the CRM has it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.customer import Customer
from seamline.records.money import Currency, Money
from seamline.records.reference import Reference, reference_of

LINES_MAX = 500
INSTALMENTS_MAX = 120


class DealStage(StrEnum):
    """How a deal stands."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class DealLine(Record):
    """What was sold. `total` is what the CRM says it comes to, before tax, its discount taken off."""

    id: str
    sku: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=4000)
    quantity: Decimal = Field(max_digits=18, decimal_places=4, allow_inf_nan=False)
    unit_price: Money
    discount_percent: Decimal = Field(default=Decimal(0), max_digits=9, decimal_places=4, allow_inf_nan=False)
    total: Money
    tax_category: str = Field(default="", max_length=40)
    """What the policy's tax rules go by; empty is the policy's default."""


class BillingContact(Record):
    """The person at the customer who gets the invoice."""

    id: str = ""
    first_name: str = Field(default="", max_length=100)
    last_name: str = Field(default="", max_length=100)
    email: str = Field(default="", max_length=254)
    mail_refused: bool = False
    """The CRM knows that the person wants no marketing mail."""


class Instalment(Record):
    """A part of the deal's amount, before tax, billed on a day of its own. Numbered from 1."""

    number: int = Field(ge=1, le=9999)
    bill_on: date
    amount: Money


class NoteStatus(StrEnum):
    """What the CRM is told of an invoice."""

    POSTED = "posted"
    PAID = "paid"
    DISPUTED = "disputed"
    """Set in the CRM by sales: the customer does not accept it. Reminders stop."""
    REVERSED = "reversed"


class InvoiceNote(Record):
    """What the CRM holds of an invoice. Kept when the invoice is reversed. `key` is the effect key that it carries."""

    id: str = ""
    key: str
    number: str
    """The invoice's number in accounting."""
    link: str = ""
    amount: Money
    status: NoteStatus


class Deal(Record):
    """A deal with everything needed to bill it. Amounts are before tax."""

    reference: Reference
    name: str = Field(default="", max_length=255)
    stage: DealStage
    changed_at: AwareDatetime
    test: bool = False
    entity: str = Field(default="", max_length=40)
    """The legal entity that sells, by the CRM's name for it; empty where there is one."""
    currency: Currency
    amount: Money
    close_date: date | None = None
    delivery_date: date | None = None
    customer: Customer | None = None
    contact: BillingContact | None = None
    lines: tuple[DealLine, ...] = Field(default=(), max_length=LINES_MAX)
    purchase_order: str = Field(default="", max_length=100)
    terms: str = Field(default="", max_length=40)
    """The terms agreed, by the policy's name for them; empty where the customer group's hold."""
    owner_id: str = ""
    instalments: tuple[Instalment, ...] = Field(default=(), max_length=INSTALMENTS_MAX)
    invoices: tuple[InvoiceNote, ...] = Field(default=(), max_length=1000)
    """What was written back of its invoices, those of its instalments and the reversed ones too."""
    page: str = ""

    def notes_of(self, reference: str) -> list[InvoiceNote]:
        """What was written back for the deal itself, or for one instalment."""
        return [one for one in self.invoices if reference_of(one.key) == reference]

    def not_ours(self, reference: str, *, production: bool) -> str:
        """Why nothing is to be billed for the reference; empty when something is."""
        standing = [one for one in self.notes_of(reference) if one.status is not NoteStatus.REVERSED]
        if self.stage is not DealStage.WON:
            return f"the deal is {self.stage}, not won"
        if self.test and production:
            return "a test deal in production"
        if standing:
            return f"already invoiced as {standing[0].number}"
        return "" if self.amount.amount else "the deal comes to nothing"

    def note(self, key: str) -> InvoiceNote | None:
        """What was written back under this effect key."""
        return next((one for one in self.invoices if one.key == key), None)

    def changes_since(self, earlier: Deal) -> list[Problem]:
        """What became of the deal since it was read, as far as its invoice is concerned."""
        names = ("amount", "currency", "customer", "contact", "lines", "purchase_order", "terms", "instalments")
        remedy = "cancel, and bill the deal anew, or accept that the invoice is as before"
        return [
            Problem(field=name, reason=f"was changed in the CRM meanwhile: {remedy}")
            for name in names
            if getattr(self, name) != getattr(earlier, name)
        ]


class DealRequest(Record):
    """Which deal; the one of the call's own reference where none is named."""

    reference: Reference | None = None


class WonRequest(Record):
    """Which deals to look for: those whose stage changed since, and instalments due by today."""

    since: AwareDatetime
    today: date


class WonDeal(Record):
    """A deal that is won, or an instalment of one that is due. `reopened`: it has an invoice and is won no longer."""

    reference: Reference
    changed_at: AwareDatetime
    """When its stage changed last, by the CRM's clock."""
    reopened: bool = False


class WonDeals(Record):
    """What was found, the oldest change first; where there was too much, the oldest of it."""

    deals: tuple[WonDeal, ...] = Field(default=(), max_length=2000)


class NoteRequest(Record):
    """Tell the CRM of an invoice."""

    number: str = Field(max_length=80)
    link: str = Field(default="", max_length=255)
    amount: Money
    status: NoteStatus = NoteStatus.POSTED


class NoteKey(Record):
    """What was written to a deal under this effect key, which names the deal."""

    note_key: str = Field(min_length=1, max_length=120)


class TaskRequest(Record):
    """Ask somebody in the CRM to do something."""

    owner_id: str = Field(default="", max_length=40)
    subject: str = Field(max_length=255)
    text: str = Field(default="", max_length=4000)


class Task(Record):
    """A task in the CRM."""

    id: str
    key: str
