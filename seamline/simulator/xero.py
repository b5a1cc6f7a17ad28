"""Xero's accounting API 2.0: contacts, sales invoices, credit notes, payments, and what an organisation is set to.

The app of an organisation has the client id `client-<connection>` and the client secret `secret-<connection>`, which
signs webhooks too. `POST .../connect/token` gives a token for 30 minutes, by client credentials or by a refresh token
(see `xero_tokens`), `GET .../connections` the organisation's tenant id, and below `.../api.xro/2.0` is the API.
Operations: `token`, `connections.list`, `organisation.get`, `tax-rates.list`, `accounts.list`, `currencies.list`,
`branding-themes.list`, `contacts.list|get|create|update`, `invoices.list|get|create|update|email|online`,
`credit-notes.list|get|create|update`, `allocations.create|delete`, `payments.list|get|create|delete`,
`overpayments.list`, `prepayments.list`. PUT is `create`, POST is `update`. Source: Xero's published OpenAPI.

In the ledger: create-customer, link-customer, archive-customer, draft-invoice, delete-draft, post-invoice,
void-invoice, send-invoice, credit-invoice (draft-credit-note, void-credit-note), allocate-credit (delete-allocation),
create-payment, delete-payment. The key is that of the Idempotency-Key, else of the Reference, without what follows its
number.

What people do in the books is below `/_simulator/books/{connection}`: see `xero_staff`.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from seamline.simulator import xero_books as books
from seamline.simulator import xero_contacts as contacts
from seamline.simulator import xero_credit as credit
from seamline.simulator import xero_documents as documents
from seamline.simulator import xero_invoices as invoices
from seamline.simulator import xero_payments as payments
from seamline.simulator.faults import FaultKind, Injected
from seamline.simulator.vendor import Vendor
from seamline.simulator.world import THROTTLE_SECONDS_DEFAULT, Body, World
from seamline.simulator.xero_answers import SYSTEM, envelope, not_found, unauthorised, validation, with_errors
from seamline.simulator.xero_documents import CREDIT_NOTE, INVOICE
from seamline.simulator.xero_door import Asked, Door, each, listing
from seamline.simulator.xero_limits import Gate
from seamline.simulator.xero_staff import control
from seamline.simulator.xero_tokens import Tokens
from seamline.simulator.xero_webhooks import Webhooks


def vendor(world: World) -> Vendor:
    """Xero, on this world."""
    webhooks, tokens, gate = Webhooks(world), Tokens(world), Gate(world)
    door = Door(world, webhooks, tokens, gate)
    _organisation(door)
    _contacts(door)
    _invoices(door)
    _credit_notes(door)
    _payments(door)
    door.router.include_router(tokens.router)
    staff = control(world, webhooks, tokens, gate)
    return Vendor(system=SYSTEM, router=door.router, render=render, control=staff)


def render(injected: Injected) -> Response:
    """An injected fault as Xero would answer it."""
    fault = injected.fault
    if fault.kind is FaultKind.THROTTLE:
        seconds = THROTTLE_SECONDS_DEFAULT if fault.delay_seconds is None else fault.delay_seconds
        headers = {"Retry-After": f"{seconds:.0f}", "X-Rate-Limit-Problem": fault.field or "minute"}
        return Response(status_code=429, headers=headers)
    if fault.kind is FaultKind.REFUSE:
        return validation([with_errors({}, (fault.reason,))])
    if fault.status in (401, 403):
        return unauthorised("AuthenticationUnsuccessful", fault.status)
    return JSONResponse({"Title": "error", "Status": fault.status or 503, "Detail": fault.reason}, fault.status or 503)


def _organisation(door: Door) -> None:
    door.add(
        "GET",
        "/Organisation",
        "organisation.get",
        lambda asked: envelope("Organisations", [books.organisation(asked.books)]),
    )
    for path, operation, shown in (
        ("TaxRates", "tax-rates.list", books.tax_rates),
        ("Accounts", "accounts.list", books.accounts),
        ("Currencies", "currencies.list", books.currencies),
        ("BrandingThemes", "branding-themes.list", books.branding_themes),
    ):
        door.add(
            "GET",
            f"/{path}",
            operation,
            lambda asked, path=path, shown=shown: listing(asked, path, shown(asked.books), lambda one, _: one),  # type: ignore[misc]
        )


def _contacts(door: Door) -> None:
    path = contacts.PATH

    def one(asked: Asked) -> Body:
        return envelope(path, [contacts.view(contacts.found(asked.books, asked.path["id"]))])

    def update(asked: Asked) -> Body:
        contact_id = asked.path.get("id", "")
        return each(asked, path, lambda given: contacts.create_or_update(asked.books, given, contact_id), contacts.view)

    door.add(
        "GET",
        f"/{path}",
        "contacts.list",
        lambda asked: listing(
            asked, path, contacts.listed(asked.books, asked.query), lambda one, _: contacts.view(one)
        ),
    )
    door.add("GET", f"/{path}/{{id}}", "contacts.get", one)
    door.add(
        "PUT",
        f"/{path}",
        "contacts.create",
        lambda asked: each(asked, path, lambda given: contacts.create(asked.books, given), contacts.view),
    )
    door.add("POST", f"/{path}", "contacts.update", update)
    door.add("POST", f"/{path}/{{id}}", "contacts.update", update)


def _invoices(door: Door) -> None:
    path = INVOICE.path

    def one(asked: Asked) -> Body:
        return documents.found(asked.books, INVOICE, asked.path["id"])

    def listed(asked: Asked) -> Body:
        kept = invoices.listed(asked.books, asked.query)
        return listing(asked, path, kept, lambda stored, full: invoices.view(asked.books, stored, full=full))

    def create(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            return documents.create(asked.books, INVOICE, given, asked.decimals)

        return each(asked, path, work, lambda stored: invoices.view(asked.books, stored))

    def update(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            return documents.create_or_update(asked.books, INVOICE, given, asked.decimals, asked.path.get("id", ""))

        return each(asked, path, work, lambda stored: invoices.view(asked.books, stored))

    door.add("GET", f"/{path}", "invoices.list", listed)
    door.add(
        "GET",
        f"/{path}/{{id}}",
        "invoices.get",
        lambda asked: envelope(path, [invoices.view(asked.books, one(asked))]),
    )
    door.add("PUT", f"/{path}", "invoices.create", create)
    door.add("POST", f"/{path}", "invoices.update", update)
    door.add("POST", f"/{path}/{{id}}", "invoices.update", update)
    door.add("POST", f"/{path}/{{id}}/Email", "invoices.email", lambda asked: invoices.mail(asked.books, one(asked)))
    door.add(
        "GET",
        f"/{path}/{{id}}/OnlineInvoice",
        "invoices.online",
        lambda asked: envelope("OnlineInvoices", [invoices.online(asked.books, one(asked))]),
    )


def _credit_notes(door: Door) -> None:
    path = CREDIT_NOTE.path

    def one(asked: Asked) -> Body:
        return credit.view(asked.books, documents.found(asked.books, CREDIT_NOTE, asked.path["id"]))

    def listed(asked: Asked) -> Body:
        kept = asked.books.find(CREDIT_NOTE.kind)
        return listing(asked, path, kept, lambda stored, full: credit.view(asked.books, stored, full=full))

    def create(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            return documents.create(asked.books, CREDIT_NOTE, given, asked.decimals)

        return each(asked, path, work, lambda stored: credit.view(asked.books, stored))

    def update(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            document_id = asked.path.get("id", "")
            return documents.create_or_update(asked.books, CREDIT_NOTE, given, asked.decimals, document_id)

        return each(asked, path, work, lambda stored: credit.view(asked.books, stored))

    def allocate(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            return credit.allocate(asked.books, given, asked.path["id"])

        return each(asked, "Allocations", work, lambda one: credit.allocation_view(asked.books, one))

    def take_back(asked: Asked) -> Body:
        taken = credit.take_back(asked.books, asked.path["id"], asked.path["allocation"])
        return credit.allocation_view(asked.books, taken)

    door.add("GET", f"/{path}", "credit-notes.list", listed)
    door.add("GET", f"/{path}/{{id}}", "credit-notes.get", lambda asked: envelope(path, [one(asked)]))
    door.add("PUT", f"/{path}", "credit-notes.create", create)
    door.add("POST", f"/{path}", "credit-notes.update", update)
    door.add("POST", f"/{path}/{{id}}", "credit-notes.update", update)
    door.add("PUT", f"/{path}/{{id}}/Allocations", "allocations.create", allocate)
    door.add("DELETE", f"/{path}/{{id}}/Allocations/{{allocation}}", "allocations.delete", take_back)


def _payments(door: Door) -> None:
    path = "Payments"

    def found(asked: Asked) -> Body:
        stored = asked.books.get(payments.PAYMENT, asked.path["id"])
        if stored is None:
            raise not_found()
        return stored

    def create(asked: Asked) -> Body:
        def work(given: Body) -> Body:
            return payments.create(asked.books, given)

        return each(asked, path, work, lambda stored: payments.view(asked.books, stored))

    def delete(asked: Asked) -> Body:
        deleted = payments.delete(asked.books, found(asked), asked.body)
        return envelope(path, [payments.view(asked.books, deleted)])

    def listed(asked: Asked) -> Body:
        kept = asked.books.find(payments.PAYMENT)
        return listing(asked, path, kept, lambda stored, _: payments.view(asked.books, stored))

    door.add("GET", f"/{path}", "payments.list", listed)
    door.add(
        "GET",
        f"/{path}/{{id}}",
        "payments.get",
        lambda asked: envelope(path, [payments.view(asked.books, found(asked))]),
    )
    door.add("PUT", f"/{path}", "payments.create", create)
    door.add("POST", f"/{path}", "payments.create", create)
    door.add("POST", f"/{path}/{{id}}", "payments.delete", delete)
    for kind in (payments.OVERPAYMENT, payments.PREPAYMENT):
        _received(door, kind)


def _received(door: Door, kind: str) -> None:
    path = f"{kind.capitalize()}s"

    def listed(asked: Asked) -> Body:
        kept = asked.books.find(kind)
        return listing(asked, path, kept, lambda stored, _: payments.received_view(asked.books, kind, stored))

    door.add("GET", f"/{path}", f"{kind}s.list", listed)
