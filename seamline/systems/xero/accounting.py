"""Xero in the role of accounting."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, model_validator

from seamline.errors import Outage, Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.customer import (
    AccountingCustomer,
    Candidate,
    CustomerQuery,
    CustomerRequest,
    LinkRequest,
    plain,
)
from seamline.records.invoice import (
    Books,
    Credit,
    CreditRequest,
    Invoice,
    InvoiceRequest,
    InvoiceState,
    PostRequest,
    SendRequest,
)
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.xero import mapping, wire
from seamline.systems.xero.client import XeroClient, open_clients
from seamline.systems.xero.pace import Pace
from seamline.systems.xero.search import DEAD, LIVE, Lists, contains, ends, equals, is_segment, quoted, segment
from seamline.systems.xero.tokens import ByCredentials, ByRefreshToken, Grant, Tokens

CANDIDATES_MAX = 50
LINKS_KEPT_MAX = 1_000
MAIL_LIMIT_SECONDS = 3_600.0
_DECIMALS: Mapping[str, str | int] = {"unitdp": wire.UNIT_DECIMALS}
W = TypeVar("W", bound=wire.Wire)


class Account(BaseModel):
    """An organisation in Xero, and the app that Seamline is there."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(default=HttpUrl("https://api.xero.com"), description="Where Xero's API is.")
    identity_url: HttpUrl = Field(default=HttpUrl("https://identity.xero.com"), description="Where tokens come from.")
    app_url: HttpUrl = Field(default=HttpUrl("https://go.xero.com"), description="Where staff see what is in Xero.")
    client_id: str = Field(min_length=1, description="The app's client id.")
    client_secret: SecretStr = Field(description="The app's client secret.")
    refresh_token: SecretStr | None = Field(
        default=None,
        description="The refresh token of the day that a person let the app in; "
        "without it the app is a custom connection, and id and secret are enough.",
    )
    refresh_token_store: Path | None = Field(
        default=None,
        description="Where what becomes of the refresh token is kept, for all workers of the connection: each is good "
        "once. The folder must be there, and on a disk that keeps locks.",
    )
    tenant_id: str = Field(default="", description="The organisation's tenant id; the only one of the token if empty.")
    sales_account: str = Field(default="200", min_length=1, max_length=10, description="The account of what is sold.")
    calls_per_second_max: float = Field(default=5, gt=0, le=100, description="How often it may be called.")
    calls_at_once_max: int = Field(
        default=5, gt=0, le=5, description="How many calls may run at the same time, of the 5 that Xero allows in all."
    )

    @model_validator(mode="after")
    def _complete(self) -> Account:
        if (self.refresh_token is None) is not (self.refresh_token_store is None):
            raise ValueError("refresh_token and refresh_token_store belong together: set both, or neither")
        return self


