"""Xero's credit notes and what of them is allocated to invoices."""

from __future__ import annotations

from decimal import Decimal

from seamline.simulator import xero_documents as documents
from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, cents, day, ms_date, new_id, not_found, number, part, text
from seamline.simulator.xero_books import Books
from seamline.simulator.xero_documents import CREDIT_NOTE, INVOICE

ALLOCATION = "allocation"


def view(books: Books, stored: Body, *, full: bool = True) -> Body:
    """A credit note as Xero shows it."""
    live = [one for one in books.find(ALLOCATION, credit_id=stored["id"]) if not one["deleted"]]
    return documents.view(books, CREDIT_NOTE, stored, full=full) | {
        "ID": stored["id"],
        "RemainingCredit": float(documents.due(stored)),
        "AppliedAmount": float(stored["credited"]),
        "Allocations": [allocation_view(books, one) for one in live],
        "Payments": [],
    }


def allocation_view(books: Books, allocation: Body) -> Body:
    """An allocation as Xero shows it."""
    invoice = books.get(INVOICE.kind, allocation["invoice_id"]) or {}
    shown = documents.pointer(INVOICE, invoice) | {"LineItems": [], "HasErrors": False}
    return {
        "AllocationID": allocation["id"],
        "Amount": float(allocation["amount"]),
        "Date": ms_date(allocation["date"]),
        "Invoice": shown,
        "IsDeleted": allocation["deleted"],
        "StatusAttributeString": "OK",
        "ValidationErrors": [],
    }


def allocate(books: Books, given: Body, credit_id: str) -> Body:
    """Use a part of a credit note, or all, for an invoice of the same contact and currency."""
    credit = documents.found(books, CREDIT_NOTE, credit_id)
    wanted = part(given, "Invoice")
    invoice = documents.known(books, INVOICE, text(wanted, "InvoiceID") or text(wanted, "InvoiceNumber") or "")
    amount, date = number(given, "Amount"), day(given, "Date")
    if invoice is None or amount is None or date is None:
        raise Invalid("An allocation needs Invoice, Amount and Date")
    amount = cents(amount)
    _must_fit(credit, invoice, amount)
    books.must_be_open(date)
    made = {"id": new_id(), "credit_id": credit["id"], "invoice_id": invoice["id"], "amount": str(amount)}
    made |= {"date": date, "deleted": False}
    with books.world.transaction():
        books.world.put(books.connection, ALLOCATION, made["id"], made)
        _apply(books, credit, invoice, amount)
        operation = "allocate-by-hand" if books.by_hand else "allocate-credit"
        books.money_effect(operation, credit, amount, object_id=made["id"], undoes=invoice["id"])
    return made


def take_back(books: Books, credit_id: str, allocation_id: str) -> Body:
    """End an allocation."""
    credit, allocation = documents.found(books, CREDIT_NOTE, credit_id), books.get(ALLOCATION, allocation_id)
    if allocation is None or allocation["credit_id"] != credit["id"] or allocation["deleted"]:
        raise not_found()
    books.must_be_open(allocation["date"])
    invoice = documents.found(books, INVOICE, allocation["invoice_id"])
    allocation |= {"deleted": True}
    with books.world.transaction():
        books.world.put(books.connection, ALLOCATION, allocation["id"], allocation)
        _apply(books, credit, invoice, -Decimal(allocation["amount"]))
        operation = "delete-allocation-by-hand" if books.by_hand else "delete-allocation"
        books.money_effect(operation, credit, allocation["amount"], undoes=allocation["id"])
    return allocation


def _must_fit(credit: Body, invoice: Body, amount: Decimal) -> None:
    if credit["status"] != "AUTHORISED":
        raise Invalid("Only an approved credit note with remaining credit can be allocated")
    if invoice["status"] != "AUTHORISED":
        raise Invalid("The invoice must be approved and have an amount outstanding")
    if credit["contact_id"] != invoice["contact_id"]:
        raise Invalid("The credit note and the invoice must be of the same contact")
    if credit["currency"] != invoice["currency"]:
        raise Invalid("The credit note and the invoice must be in the same currency")
    if amount <= 0:
        raise Invalid("The allocated amount must be above 0")
    if amount > documents.due(credit):
        raise Invalid("The amount allocated exceeds the remaining credit")
    if amount > documents.due(invoice):
        raise Invalid("The amount allocated exceeds the amount outstanding on this document")


def _apply(books: Books, credit: Body, invoice: Body, amount: Decimal) -> None:
    for form, document in ((CREDIT_NOTE, credit), (INVOICE, invoice)):
        document["credited"] = str(Decimal(document["credited"]) + amount)
        documents.settle(books, form, document)
