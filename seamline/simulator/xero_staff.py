"""The control API of the simulated books: what people, customers and the bank do there.

Below `/_simulator/books/{connection}`:

    POST contacts {name, email, number, tax_number, ...}     a person makes one -> {id}
    POST contacts/{id} {name, email, archived, ...}          and changes it
    POST invoices `InvoiceWanted`                            a person makes one -> {id, number}
    POST invoices/{id} {status} or {reference, quantity, ...}  a person posts, voids, deletes or edits one
    POST payments {invoice, amount, date, contact}           a customer pays: all that is owed, a part, too much; or
                                                             without an invoice, which nobody can match
    GET, PUT setup {tax_rates, currencies, ...}              `xero_books.Setup`
    PUT lock-dates {period, end_of_year}
    GET, PUT limits `xero_limits.Limits`
    POST tokens {action: expire, revoke or consent}          consent answers with a new {refresh_token}
    POST subscriptions {url}                                 webhooks, after the intent to receive; GET deliveries
    GET contacts, invoices, credit-notes, payments           as the API shows them, without its limits

In the ledger all of it is named apart: `invoice-by-hand`, `post-by-hand`, `void-by-hand`, `delete-by-hand`,
`archive-customer-by-hand`, `payment-by-customer`, `payment-by-hand`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import date as day_type
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator import xero_books
from seamline.simulator import xero_contacts as contacts
from seamline.simulator import xero_credit as credit
from seamline.simulator import xero_documents as documents
from seamline.simulator import xero_invoices as invoices
from seamline.simulator import xero_payments as payments
from seamline.simulator.vendor import WorldError
from seamline.simulator.world import Body, World
from seamline.simulator.xero_answers import SYSTEM, Invalid, Refused
from seamline.simulator.xero_books import Books, LockDates, Setup
from seamline.simulator.xero_documents import CREDIT_NOTE, INVOICE
from seamline.simulator.xero_limits import Gate, Limits, limits_of, set_limits
from seamline.simulator.xero_tokens import Tokens
from seamline.simulator.xero_webhooks import Webhooks

BooksOf = Callable[[str, Request], Books]
Amount = Annotated[Decimal, Field(gt=0, max_digits=14, decimal_places=2)]
Text = Annotated[str, Field(min_length=1, max_length=255)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ContactWanted(_Asked):
    """A contact as a person writes it down, or what that person changes."""

    name: Text | None = None
    email: str | None = Field(default=None, max_length=255)
    number: str | None = Field(default=None, max_length=50)
    tax_number: str | None = Field(default=None, max_length=50)
    city: str | None = Field(default=None, max_length=255)
    country: str | None = Field(default=None, max_length=50)
    archived: bool | None = None


class LineWanted(_Asked):
    """A line."""

    description: Text = "Work by hand"
    quantity: Amount = Decimal(1)
    unit_amount: Amount = Decimal(100)
    tax_type: Text = "OUTPUT2"


class InvoiceWanted(_Asked):
    """An invoice that a person makes. `contact` is an id, or the name of a new one."""

    contact: Text = "Customer by hand"
    reference: str = Field(default="", max_length=255)
    lines: list[LineWanted] = Field(default=[LineWanted()], min_length=1, max_length=100)
    status: Literal["DRAFT", "AUTHORISED"] = "AUTHORISED"
    currency: xero_books.Currency | None = None
    date: day_type | None = None
    due: day_type | None = None


class InvoiceEdit(_Asked):
    """What a person does to an invoice: another status, other words, days or lines, or when it will be paid."""

    status: Literal["AUTHORISED", "VOIDED", "DELETED"] | None = None
    expected: day_type | None = None
    reference: str | None = Field(default=None, max_length=255)
    date: day_type | None = None
    due: day_type | None = None
    lines: list[LineWanted] | None = Field(default=None, min_length=1, max_length=100)


class PaymentWanted(_Asked):
    """A customer's payment, of an invoice (id or number; without `amount` all that is owed) or of a `contact` alone.

    With `by_hand` a person in the accounts department enters it.
    """

    invoice: Text | None = None
    amount: Amount | None = None
    date: day_type | None = None
    contact: Text | None = None
    reference: str = Field(default="", max_length=255)
    by_hand: bool = False


class TokensAct(_Asked):
    """`expire`: access tokens are over. `revoke`: refresh tokens too. `consent`: a person lets the app in again."""

    action: Literal["expire", "revoke", "consent"]


class Subscribe(_Asked):
    """Where webhooks go."""

    url: str = Field(pattern=r"^https?://\S+$", max_length=500)


def control(world: World, webhooks: Webhooks, tokens: Tokens, gate: Gate) -> APIRouter:
    """The routes below `/_simulator`."""
    routes = APIRouter(prefix="/books/{connection}")

    def of(connection: str, request: Request) -> Books:
        world.connect(connection, SYSTEM)
        return Books(world, connection, webhooks, str(request.base_url), gate.mail, by_hand=True)

    _contacts(routes, of)
    _invoices(routes, of)
    _payments(routes, of)
    _settings(routes, world)
    _webhooks(routes, world, webhooks)

    @routes.post("/tokens")
    async def act(connection: str, wanted: TokensAct) -> dict[str, str]:
        world.connect(connection, SYSTEM)
        if wanted.action == "consent":
            return {"refresh_token": tokens.consent(connection)}
        (tokens.expire if wanted.action == "expire" else tokens.revoke)(connection)
        return {}

    return routes


@contextmanager
def _refusals() -> Iterator[None]:
    """What the books refuse also to people."""
    try:
        yield
    except Invalid as invalid:
        raise WorldError(str(invalid), 409) from None
    except Refused as refused:
        raise WorldError("there is no such object in these books", refused.answer.status_code) from None


def _contacts(routes: APIRouter, of: BooksOf) -> None:
    @routes.post("/contacts", status_code=201)
    async def make(connection: str, wanted: ContactWanted, request: Request) -> dict[str, str]:
        with _refusals():
            made = contacts.create(of(connection, request), {"Name": "Customer by hand"} | _contact(wanted))
        return {"id": made["id"]}

    @routes.post("/contacts/{contact_id}")
    async def change(connection: str, contact_id: str, wanted: ContactWanted, request: Request) -> dict[str, str]:
        with _refusals():
            changed = contacts.create_or_update(of(connection, request), _contact(wanted), contact_id)
        return {"id": changed["id"], "status": changed["ContactStatus"]}

    @routes.get("/contacts")
    async def listed(connection: str, request: Request) -> list[Body]:
        return [contacts.view(one) for one in of(connection, request).find(contacts.KIND)]


def _invoices(routes: APIRouter, of: BooksOf) -> None:
    @routes.post("/invoices", status_code=201)
    async def make(connection: str, wanted: InvoiceWanted, request: Request) -> dict[str, str]:
        with _refusals():
            return _named(documents.create(of(connection, request), INVOICE, _invoice(wanted), 2))

    @routes.post("/invoices/{invoice_id}")
    async def change(connection: str, invoice_id: str, wanted: InvoiceEdit, request: Request) -> dict[str, str]:
        with _refusals():
            changes = _edit(wanted)
            return _named(documents.create_or_update(of(connection, request), INVOICE, changes, 2, invoice_id))

    @routes.get("/invoices")
    async def listed(connection: str, request: Request) -> list[Body]:
        books = of(connection, request)
        return [invoices.view(books, one) for one in books.find(INVOICE.kind)]

    @routes.get("/credit-notes")
    async def credit_notes(connection: str, request: Request) -> list[Body]:
        books = of(connection, request)
        return [credit.view(books, one) for one in books.find(CREDIT_NOTE.kind)]


def _payments(routes: APIRouter, of: BooksOf) -> None:
    @routes.post("/payments", status_code=201)
    async def pay(connection: str, wanted: PaymentWanted, request: Request) -> dict[str, str]:
        books = of(connection, request)
        day = (wanted.date or datetime.now(UTC).date()).isoformat()
        with _refusals():
            if wanted.invoice is None:
                return _unmatched(books, wanted, day)
            invoice = documents.found(books, INVOICE, wanted.invoice)
            return _paid(books, invoice, wanted, day)

    @routes.get("/payments")
    async def listed(connection: str, request: Request) -> list[Body]:
        books = of(connection, request)
        return [payments.view(books, one) for one in books.find(payments.PAYMENT)]


def _settings(routes: APIRouter, world: World) -> None:
    @routes.get("/setup")
    async def setup(connection: str) -> Setup:
        return xero_books.setup_of(world, connection)

    @routes.put("/setup")
    async def change_setup(connection: str, changes: Body) -> Setup:
        known = xero_books.setup_of(world, connection).model_dump(mode="json")
        changed = Setup.model_validate(known | changes)
        world.connect(connection, SYSTEM)
        xero_books.set_up(world, connection, changed)
        return changed

    @routes.put("/lock-dates")
    async def lock(connection: str, locks: LockDates) -> Setup:
        return await change_setup(connection, {"locks": locks.model_dump(mode="json")})

    @routes.get("/limits")
    async def limits(connection: str) -> Limits:
        return limits_of(world, connection)

    @routes.put("/limits")
    async def change_limits(connection: str, changes: Body) -> Limits:
        changed = Limits.model_validate(limits_of(world, connection).model_dump() | changes)
        world.connect(connection, SYSTEM)
        set_limits(world, connection, changed)
        return changed


def _webhooks(routes: APIRouter, world: World, webhooks: Webhooks) -> None:
    @routes.post("/subscriptions", status_code=201)
    async def subscribe(connection: str, wanted: Subscribe) -> dict[str, str]:
        world.connect(connection, SYSTEM)
        if problem := await webhooks.subscribe(connection, wanted.url):
            raise WorldError(f"url: intent to receive failed, {problem}", 409)
        return {"url": wanted.url}

    @routes.get("/deliveries")
    async def delivered(connection: str) -> list[Body]:
        return webhooks.deliveries(connection)


def _unmatched(books: Books, wanted: PaymentWanted, day: str) -> dict[str, str]:
    """Money for which nobody knows an invoice."""
    if wanted.contact is None or wanted.amount is None:
        raise WorldError("a payment needs an invoice, or contact and amount")
    contact = contacts.of_document(books, _contact_named(wanted.contact))
    kind = payments.PREPAYMENT
    return {"id": payments.receive(books, kind, contact, wanted.amount, day, reference=wanted.reference)["id"]}


def _paid(books: Books, invoice: Body, wanted: PaymentWanted, day: str) -> dict[str, str]:
    """A payment of an invoice; what is too much stays with the contact as an overpayment."""
    owed = documents.due(invoice)
    amount = owed if wanted.amount is None else wanted.amount
    with books.world.transaction():
        paid = payments.pay(books, invoice, min(amount, owed), day, reference=wanted.reference, by_hand=wanted.by_hand)
        if amount > owed:
            contact = books.get(contacts.KIND, invoice["contact_id"]) or {}
            more = {"reference": invoice["reference"] or "", "currency": invoice["currency"]}
            payments.receive(books, payments.OVERPAYMENT, contact, amount - owed, day, **more)
    return {"id": paid["id"], "amount": paid["amount"]}


def _contact(wanted: ContactWanted) -> Body:
    names = {"name": "Name", "email": "EmailAddress", "number": "ContactNumber", "tax_number": "TaxNumber"}
    given = wanted.model_dump(exclude_none=True)
    asked: Body = {names[name]: value for name, value in given.items() if name in names}
    if wanted.archived is not None:
        asked["ContactStatus"] = "ARCHIVED" if wanted.archived else "ACTIVE"
    if wanted.city is not None or wanted.country is not None:
        address = {"AddressType": "STREET", "City": wanted.city or "", "Country": wanted.country or ""}
        asked["Addresses"] = [address]
    return asked


def _contact_named(id_or_name: str) -> Body:
    return {"ContactID" if documents.is_id(id_or_name) else "Name": id_or_name}


def _invoice(wanted: InvoiceWanted) -> Body:
    day = wanted.date or datetime.now(UTC).date()
    asked: Body = {"Type": "ACCREC", "Contact": _contact_named(wanted.contact), "Reference": wanted.reference}
    asked |= {"Status": wanted.status, "LineItems": _lines(wanted.lines), "Date": day.isoformat()}
    asked["DueDate"] = (wanted.due or day).isoformat()
    return asked | ({"CurrencyCode": wanted.currency} if wanted.currency else {})


def _edit(wanted: InvoiceEdit) -> Body:
    asked: Body = {"Status": wanted.status, "Reference": wanted.reference}
    asked["ExpectedPaymentDate"] = wanted.expected and wanted.expected.isoformat()
    asked |= {"Date": wanted.date and wanted.date.isoformat(), "DueDate": wanted.due and wanted.due.isoformat()}
    asked["LineItems"] = _lines(wanted.lines) if wanted.lines else None
    return {name: value for name, value in asked.items() if value is not None}


def _lines(wanted: list[LineWanted]) -> list[Body]:
    return [
        {
            "Description": one.description,
            "Quantity": str(one.quantity),
            "UnitAmount": str(one.unit_amount),
            "AccountCode": "200",
            "TaxType": one.tax_type,
        }
        for one in wanted
    ]


def _named(document: Body) -> dict[str, str]:
    return {"id": document["id"], "number": document["number"], "status": document["status"]}
