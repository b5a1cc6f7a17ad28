"""Xero's payments of invoices, and what customers pay beyond an invoice or without one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from seamline.simulator import xero_contacts as contacts
from seamline.simulator import xero_documents as documents
from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, cents, day, ms_date, ms_time, new_id, number, part, stamp, text
from seamline.simulator.xero_books import ACCOUNTS, Books, account_id
from seamline.simulator.xero_documents import INVOICE

PAYMENT = "payment"
OVERPAYMENT, PREPAYMENT = "overpayment", "prepayment"
_BANK = "090"


def view(books: Books, stored: Body) -> Body:
    """A payment as Xero shows it."""
    invoice = books.get(INVOICE.kind, stored["invoice_id"]) or {}
    contact = books.get(contacts.KIND, invoice["contact_id"]) or {}
    code = stored["account_code"]
    return {
        "PaymentID": stored["id"],
        "Date": ms_date(stored["date"]),
        "Amount": float(stored["amount"]),
        "BankAmount": float(stored["amount"]),
        "Reference": stored["reference"],
        "CurrencyRate": float(stored["rate"]),
        "PaymentType": "ACCRECPAYMENT",
        "Status": stored["status"],
        "UpdatedDateUTC": ms_time(stored["updated_at"]),
        "HasAccount": True,
        "IsReconciled": stored["by_customer"],
        "Account": {"AccountID": account_id(books.connection, code), "Code": code, "Name": ACCOUNTS[code][0]},
        "Invoice": documents.pointer(INVOICE, invoice)
        | {"Contact": contacts.summary(contact), "CurrencyCode": invoice["currency"], "LineItems": []}
        | {"HasErrors": False},
        "HasValidationErrors": False,
    }


def create(books: Books, given: Body) -> Body:
    """A payment of an invoice, in full or in part."""
    wanted = part(given, "Invoice")
    name = text(wanted, "InvoiceID") or text(wanted, "InvoiceNumber") or text(given, "InvoiceNumber") or ""
    invoice = documents.known(books, INVOICE, name)
    amount = number(given, "Amount")
    if invoice is None or amount is None:
        raise Invalid("A payment needs Invoice and Amount")
    date = day(given, "Date") or datetime.now(UTC).date().isoformat()
    books.must_be_open(date)
    account = _account(books, part(given, "Account"))
    return pay(books, invoice, amount, date, account=account, reference=text(given, "Reference", 255) or "")


def pay(
    books: Books,
    invoice: Body,
    amount: Decimal,
    date: str,
    *,
    account: str = _BANK,
    reference: str = "",
    by_hand: bool = False,
) -> Body:
    """Store the payment, and what is still owed. What comes not over the API the customer paid into the bank, or a
    person entered `by_hand`.
    """
    if invoice["status"] not in ("AUTHORISED", "PAID"):
        raise Invalid("Payments can only be made against Authorised documents")
    amount = cents(amount)
    if amount <= 0:
        raise Invalid("Payment amount must be greater than 0")
    if amount > documents.due(invoice):
        raise Invalid("Payment amount exceeds the amount outstanding on this document")
    made = {"id": new_id(), "invoice_id": invoice["id"], "amount": str(amount), "date": date, "status": "AUTHORISED"}
    made |= {"account_code": account, "reference": reference, "rate": invoice["rate"], "by_customer": books.by_hand}
    made["updated_at"] = stamp()
    with books.world.transaction():
        books.world.put(books.connection, PAYMENT, made["id"], made)
        _change(books, invoice, amount)
        operation = "payment-by-customer" if books.by_hand else "create-payment"
        operation = "payment-by-hand" if by_hand else operation
        books.money_effect(operation, invoice, amount, object_id=made["id"])
    return made


def delete(books: Books, stored: Body, given: Body) -> Body:
    """POST with the status DELETED takes a payment back."""
    if text(given, "Status") != "DELETED":
        raise Invalid("Payments can only be changed to the status DELETED")
    if stored["status"] == "DELETED":
        raise Invalid("This payment has already been deleted")
    books.must_be_open(stored["date"])
    invoice = documents.found(books, INVOICE, stored["invoice_id"])
    deleted = stored | {"status": "DELETED", "updated_at": stamp()}
    with books.world.transaction():
        books.world.put(books.connection, PAYMENT, stored["id"], deleted)
        _change(books, invoice, -Decimal(stored["amount"]))
        operation = "delete-payment-by-hand" if books.by_hand else "delete-payment"
        books.money_effect(operation, invoice, stored["amount"], undoes=stored["id"])
    return deleted


def receive(
    books: Books, kind: str, contact: Body, amount: Decimal, date: str, *, reference: str = "", currency: str = ""
) -> Body:
    """Money of a contact that belongs to no invoice: paid over (OVERPAYMENT), or for nothing known (PREPAYMENT)."""
    currency = currency or books.setup.base_currency
    made = {
        "id": new_id(),
        "contact_id": contact["id"],
        "amount": str(cents(amount)),
        "date": date,
        "reference": reference,
    }
    made |= {"currency": currency, "updated_at": stamp()}
    with books.world.transaction():
        books.world.put(books.connection, kind, made["id"], made)
        books.money_effect("payment-by-customer", made, made["amount"])
    return made


def received_view(books: Books, kind: str, stored: Body) -> Body:
    """An overpayment or a prepayment as Xero shows it."""
    noun = kind.capitalize()
    contact = books.get(contacts.KIND, stored["contact_id"]) or {}
    return {
        f"{noun}ID": stored["id"],
        "Type": f"RECEIVE-{kind.upper()}",
        "Contact": contacts.summary(contact),
        "Date": ms_date(stored["date"]),
        "Status": "AUTHORISED",
        "LineAmountTypes": "NoTax",
        "SubTotal": float(stored["amount"]),
        "TotalTax": 0.0,
        "Total": float(stored["amount"]),
        "RemainingCredit": float(stored["amount"]),
        "Reference": stored["reference"],
        "UpdatedDateUTC": ms_time(stored["updated_at"]),
        "CurrencyCode": stored["currency"],
        "CurrencyRate": 1.0,
        "Allocations": [],
        "Payments": [],
        "HasAttachments": False,
    }


def _change(books: Books, invoice: Body, amount: Decimal) -> None:
    paid = str(Decimal(invoice["paid"]) + amount)
    documents.settle(books, INVOICE, invoice | {"paid": paid})


def _account(books: Books, given: Body) -> str:
    code, wanted = text(given, "Code"), text(given, "AccountID")
    for one, (_, kind, _group) in ACCOUNTS.items():
        if kind == "BANK" and (one == code or account_id(books.connection, one) == wanted):
            return one
    raise Invalid("Account could not be found, or payments to it are not enabled")
