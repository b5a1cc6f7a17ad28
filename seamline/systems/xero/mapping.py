"""Xero's fields and ours, declared. Pure and total."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from seamline.conversions import (
    AS_IS,
    DATE,
    DOMAIN,
    MONEY_NUMBER,
    TEXT,
    UNSET,
    Conversion,
    always,
    by,
    codes,
)
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.records.customer import AccountingCustomer, Candidate, CustomerRequest, LinkRequest
from seamline.records.invoice import (
    Books,
    Credit,
    Invoice,
    InvoiceLine,
    InvoiceRequest,
    InvoiceState,
    PostRequest,
    TaxCode,
)
from seamline.records.money import Money
from seamline.records.reference import check_reference, reference_of
from seamline.systems.xero import wire

SYSTEM = "Xero"
_CENT = Decimal("0.01")
_UNIT = Decimal(1).scaleb(-wire.UNIT_DECIMALS)
_PERCENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_MS_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# ---- conversions ---------------------------------------------------------------------------------------------------


def _day(value: Any) -> date:
    found = _MS_DATE.fullmatch(value)
    if found is None:
        raise ValueError
    return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()


MS_DATE = Conversion("date, read as /Date(1793577600000+0000)/", _day, date.isoformat, wants="a date as Xero writes it")


def _due(due: Any, issued: Any) -> date:
    """the day, that of issue where there is none"""
    return _day(due or issued)


def _latest(period: Any, year: Any) -> date | None:
    """the later of the two"""
    return max((_day(one) for one in (period, year) if one), default=None)


def _key(reference: Any) -> str:
    """our effect key, else empty: somebody else wrote it"""
    return str(reference) if reference_of(str(reference)) else ""


def _domain(website: Any, email: Any) -> str:
    """host of the web page, else of the email address; empty where it is none"""
    host = website or str(email or "").rpartition("@")[2]
    try:
        return str(DOMAIN.read(host)) if host and DOMAIN.read else ""
    except ValueError:
        return ""  # what people typed there must not keep anybody from being found


def _invoice_page(app: str, identity: str) -> str:
    """where staff see it"""
    return f"{app}/AccountsReceivable/View.aspx?InvoiceID={identity}"


def _credit_page(app: str, identity: str) -> str:
    """where staff see it"""
    return f"{app}/AccountsReceivable/ViewCreditNote.aspx?creditNoteID={identity}"


def _contact_page(app: str, identity: str) -> str:
    """where staff see it"""
    return f"{app}/Contacts/View/{identity}"


def _amount(money: Money) -> float:
    """the amount; the currency is the invoice's"""
    return float(money.amount)


def _explained(quantity: Decimal, price: Money, discount: Decimal, net: Money) -> tuple[Any, Any, Any]:
    """as they are where they come to the net amount, else once the net amount: Xero refuses lines that do not add up"""
    fits = price.amount == price.amount.quantize(_UNIT) and discount == discount.quantize(_PERCENT)
    if fits and 0 <= discount < _HUNDRED and _line_amount(quantity, price.amount, discount) == net.amount:
        return float(quantity), float(price.amount), float(discount) if discount else UNSET
    return 1, float(net.amount), UNSET


def _line_amount(quantity: Decimal, price: Decimal, discount: Decimal) -> Decimal:
    gross = quantity * price
    off = (gross * discount / _HUNDRED).quantize(_CENT, ROUND_HALF_UP)
    return (gross - off).quantize(_CENT, ROUND_HALF_UP)


_STATES = codes(
    {
        "DRAFT": InvoiceState.DRAFT,
        "SUBMITTED": InvoiceState.DRAFT,
        "AUTHORISED": InvoiceState.POSTED,
        "PAID": InvoiceState.PAID,
        "VOIDED": InvoiceState.VOIDED,
        "DELETED": InvoiceState.DELETED,
    }
)
_ARCHIVED = codes({"ACTIVE": False, "ARCHIVED": True, "GDPRREQUEST": True})

# ---- customers -----------------------------------------------------------------------------------------------------

_CARRIED = "carries the account's reference"
_OWN = "Customer.reference"

