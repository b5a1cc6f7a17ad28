"""Xero's sales invoices: lists, mail, and the address where a customer sees one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from seamline.simulator import xero_contacts as contacts
from seamline.simulator import xero_documents as documents
from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, ms_date, not_found
from seamline.simulator.xero_books import Books
from seamline.simulator.xero_documents import CREDIT_NOTE, INVOICE

MAILABLE = ("SUBMITTED", "AUTHORISED", "PAID")


def view(books: Books, stored: Body, *, full: bool = True) -> Body:
    """An invoice as Xero shows it."""
    shown = documents.view(books, INVOICE, stored, full=full)
    if stored["url"]:
        shown["Url"] = stored["url"]
    if stored["expected"]:
        shown["ExpectedPaymentDate"] = ms_date(stored["expected"])
    return shown | {
        "AmountDue": float(documents.due(stored)),
        "AmountPaid": float(stored["paid"]),
        "AmountCredited": float(stored["credited"]),
        "TotalDiscount": float(stored["discount"]),
        "IsDiscounted": bool(Decimal(stored["discount"])),
        "Payments": _payments(books, stored),
        "CreditNotes": _credit_notes(books, stored),
        "Prepayments": [],
        "Overpayments": [],
    }


def listed(books: Books, query: Mapping[str, str]) -> list[Body]:
    """The invoices that the query's own parameters leave."""
    tests = {"IDs": "id", "InvoiceNumbers": "number", "ContactIDs": "contact_id", "Statuses": "status"}
    kept = books.find(INVOICE.kind)
    for name, field in tests.items():
        wanted = [one for one in query.get(name, "").split(",") if one]
        if wanted:
            kept = [one for one in kept if one[field] in wanted]
    return kept


def mail(books: Books, stored: Body) -> None:
    """Send it to its contact. Each call sends it once more."""
    if stored["status"] not in MAILABLE:
        raise Invalid("The invoice must be submitted, authorised or paid to be emailed")
    contact = books.get(contacts.KIND, stored["contact_id"]) or {}
    if not contact.get("EmailAddress"):
        raise Invalid("The contact has no email address")
    if not books.mail(books.connection):
        raise Invalid("The daily email limit of the organisation has been reached")
    with books.world.transaction():
        books.money_effect("send-invoice", stored, stored["total"])
        books.keep(INVOICE.path, INVOICE.kind, stored | {"sent": True}, created=False)


def online(books: Books, stored: Body) -> Body:
    """Where the customer sees it."""
    if stored["status"] not in ("AUTHORISED", "PAID"):
        raise not_found()
    return {"OnlineInvoiceUrl": f"https://in.xero.example/{stored['id']}"}


def _payments(books: Books, stored: Body) -> list[Body]:
    return [
        {
            "PaymentID": one["id"],
            "Date": ms_date(one["date"]),
            "Amount": float(one["amount"]),
            "Reference": one["reference"],
            "CurrencyRate": float(one["rate"]),
            "HasAccount": True,
            "HasValidationErrors": False,
        }
        for one in books.find("payment", invoice_id=stored["id"])
        if one["status"] == "AUTHORISED"
    ]


def _credit_notes(books: Books, stored: Body) -> list[Body]:
    shown = []
    for one in books.find("allocation", invoice_id=stored["id"]):
        credit = books.get(CREDIT_NOTE.kind, one["credit_id"])
        if credit is not None and not one["deleted"]:
            shown.append(
                {
                    "CreditNoteID": credit["id"],
                    "CreditNoteNumber": credit["number"],
                    "ID": credit["id"],
                    "Reference": credit["reference"],
                    "HasErrors": False,
                    "AppliedAmount": float(one["amount"]),
                    "Date": ms_date(one["date"]),
                    "LineItems": [],
                    "Total": float(credit["total"]),
                }
            )
    return shown
