"""What Xero's invoices and credit notes have in common: made, changed, posted, taken back.

DRAFT and SUBMITTED become AUTHORISED or DELETED, AUTHORISED becomes VOIDED as long as nothing is paid or credited, and
PAID when nothing is owed. Nothing is posted, changed after posting, or voided that is dated in a locked period.
Numbers are the organisation's own sequence, given when the document is made.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from seamline.simulator import xero_contacts as contacts
from seamline.simulator import xero_lines as lines
from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, day, ms_date, ms_time, new_id, not_found, number, part, text
from seamline.simulator.xero_books import Books

NOT_OF_VALID_STATUS = "not of valid status for modification"
HAS_PAYMENT = "This document cannot be edited as it has a payment or credit note allocated to it."
_NEXT = {
    "": ("DRAFT", "SUBMITTED", "AUTHORISED"),
    "DRAFT": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("AUTHORISED", "VOIDED"),
}
_POSTED = ("AUTHORISED", "VOIDED")


@dataclass(frozen=True)
class Form:
    """One of the two kinds, with Xero's names for it and the ledger's names for what happens to it."""

    path: str
    kind: str
    noun: str
    type: str
    id_field: str
    number_field: str
    prefix: str
    drafted: str
    posted: str
    voided: str


INVOICE = Form(
    "Invoices",
    "invoice",
    "Invoice",
    "ACCREC",
    "InvoiceID",
    "InvoiceNumber",
    "INV",
    drafted="draft-invoice",
    posted="post-invoice",
    voided="void-invoice",
)
CREDIT_NOTE = Form(
    "CreditNotes",
    "credit-note",
    "Credit note",
    "ACCRECCREDIT",
    "CreditNoteID",
    "CreditNoteNumber",
    "CN",
    drafted="draft-credit-note",
    posted="credit-invoice",
    voided="void-credit-note",
)


def found(books: Books, form: Form, id_or_number: str) -> Body:
    """The document of this id or number; 404 when there is none."""
    stored = known(books, form, id_or_number)
    if stored is None:
        raise not_found()
    return stored


def known(books: Books, form: Form, id_or_number: str) -> Body | None:
    """The document of this id or number."""
    stored = books.get(form.kind, id_or_number)
    if stored is None:
        numbered = books.find(form.kind, number=id_or_number)
        stored = numbered[0] if numbered else None
    return stored


def create(books: Books, form: Form, given: Body, decimals: int) -> Body:
    """PUT: a new document."""
    if given.get(form.id_field):
        raise Invalid(f"{form.id_field} must be left out of a new document")
    return _made(books, form, given, decimals)


def create_or_update(books: Books, form: Form, given: Body, decimals: int, document_id: str = "") -> Body:
    """POST: the document of this id or number changed, a new one where there is none of this number."""
    wanted = document_id or text(given, form.id_field) or ""
    stored = known(books, form, wanted or text(given, form.number_field) or "")
    if stored is None and document_id:
        raise not_found()
    if stored is None and wanted:
        raise Invalid(f"{form.noun} with the specified {form.id_field} could not be found")
    return _made(books, form, given, decimals) if stored is None else _changed(books, form, stored, given, decimals)


def settle(books: Books, form: Form, document: Body) -> Body:
    """Store what is owed after a payment or an allocation came or went, and the status that follows."""
    status = document["status"]
    if status in ("AUTHORISED", "PAID"):
        status = "AUTHORISED" if due(document) else "PAID"
    settled = document | {"status": status}
    settled["paid_off_at"] = (settled.get("paid_off_at") or _today()) if status == "PAID" else None
    return books.keep(form.path, form.kind, settled, created=False)


def due(document: Body) -> Decimal:
    """What is still owed of an invoice, or still to be used of a credit note."""
    return Decimal(document["total"]) - Decimal(document["paid"]) - Decimal(document["credited"])


def _made(books: Books, form: Form, given: Body, decimals: int) -> Body:
    kind = text(given, "Type")
    if kind != form.type:
        raise Invalid(f"Type must be {form.type}: the simulator keeps sales only")
    blank: Body = {
        "status": "",
        "paid": "0.00",
        "credited": "0.00",
        "sent": False,
        "date": _today(),
        "due": None,
        "expected": None,
    }
    blank |= {"number": None, "reference": "", "currency": None, "rate": None, "url": None, "line_amount_types": None}
    blank |= {"branding_theme_id": None, "paid_off_at": None, "lines": []}
    stored = {"id": new_id(), "type": kind, **blank}
    made = _read(books, form, stored, {"LineItems": [], **given}, decimals)
    _post(books, form, stored, made)
    with books.world.transaction():
        made["contact_id"] = contacts.of_document(books, part(given, "Contact"))["id"]
        if not made["number"]:
            made["number"] = _next_number(books, form)
        made = books.keep(form.path, form.kind, made, created=True)
        operation = f"{form.kind}-by-hand" if books.by_hand else form.drafted
        if books.by_hand or made["status"] != "AUTHORISED" or form is INVOICE:
            books.money_effect(operation, made, made["total"])
        if made["status"] == "AUTHORISED" and not books.by_hand:
            books.money_effect(form.posted, made, made["total"])
    return made


def _changed(books: Books, form: Form, stored: Body, given: Body, decimals: int) -> Body:
    if stored["status"] not in _NEXT and stored["status"] != "PAID":
        raise Invalid(f"{form.noun} {NOT_OF_VALID_STATUS}")
    harmless = set(given) <= {form.id_field, form.number_field, "SentToContact", "ExpectedPaymentDate"}
    if (Decimal(stored["paid"]) or Decimal(stored["credited"])) and not harmless:
        raise Invalid(HAS_PAYMENT)
    if stored["status"] == "AUTHORISED":
        books.must_be_open(stored["date"])
    changed = _read(books, form, stored, given, decimals)
    _post(books, form, stored, changed)
    with books.world.transaction():
        if "Contact" in given:
            changed["contact_id"] = contacts.of_document(books, part(given, "Contact"))["id"]
        changed = books.keep(form.path, form.kind, changed, created=False)
        _tell_ledger(books, form, stored, changed)
    return changed


def _read(books: Books, form: Form, stored: Body, given: Body, decimals: int) -> Body:
    """The document with what is given in the place of what was."""
    setup = books.setup
    read = dict(stored)
    for field, name in (("Date", "date"), ("DueDate", "due"), ("ExpectedPaymentDate", "expected")):
        read[name] = day(given, field) or stored[name]
    for field, name in (("Reference", "reference"), ("Url", "url"), (form.number_field, "number")):
        value = text(given, field, 255)
        read[name] = stored[name] if value is None else value
    currency = text(given, "CurrencyCode", 3) or stored["currency"] or setup.base_currency
    if currency not in setup.currencies:
        raise Invalid(f"Organisation is not subscribed to currency {currency}")
    rate = number(given, "CurrencyRate")
    if rate is not None and (rate <= 0 or (currency == setup.base_currency and rate != 1)):
        raise Invalid("CurrencyRate must be above 0, and 1 for the organisation's own currency")
    same = stored["rate"] if stored["currency"] == currency else None
    read |= {"currency": currency, "rate": str(rate or same or setup.currencies[currency])}
    amount_types = text(given, "LineAmountTypes") or stored["line_amount_types"] or "Exclusive"
    if amount_types not in lines.LINE_AMOUNT_TYPES:
        raise Invalid("LineAmountTypes must be Exclusive, Inclusive or NoTax")
    read["line_amount_types"] = amount_types
    if "LineItems" in given:
        read["lines"] = lines.read_lines(given, setup, amount_types, decimals)
    elif amount_types != stored["line_amount_types"]:
        raise Invalid("LineItems must be given where LineAmountTypes changes")
    read |= lines.totals(read["lines"], amount_types)
    if Decimal(read["total"]) < 0:
        raise Invalid(f"The {form.noun.lower()} total must not be negative")
    read["status"] = _status(form, stored, given)
    read["sent"] = _sent(stored, given, read["status"])
    _must_be_own_number(books, form, read)
    return read


def _status(form: Form, stored: Body, given: Body) -> str:
    default = stored["status"] or "DRAFT"
    status = text(given, "Status") or default
    if status == "PAID" and stored["status"] == "PAID":
        return status
    if status not in _NEXT.get(stored["status"], ()):
        raise Invalid(f"{form.noun} {NOT_OF_VALID_STATUS}")
    return status


def _sent(stored: Body, given: Body, status: str) -> bool:
    wanted = given.get("SentToContact")
    if wanted is not None and not isinstance(wanted, bool):
        raise Invalid("SentToContact must be true or false")
    if wanted and status not in ("AUTHORISED", "PAID"):
        raise Invalid("SentToContact can only be set on an approved document")
    return bool(stored["sent"]) if wanted is None else wanted


def _must_be_own_number(books: Books, form: Form, read: Body) -> None:
    same = books.find(form.kind, number=read["number"]) if read["number"] else []
    if any(one["id"] != read["id"] for one in same):
        raise Invalid(f"{form.noun} # must be unique.")


def _next_number(books: Books, form: Form) -> str:
    """The next free one of the sequence; people may have used it by hand."""
    while True:
        number = books.number(form.number_field, form.prefix)
        if not books.find(form.kind, number=number):
            return number


def _post(books: Books, form: Form, before: Body, after: Body) -> None:
    """Raises Invalid where the document may not be posted, or taken back, as it is."""
    if after["status"] not in _POSTED:
        return
    books.must_be_open(after["date"])
    if after["status"] == "VOIDED":
        return
    lines.must_be_complete(after["lines"], books.setup)
    if form is INVOICE and not after["due"]:
        raise Invalid("Due Date cannot be empty")
    if form is INVOICE and before["status"] != "AUTHORISED" and after["due"] < after["date"]:
        raise Invalid("Due Date cannot be before the invoice date")


def _tell_ledger(books: Books, form: Form, before: Body, after: Body) -> None:
    if before["status"] == after["status"]:
        return
    operation = {
        "AUTHORISED": form.posted,
        "VOIDED": form.voided,
        "DELETED": "delete-draft",
    }.get(after["status"])
    if operation is None:
        return
    if books.by_hand:
        operation = {form.posted: "post-by-hand", form.voided: "void-by-hand"}.get(operation, "delete-by-hand")
    undoes = None if after["status"] == "AUTHORISED" else after["id"]
    books.money_effect(operation, after, after["total"], undoes=undoes)


# -- how both are shown ------------------------------------------------------------------------------------------------


def view(books: Books, form: Form, stored: Body, *, full: bool) -> Body:
    """What invoices and credit notes show alike; lines and the whole contact only where one is asked for, or a page."""
    contact = books.get(contacts.KIND, stored["contact_id"]) or {}
    shown: Body = {
        "Type": stored["type"],
        form.id_field: stored["id"],
        form.number_field: stored["number"],
        "Reference": stored["reference"],
        "Contact": contacts.view(contact) if full else contacts.summary(contact),
        **_days(stored),
        "Status": stored["status"],
        "LineAmountTypes": stored["line_amount_types"],
        "LineItems": [lines.view(one) for one in stored["lines"]] if full else [],
        "SubTotal": float(stored["subtotal"]),
        "TotalTax": float(stored["tax"]),
        "Total": float(stored["total"]),
        "UpdatedDateUTC": ms_time(stored["updated_at"]),
        "CurrencyCode": stored["currency"],
        "CurrencyRate": float(stored["rate"]),
        "SentToContact": stored["sent"],
        "HasAttachments": False,
        "HasErrors": False,
    }
    if stored["branding_theme_id"]:
        shown["BrandingThemeID"] = stored["branding_theme_id"]
    if stored["paid_off_at"]:
        shown["FullyPaidOnDate"] = ms_date(stored["paid_off_at"])
    return shown


def pointer(form: Form, stored: Body) -> Body:
    """A document as other objects point at it."""
    return {form.id_field: stored["id"], form.number_field: stored["number"], "Type": stored["type"]}


def _days(stored: Body) -> dict[str, Any]:
    shown = {"Date": ms_date(stored["date"]), "DateString": f"{stored['date']}T00:00:00"}
    if stored["due"]:
        shown |= {"DueDate": ms_date(stored["due"]), "DueDateString": f"{stored['due']}T00:00:00"}
    return shown


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def is_id(value: str) -> bool:
    """Whether this is an id as Xero gives them."""
    try:
        return str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False
