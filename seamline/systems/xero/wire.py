"""The shape of what Xero answers (accounting API 2.0). Only what is read here, under Xero's own names.

Source: https://developer.xero.com/documentation/api/accounting/overview
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

API_PATH = "/api.xro/2.0"
TOKEN_PATH = "/connect/token"  # noqa: S105 - an address, not a secret
CONNECTIONS_PATH = "/connections"
KEY_LENGTH_MAX = 128
REFERENCE_LENGTH_MAX = 255
PAGE_SIZE = 100
UNIT_DECIMALS = 4


def _empty_for_none(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_empty_for_none)]
"""Xero leaves out what is empty, or writes null or ""."""
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]


class Wire(BaseModel):
    """Base of all that comes back; unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Token(Wire):
    """A new access token. `refresh_token` follows the one that was used up."""

    access_token: str = Field(min_length=1)
    expires_in: float = Field(gt=0)
    refresh_token: Text = ""


class Tenant(Wire):
    """An organisation that the token opens."""

    tenantId: str = Field(min_length=1)


class ContactPointer(Wire):
    """A contact as documents name it."""

    ContactID: str = Field(min_length=1)


class Contact(Wire):
    """A contact."""

    ContactID: str = Field(min_length=1)
    ContactStatus: str = "ACTIVE"
    ContactNumber: Text = ""
    Name: Text = ""
    TaxNumber: Text = ""
    EmailAddress: Text = ""
    Website: Text = ""


class Contacts(Wire):
    """What /Contacts answers."""

    Contacts: tuple[Contact, ...] = ()


class LineItem(Wire):
    """A line. One of words only has no amount, account or tax."""

    Description: Text = ""
    Quantity: Amount | None = None
    UnitAmount: Amount | None = None
    LineAmount: Amount | None = None
    DiscountRate: Amount | None = None
    DiscountAmount: Amount | None = None
    TaxType: Text = ""
    TaxAmount: Amount | None = None
    AccountCode: Text = ""


class Invoice(Wire):
    """An invoice. Lists have it without its lines."""

    InvoiceID: str = Field(min_length=1)
    InvoiceNumber: Text = ""
    Reference: Text = ""
    Contact: ContactPointer
    Status: str
    Date: str
    DueDate: Text = ""
    ExpectedPaymentDate: Text = ""
    CurrencyCode: str
    CurrencyRate: Annotated[Decimal, Field(max_digits=18, decimal_places=8, allow_inf_nan=False)] | None = None
    LineAmountTypes: Text = "Exclusive"
    SubTotal: Amount = Decimal(0)
    TotalTax: Amount = Decimal(0)
    Total: Amount = Decimal(0)
    AmountDue: Amount = Decimal(0)
    AmountPaid: Amount = Decimal(0)
    AmountCredited: Amount = Decimal(0)
    SentToContact: bool | None = None
    LineItems: tuple[LineItem, ...] = ()


class Invoices(Wire):
    """What /Invoices answers."""

    Invoices: tuple[Invoice, ...] = ()


class OnlineInvoice(Wire):
    """Where the customer sees an invoice."""

    OnlineInvoiceUrl: Text = ""


class OnlineInvoices(Wire):
    """What /Invoices/{id}/OnlineInvoice answers."""

    OnlineInvoices: tuple[OnlineInvoice, ...] = ()


class InvoicePointer(Wire):
    """An invoice as an allocation names it."""

    InvoiceID: str = Field(min_length=1)


class Allocation(Wire):
    """What of a credit note was set against an invoice."""

    Invoice: InvoicePointer


class CreditNote(Wire):
    """A credit note."""

    CreditNoteID: str = Field(min_length=1)
    CreditNoteNumber: Text = ""
    Reference: Text = ""
    Contact: ContactPointer
    Status: str
    CurrencyCode: str
    Total: Amount = Decimal(0)
    RemainingCredit: Amount = Decimal(0)
    Allocations: tuple[Allocation, ...] = ()


class CreditNotes(Wire):
    """What /CreditNotes answers."""

    CreditNotes: tuple[CreditNote, ...] = ()


class Allocations(Wire):
    """What .../Allocations answers."""

    Allocations: tuple[Allocation, ...] = ()


class Organisation(Wire):
    """The organisation. A lock date that is not set is left out."""

    Name: Text = ""
    CountryCode: Text = ""
    BaseCurrency: str
    PeriodLockDate: Text = ""
    EndOfYearLockDate: Text = ""
    OrganisationStatus: Text = ""
    IsDemoCompany: bool | None = None


class Organisations(Wire):
    """What /Organisation answers."""

    Organisations: tuple[Organisation, ...] = Field(min_length=1)


class TaxRate(Wire):
    """A tax rate."""

    TaxType: str
    EffectiveRate: Amount | None = None
    Status: Text = "ACTIVE"
    CanApplyToRevenue: bool | None = None


class TaxRates(Wire):
    """What /TaxRates answers."""

    TaxRates: tuple[TaxRate, ...] = ()


class Currency(Wire):
    """A currency that the organisation uses."""

    Code: str


class Currencies(Wire):
    """What /Currencies answers."""

    Currencies: tuple[Currency, ...] = ()


class ValidationError(Wire):
    """One reason of a refusal."""

    Message: Text = ""


class Element(Wire):
    """What was refused."""

    ValidationErrors: tuple[ValidationError, ...] = ()


class ApiException(Wire):
    """The body of a 400."""

    Message: Text = ""
    Elements: tuple[Element, ...] = ()