CANDIDATE = FieldMapping(
    SYSTEM,
    Candidate,
    "Contact",
    (
        Field("ContactID", "id"),
        Field("ContactNumber", "number", TEXT, _CARRIED, fact=_OWN),
        Field("Name", "name", TEXT, fact="Customer.name"),
        Field("TaxNumber", "tax_id", TEXT, fact="Customer.tax_id"),
        Field(("Website", "EmailAddress"), "domain", by(read=_domain), fact="Customer.domain"),
        Field("EmailAddress", "email", TEXT, fact="Customer.email"),
        Field("ContactStatus", "archived", _ARCHIVED),
        Field(("$app", "ContactID"), "page", by(read=_contact_page)),
    ),
    way=Way.READ,
    wire=wire.Contact,
)
CUSTOMER = FieldMapping(
    SYSTEM,
    AccountingCustomer,
    "Contact",
    (
        Field("ContactID", "id"),
        Field("ContactNumber", "number", TEXT, _CARRIED, fact=_OWN),
        Field("Name", "name", TEXT, fact="Customer.name"),
        Field("ContactStatus", "archived", _ARCHIVED),
        Field(("$app", "ContactID"), "page", by(read=_contact_page)),
    ),
    way=Way.READ,
    wire=wire.Contact,
)
NEW_CUSTOMER = FieldMapping(
    SYSTEM,
    CustomerRequest,
    "Contact",
    (
        Field("ContactNumber", "customer.reference", rule=_CARRIED),
        Field("Name", "customer.name", rule="unique among active contacts"),
        Field("TaxNumber", "customer.tax_id"),
        Field("EmailAddress", "customer.email", rule="invoices are mailed to it"),
        Field("Addresses[AddressType=POBOX].AttentionTo", "customer.address.name"),
        Field("Addresses[AddressType=POBOX].AddressLine1", "customer.address.street1"),
        Field("Addresses[AddressType=POBOX].AddressLine2", "customer.address.street2"),
        Field("Addresses[AddressType=POBOX].City", "customer.address.city"),
        Field("Addresses[AddressType=POBOX].Region", "customer.address.region"),
        Field("Addresses[AddressType=POBOX].PostalCode", "customer.address.postcode"),
        Field("Addresses[AddressType=POBOX].Country", "customer.address.country"),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
LINK = FieldMapping(
    SYSTEM, LinkRequest, "Contact", (Field("ContactNumber", "number", rule=_CARRIED, fact=_OWN),), way=Way.WRITE
)

# ---- invoices ------------------------------------------------------------------------------------------------------

INVOICE = FieldMapping(
    SYSTEM,
    Invoice,
    "Invoice",
    (
        Field("InvoiceID", "id"),
        Field("Reference", "key", by(read=_key), fact="effect key"),
        Field("InvoiceNumber", "number", TEXT, "the organisation's own sequence", fact="Invoice.number"),
        Field("Status", "state", _STATES),
        Field("Contact.ContactID", "customer_id"),
        Field("Date", "issued", MS_DATE),
        Field(("DueDate", "Date"), "due", by(read=_due)),
        Field(("SubTotal", "CurrencyCode"), "net", MONEY_NUMBER),
        Field(("TotalTax", "CurrencyCode"), "tax", MONEY_NUMBER),
        Field(("Total", "CurrencyCode"), "total", MONEY_NUMBER),
        Field(("AmountPaid", "CurrencyCode"), "paid", MONEY_NUMBER),
        Field(("AmountCredited", "CurrencyCode"), "credited", MONEY_NUMBER),
        Field(("AmountDue", "CurrencyCode"), "amount_due", MONEY_NUMBER),
        Field("SentToContact", "sent", codes({True: True, False: False, None: False})),
        Field("ExpectedPaymentDate", "promised_for", MS_DATE),
        Field(("$app", "InvoiceID"), "page", by(read=_invoice_page)),
        Field("$link", "link", AS_IS, "OnlineInvoiceUrl of the posted invoice"),
    ),
    way=Way.READ,
    wire=wire.Invoice,
)
LINE = FieldMapping(
    SYSTEM,
    InvoiceLine,
    "LineItem",
    (
        Field("Description", "description"),
        Field(
            ("Quantity", "UnitAmount", "DiscountRate"),
            ("quantity", "unit_price", "discount_percent", "net"),
            by(write=_explained),
        ),
        Field("LineAmount", "net", by(write=_amount)),
        Field("TaxType", "tax_code"),
        Field("TaxAmount", "tax", by(write=_amount)),
        Field("AccountCode", "$sales_account", AS_IS, "the connection's setting `sales_account`"),
    ),
    way=Way.WRITE,
)
DRAFT = FieldMapping(
    SYSTEM,
    InvoiceRequest,
    "Invoice",
    (
        Field("Type", (), always("ACCREC")),
        Field("Status", (), always("DRAFT")),
        Field("LineAmountTypes", (), always("Exclusive")),
        Field("Reference", "$key", AS_IS, "kept for ever", fact="effect key"),
        Field("Contact.ContactID", "customer_id"),
        Field("Date", "issued", DATE),
        Field("DueDate", "due", DATE),
        Field("CurrencyCode", "currency"),
        Field("LineItems", "lines", each=LINE, rule="after a line `Purchase order: ...` where there is one"),
    ),
    way=Way.WRITE,
)
POST = FieldMapping(
    SYSTEM,
    PostRequest,
    "Invoice",
    (
        Field("Status", (), always("AUTHORISED")),
        Field("Date", "issued", DATE),
        Field("DueDate", "due", DATE),
    ),
    way=Way.WRITE,
)
CREDIT = FieldMapping(
    SYSTEM,
    Credit,
    "CreditNote",
    (
        Field("CreditNoteID", "id"),
        Field("Reference", "key", by(read=_key), fact="effect key"),
        Field("CreditNoteNumber", "number", TEXT),
        Field(("Total", "CurrencyCode"), "total", MONEY_NUMBER),
        Field(("RemainingCredit", "CurrencyCode"), "left", MONEY_NUMBER),
        Field("$invoice_id", "invoice_id", AS_IS, "InvoiceID of its first allocation"),
        Field(("$app", "CreditNoteID"), "page", by(read=_credit_page)),
    ),
    way=Way.READ,
    wire=wire.CreditNote,
)

# ---- the books -----------------------------------------------------------------------------------------------------

BOOKS = FieldMapping(
    SYSTEM,
    Books,
    "Organisation",
    (
        Field("Name", "name", TEXT),
        Field("CountryCode", "country", TEXT),
        Field("BaseCurrency", "currency"),
        Field(("PeriodLockDate", "EndOfYearLockDate"), "locked_until", by(read=_latest)),
        Field("$currencies", "currencies", AS_IS, "Code of each of /Currencies"),
        Field("$tax_codes", "tax_codes", AS_IS, "each of /TaxRates that is active and applies to revenue"),
    ),
    way=Way.READ,
    wire=wire.Organisation,
)
TAX_CODE = FieldMapping(
    SYSTEM,
    TaxCode,
    "TaxRate",
    (Field("TaxType", "code"), Field("EffectiveRate", "percent")),
    way=Way.READ,
    wire=wire.TaxRate,
)

MAPPINGS: tuple[FieldMapping[Any], ...] = (
    CANDIDATE,
    CUSTOMER,
    NEW_CUSTOMER,
    LINK,
    INVOICE,
    DRAFT,
    LINE,
    POST,
    CREDIT,
    BOOKS,
    TAX_CODE,
)


def draft_out(key: str, request: InvoiceRequest, sales_account: str) -> dict[str, Any]:
    """The draft as Xero is sent it."""
    body = DRAFT.write(request, key=key, sales_account=sales_account)
    if request.purchase_order:
        body["LineItems"].insert(0, {"Description": f"Purchase order: {request.purchase_order}"})
    return body


def credit_out(key: str, invoice: wire.Invoice, issued: date, reason: str) -> dict[str, Any]:
    """A posted credit note over all of the invoice, line by line, at the invoice's own rate."""
    words = f"Credit for {invoice.InvoiceNumber}" + (f": {reason}" if reason else "")
    body: dict[str, Any] = {
        "Type": "ACCRECCREDIT",
        "Status": "AUTHORISED",
        "Reference": key,
        "Contact": {"ContactID": invoice.Contact.ContactID},
        "Date": issued.isoformat(),
        "CurrencyCode": invoice.CurrencyCode,
        "LineAmountTypes": invoice.LineAmountTypes,
        "LineItems": [{"Description": words}, *(_line_again(one) for one in invoice.LineItems)],
    }
    if invoice.CurrencyRate is not None:
        body["CurrencyRate"] = float(invoice.CurrencyRate)
    return body


def _line_again(line: wire.LineItem) -> dict[str, Any]:
    if not line.AccountCode and not line.LineAmount:
        return {"Description": line.Description}
    return line.model_dump(mode="json", exclude_defaults=True) | {
        name: float(value)
        for name in ("Quantity", "UnitAmount", "LineAmount", "TaxAmount", "DiscountRate", "DiscountAmount")
        if (value := getattr(line, name)) is not None
    }


def names_reference(text: str, reference: str) -> bool:
    """Whether a text names this very reference, and not one that only begins alike."""
    return bool(re.search(rf"(?<![\w:.-]){re.escape(reference)}(?![\w-]|\.\d)", text))


def reference_in(carried: str) -> str:
    """Our reference in what an object carries: a key of ours, or a bare one; empty when none."""
    try:
        return reference_of(carried) or check_reference(carried)
    except ValueError:
        return ""


def belongs_to(text: str, reference: str) -> bool:
    """Whether a text is a key of this reference or of a part of it."""
    whole = reference_in(text)
    return whole == reference or whole.startswith(f"{reference}.")