def connect(name: str, account: Account, http: HttpFactory) -> XeroAccounting:
    """The adapter of the connection `name`. Nothing is sent yet."""
    api, identity = open_clients(
        name,
        str(account.url).rstrip("/"),
        str(account.identity_url).rstrip("/"),
        http,
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    secret = account.client_secret.get_secret_value()
    grant: Grant = ByCredentials(identity, account.client_id, secret)
    if account.refresh_token and account.refresh_token_store:
        first = account.refresh_token.get_secret_value()
        grant = ByRefreshToken(identity, account.client_id, secret, first, account.refresh_token_store)
    client = XeroClient(api, identity, Tokens(grant), account.tenant_id, Pace(account.calls_at_once_max))
    return XeroAccounting(name, account, client)


class XeroAccounting:
    """Satisfies `activities.accounting.AccountingSystem`."""

    # What makes something carries an Idempotency-Key too, which is never relied on alone: Xero forgets it.
    repeats: Final[Mapping[str, Repeat]] = {
        "create_customer": Repeat.LOOK_UP,
        "link_customer": Repeat.HARMLESS,
        "archive_customer": Repeat.HARMLESS,
        "draft_invoice": Repeat.LOOK_UP,
        "update_draft": Repeat.HARMLESS,
        "delete_draft": Repeat.LOOK_UP,
        "post_invoice": Repeat.LOOK_UP,
        "reverse_invoice": Repeat.LOOK_UP,
        "void_invoice": Repeat.LOOK_UP,
        "credit_invoice": Repeat.LOOK_UP,
        "allocate_credit": Repeat.LOOK_UP,
        "send_invoice": Repeat.LOOK_UP,
    }

    def __init__(self, name: str, account: Account, client: XeroClient) -> None:
        self.name = name
        self._account = account
        self._client = client
        self._lists = Lists(client)
        self._app = str(account.app_url).rstrip("/")
        self._links: dict[str, str] = {}

    async def close(self) -> None:
        """Close the connections to Xero."""
        await self._client.close()

    # ---- the books and the customers ------------------------------------------------------------------------------

    @located
    async def read_books(self) -> Books:
        """What the organisation's books allow now."""
        organisation = await self._organisation("read_books")
        rates = await self._client.get("read_books", "/TaxRates", wire.TaxRates)
        currencies = await self._client.get("read_books", "/Currencies", wire.Currencies)
        codes = [
            mapping.TAX_CODE.read(one)
            for one in rates.TaxRates
            if one.Status == "ACTIVE" and one.CanApplyToRevenue is not False and one.EffectiveRate is not None
        ]
        known = tuple(one.Code for one in currencies.Currencies)
        return mapping.BOOKS.read(organisation, currencies=known, tax_codes=tuple(codes))

    @located
    async def find_candidates(self, query: CustomerQuery) -> Sequence[Candidate]:
        """Contacts that share number, tax id, domain, name or email, archived ones too."""
        wanted = query.customer
        tests = [equals("ContactNumber", wanted.reference)]
        tests += [equals("TaxNumber", one) for one in {wanted.tax_id, plain(wanted.tax_id).upper()} if one]
        tests += [f"(Name!=null AND Name.ToLower()=={quoted(wanted.name.lower())})"] if wanted.name else []
        tests += [equals("EmailAddress", wanted.email)] if wanted.email else []
        tests += [ends("EmailAddress", f"@{wanted.domain}")] if wanted.domain else []
        found = [one async for one in self._lists.contacts("find_candidates", {"where": " OR ".join(tests)})]
        return [mapping.CANDIDATE.read(one, app=self._app) for one in found[:CANDIDATES_MAX]]

    @located
    async def create_customer(self, key: str, request: CustomerRequest) -> AccountingCustomer:
        """Make it, with the account's reference as its number. Refusal `name-taken` where that is another's name."""
        body = {"Contacts": [mapping.NEW_CUSTOMER.write(request)]}
        made = await self._client.put("create_customer", "/Contacts", wire.Contacts, body, key)
        return self._customer(_only(made.Contacts)).model_copy(update={"key": key})

    @located
    async def find_customer(self, number: str) -> AccountingCustomer | None:
        """The contact that carries the account's reference, archived or not."""
        found = [one async for one in self._lists.contacts("find_customer", {"where": equals("ContactNumber", number)})]
        return self._customer(found[0]) if found else None

    @located
    async def link_customer(self, key: str, request: LinkRequest) -> AccountingCustomer:
        """Write the number. Refusal `number-taken` where it carries another or another carries it."""
        path = f"/Contacts/{segment(request.candidate_id)}"
        there = _only((await self._client.get("link_customer", path, wire.Contacts)).Contacts)
        if there.ContactNumber == request.number:
            return self._customer(there)
        other = await self.find_customer(request.number)
        if there.ContactNumber or other:
            holder = there.ContactID if there.ContactNumber else other.id if other else ""
            reason = f"{holder} carries a number already: merge the two in Xero, then retry"
            raise Refusal("number-taken", reason, problems=[Problem(field="number", reason=reason)])
        body = {"Contacts": [mapping.LINK.write(request)]}
        linked = await self._client.post("link_customer", path, wire.Contacts, body, key)
        return self._customer(_only(linked.Contacts))

    @located
    async def archive_customer(self, customer_id: str) -> None:
        """Archive it."""
        body = {"Contacts": [{"ContactStatus": "ARCHIVED"}]}
        await self._client.post("archive_customer", f"/Contacts/{segment(customer_id)}", wire.Contacts, body, "")

    @located
    async def has_documents(self, customer_id: str, besides: str) -> bool:
        """Whether a live invoice or credit note names the contact that is not for `besides`, or for a part of it."""
        of_it: dict[str, str | int] = {"ContactIDs": segment(customer_id), "Statuses": LIVE}
        async for invoice in self._lists.invoices("has_documents", of_it):
            if not mapping.belongs_to(invoice.Reference, besides):
                return True
        credits = [one async for one in self._lists.credits_of("has_documents", customer_id)]
        return any(not mapping.belongs_to(one.Reference, besides) for one in credits)

    # ---- invoices -------------------------------------------------------------------------------------------------

    @located
    async def find_invoices(self, reference: str) -> Sequence[Invoice]:
        """The live invoices whose Reference is a key of the reference, or names it in other words."""
        return [self._invoice(one) for one in await self._lists.naming("find_invoices", reference, LIVE)]

    @located
    async def draft_invoice(self, key: str, request: InvoiceRequest) -> Invoice:
        """Make a draft that carries the key as its Reference. The number is the organisation's own.

        Where one of this key was deleted or voided, Xero would answer with that: so those are counted in its key.
        """
        dead = await self._lists.naming("find_dead", mapping.reference_in(key), DEAD)
        gone = sum(one.Reference == key for one in dead)
        native = f"{key}/{gone}" if gone else key
        body = {"Invoices": [mapping.draft_out(key, request, self._account.sales_account)]}
        made = await self._client.put("draft_invoice", "/Invoices", wire.Invoices, body, native, _DECIMALS)
        return self._invoice(_only(made.Invoices))

    @located
    async def update_draft(self, draft: Invoice, request: InvoiceRequest) -> Invoice:
        """Give the draft other content under the same key.

        Without an Idempotency-Key: what is changed and changed back would be answered with what was before.
        """
        body = mapping.draft_out(draft.key, request, self._account.sales_account)
        return self._invoice(await self._change("update_draft", draft.id, body))

    @located
    async def delete_draft(self, draft: Invoice) -> None:
        """Delete the draft."""
        await self._change("delete_draft", draft.id, {"Status": "DELETED"})

    @located
    async def read_invoice(self, invoice_id: str) -> Invoice:
        """The invoice as it is now, whatever its state."""
        return await self._with_link("read_invoice", await self._read("read_invoice", invoice_id))

    @located
    async def post_invoice(self, key: str, request: PostRequest) -> Invoice:
        """Authorise the draft under these dates. Refusal `closed-period` with the field issued."""
        posted = await self._change("post_invoice", request.invoice_id, mapping.POST.write(request), key)
        return await self._with_link("post_invoice", posted)

    @located
    async def void_invoice(self, key: str, invoice_id: str) -> None:
        """Void it. Refusal `closed-period`, or `has-payments`."""
        await self._change("void_invoice", invoice_id, {"Status": "VOIDED"}, key)

    @located
    async def send_invoice(self, key: str, request: SendRequest) -> None:
        """Have Xero mail it. Refusal `no-address`; what Xero mails no more today is an outage."""
        try:
            await self._client.tell("send_invoice", f"/Invoices/{segment(request.invoice_id)}/Email", key)
        except Refusal as refusal:
            if re.search(r"daily e-?mail limit", refusal.failure.reason, re.I):
                raise Outage("mail-limit", refusal.failure.reason, retry_after_seconds=MAIL_LIMIT_SECONDS) from None
            raise

    # ---- credit notes ---------------------------------------------------------------------------------------------

    @located
    async def find_credits(self, invoice_id: str, reference: str) -> Sequence[Credit]:
        """The live credit notes of the invoice's customer that carry a key of the reference."""
        invoice = await self._read("find_credits", invoice_id)
        found = [one async for one in self._lists.credits_of("find_credits", invoice.Contact.ContactID)]
        return [self._credit(one) for one in found if one.Reference.startswith(f"{reference}/")]

    @located
    async def credit_invoice(self, key: str, request: CreditRequest) -> Credit:
        """A posted credit note with the invoice's lines that carries the key. It is not set against it yet."""
        invoice = await self._read("credit_invoice", request.invoice_id)
        body = {"CreditNotes": [mapping.credit_out(key, invoice, request.issued, request.reason)]}
        made = await self._client.put("credit_invoice", "/CreditNotes", wire.CreditNotes, body, key, _DECIMALS)
        return self._credit(_only(made.CreditNotes))

    @located
    async def allocate_credit(self, key: str, credit: Credit, invoice: Invoice) -> Credit:
        """Set as much of the credit against the invoice as is open; what is left of it is the customer's."""
        path = f"/CreditNotes/{segment(credit.id)}"
        now = await self._read("allocate_credit", invoice.id)
        amount = min(credit.left.amount, now.AmountDue)
        if amount > 0:
            today = datetime.now(UTC).date().isoformat()
            part = {"Invoice": {"InvoiceID": invoice.id}, "Amount": float(amount), "Date": today}
            body = {"Allocations": [part]}
            await self._client.put("allocate_credit", f"{path}/Allocations", wire.Allocations, body, key)
        return self._credit(_only((await self._client.get("allocate_credit", path, wire.CreditNotes)).CreditNotes))

    # ---- tracing --------------------------------------------------------------------------------------------------

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The contact, invoices and credit notes for the reference, taken back ones too."""
        held = []
        if customer := await self.find_customer(reference):
            state = "archived" if customer.archived else "active"
            held.append(Holding(kind="customer", id=customer.id, state=state, page=customer.page))
        for one in await self._lists.naming("holdings", reference, ""):
            invoice = self._invoice(one)
            shown = {"state": invoice.state.value, "key": invoice.key, "amount": str(invoice.total)}
            held.append(Holding(kind="invoice", id=invoice.number or invoice.id, page=invoice.page, **shown))
        where = contains("Reference", f"{reference}/")
        for note in [one async for one in self._lists.credits("holdings", where)]:
            if note.Reference.startswith(f"{reference}/"):
                credit = self._credit(note)
                shown = {"state": note.Status.lower(), "key": credit.key, "amount": str(credit.total)}
                held.append(Holding(kind="credit note", id=credit.number or credit.id, page=credit.page, **shown))
        return held

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """Our references that the invoice, credit note or contact of this id or number is for."""
        texts = await self._lists.carried("references", external_id) if is_segment(external_id) else ()
        found = [text for text in map(mapping.reference_in, texts) if text]
        return list(dict.fromkeys(found))

    @located
    async def card(self) -> Card:
        """Reach Xero and describe the connection."""
        organisation = await self._organisation("card")
        by_token = "refresh token, kept in a file" if self._account.refresh_token else "client credentials"
        return Card(
            connection=self.name,
            system="xero",
            role="accounting",
            holds=("customers", "invoices", "credit notes", "payments"),
            connected="REST 2.0 over HTTPS, signed webhooks",
            authentication=f"OAuth 2 {by_token}",
            limits=f"Xero's: 60 calls a minute, {self._account.calls_at_once_max} at once from here, 5000 a day",
            repeats=self.repeats,
            account=f"{organisation.Name} ({organisation.BaseCurrency})",
            live=None if organisation.IsDemoCompany is None else not organisation.IsDemoCompany,
        )

    # ---- below ----------------------------------------------------------------------------------------------------

    async def _organisation(self, operation: str) -> wire.Organisation:
        return (await self._client.get(operation, "/Organisation", wire.Organisations)).Organisations[0]

    def _customer(self, found: wire.Contact) -> AccountingCustomer:
        return mapping.CUSTOMER.read(found, app=self._app)

    def _invoice(self, found: wire.Invoice) -> Invoice:
        return mapping.INVOICE.read(found, app=self._app, link=self._links.get(found.InvoiceID, ""))

    def _credit(self, found: wire.CreditNote) -> Credit:
        invoice_id = found.Allocations[0].Invoice.InvoiceID if found.Allocations else ""
        return mapping.CREDIT.read(found, app=self._app, invoice_id=invoice_id)

    async def _with_link(self, operation: str, found: wire.Invoice) -> Invoice:
        """The invoice with the address where the customer sees it, which never changes and is asked for once."""
        invoice = self._invoice(found)
        if invoice.link or invoice.state not in (InvoiceState.POSTED, InvoiceState.PAID):
            return invoice
        path = f"/Invoices/{segment(invoice.id)}/OnlineInvoice"
        online = (await self._client.get(operation, path, wire.OnlineInvoices)).OnlineInvoices
        if len(self._links) >= LINKS_KEPT_MAX:
            self._links.clear()
        self._links[invoice.id] = online[0].OnlineInvoiceUrl if online else ""
        return self._invoice(found)

    async def _read(self, operation: str, invoice_id: str) -> wire.Invoice:
        path = f"/Invoices/{segment(invoice_id)}"
        return _only((await self._client.get(operation, path, wire.Invoices, _DECIMALS)).Invoices)

    async def _change(self, operation: str, invoice_id: str, change: Mapping[str, Any], key: str = "") -> wire.Invoice:
        path = f"/Invoices/{segment(invoice_id)}"
        body = {"Invoices": [change]}
        return _only((await self._client.post(operation, path, wire.Invoices, body, key, _DECIMALS)).Invoices)


def _only(found: Sequence[W]) -> W:
    """The one object that was asked for."""
    if len(found) != 1:
        raise Refusal("unreadable-answer", f"Xero answers {len(found)} objects where one was asked for")
    return found[0]
