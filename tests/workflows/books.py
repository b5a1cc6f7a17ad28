"""Accounting kept in memory: one organisation's books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from seamline.errors import Problem, Refusal
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
    TaxCode,
)
from seamline.records.money import Money
from seamline.records.reference import reference_of
from seamline.records.system import Repeat
from tests.workflows.scripted import Scripted

_DEAD = (InvoiceState.VOIDED, InvoiceState.DELETED)
PERCENT = {"OUTPUT2": 20, "ZERORATEDOUTPUT": 0, "ECZROUTPUTSERVICES": 0}


class PaperBooks(Scripted):
    """Satisfies `activities.accounting.AccountingSystem`. What people do in the books are its other methods."""

    role = "accounting"
    repeats: Mapping[str, Repeat] = {
        "create_customer": Repeat.LOOK_UP,
        "link_customer": Repeat.HARMLESS,
        "draft_invoice": Repeat.LOOK_UP,
        "post_invoice": Repeat.LOOK_UP,
        "void_invoice": Repeat.LOOK_UP,
        "credit_invoice": Repeat.LOOK_UP,
        "allocate_credit": Repeat.LOOK_UP,
        "send_invoice": Repeat.LOOK_UP,
    }

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(
            name="Seamline Ltd",
            country="GB",
            currency="GBP",
            currencies=("GBP", "EUR", "USD"),
            tax_codes=tuple(TaxCode(code=code, percent=Decimal(percent)) for code, percent in PERCENT.items()),
        )
        self.customers: dict[str, Candidate] = {}
        self.customer_keys: dict[str, str] = {}
        self.invoices: dict[str, Invoice] = {}
        self.texts: dict[str, str] = {}
        """What people wrote into the reference of an invoice that they made, by its id."""
        self.credits: dict[str, Credit] = {}
        self.credited_customers: dict[str, str] = {}
        """The customer of each credit note, by the note's id."""

    # ---- the role: customers --------------------------------------------------------------------------------------

    async def read_books(self) -> Books:
        await self.called("read_books")
        return self.books

    async def find_candidates(self, query: CustomerQuery) -> Sequence[Candidate]:
        await self.called("find_candidates")
        wanted = query.customer
        pairs = (("tax_id", "tax_id"), ("domain", "domain"), ("name", "name"), ("email", "email"))

        def alike(one: Candidate) -> bool:
            shared = any(plain(getattr(one, a)) == plain(getattr(wanted, b)) != "" for a, b in pairs)
            return shared or one.number == wanted.reference

        return [one for one in self.customers.values() if alike(one)]

    async def create_customer(self, key: str, request: CustomerRequest) -> AccountingCustomer:
        await self.called("create_customer")
        customer = request.customer
        made = self.have_customer(
            number=customer.reference,
            name=customer.name,
            tax_id=customer.tax_id,
            domain=customer.domain,
            email=customer.email,
        )
        self.customer_keys[made.id] = key
        self.did("create-customer", key, "create_customer")
        return _as_customer(made, key)

    async def find_customer(self, number: str) -> AccountingCustomer | None:
        await self.called("find_customer")
        found = next((one for one in self.customers.values() if one.number == number), None)
        return _as_customer(found) if found else None

    async def link_customer(self, key: str, request: LinkRequest) -> AccountingCustomer:
        await self.called("link_customer")
        customer = self.customers[request.candidate_id]
        taken = [one for one in self.customers.values() if one.number == request.number and one.id != customer.id]
        if taken or customer.number not in ("", request.number):
            problem = Problem(field="number", reason="is taken: merge the two in accounting, then retry")
            raise Refusal("number-taken", problem.reason, problems=[problem])
        self.customers[customer.id] = customer.model_copy(update={"number": request.number})
        if not customer.number:
            self.did("link-customer", key, "link_customer")
        return _as_customer(self.customers[customer.id])

    async def archive_customer(self, customer_id: str) -> None:
        await self.called("archive_customer")
        self.customers[customer_id] = self.customers[customer_id].model_copy(update={"archived": True})
        self.did("archive-customer", self.customer_keys.get(customer_id, ""), "archive_customer")

    async def has_documents(self, customer_id: str, besides: str) -> bool:
        """What is for the object `besides`, or a part of it, does not count."""
        await self.called("has_documents")
        invoices = [
            one.key for one in self.invoices.values() if one.customer_id == customer_id and one.state not in _DEAD
        ]
        credits = [
            self.credits[id_].key for id_, customer in self.credited_customers.items() if customer == customer_id
        ]
        return any(not _is_for(key, besides) for key in (*invoices, *credits))

    # ---- the role: invoices ---------------------------------------------------------------------------------------

    async def find_invoices(self, reference: str) -> Sequence[Invoice]:
        await self.called("find_invoices")
        return [
            one
            for one in self.invoices.values()
            if one.state not in _DEAD and reference in (reference_of(one.key), self.texts.get(one.id))
        ]

    async def draft_invoice(self, key: str, request: InvoiceRequest) -> Invoice:
        await self.called("draft_invoice")
        draft = self._put(Invoice(id=self.next_id("invoice"), key=key, state=InvoiceState.DRAFT, **_content(request)))
        self.did("draft-invoice", key, "draft_invoice")
        return draft

    async def update_draft(self, draft: Invoice, request: InvoiceRequest) -> Invoice:
        await self.called("update_draft")
        return self._change(draft.id, **_content(request))

    async def delete_draft(self, draft: Invoice) -> None:
        await self.called("delete_draft")
        self._change(draft.id, state=InvoiceState.DELETED)
        self.did("delete-draft", draft.key, "delete_draft")

    async def read_invoice(self, invoice_id: str) -> Invoice:
        await self.called("read_invoice")
        if invoice_id not in self.invoices:
            problem = Problem(field="invoice_id", reason="is not in the books")
            raise Refusal("not-found", problem.reason, problems=[problem])
        return self.invoices[invoice_id]

    async def post_invoice(self, key: str, request: PostRequest) -> Invoice:
        await self.called("post_invoice")
        self._check_period(request.issued)
        number = self.next_id("INV")
        link = f"https://pay.example/{request.invoice_id}"
        change = {"state": InvoiceState.POSTED, "number": number, "link": link}
        posted = self._change(request.invoice_id, issued=request.issued, due=request.due, **change)
        self.did("post-invoice", key, "post_invoice")
        return posted

    async def void_invoice(self, key: str, invoice_id: str) -> None:
        await self.called("void_invoice")
        invoice = self.invoices[invoice_id]
        self._check_period(invoice.issued)
        if invoice.paid.amount or invoice.credited.amount:
            problem = Problem(field="invoice_id", reason="has payments or credits")
            raise Refusal("has-payments", problem.reason, problems=[problem])
        self._change(invoice_id, state=InvoiceState.VOIDED, amount_due=_zero(invoice))
        self.did("void-invoice", key, "void_invoice")

    async def find_credits(self, invoice_id: str, reference: str) -> Sequence[Credit]:
        await self.called("find_credits")
        customer = self.invoices[invoice_id].customer_id
        return [
            one
            for one in self.credits.values()
            if self.credited_customers[one.id] == customer and one.key.startswith(f"{reference}/")
        ]

    async def credit_invoice(self, key: str, request: CreditRequest) -> Credit:
        await self.called("credit_invoice")
        self._check_period(request.issued)
        invoice = self.invoices[request.invoice_id]
        credit = Credit(
            id=self.next_id("credit"), key=key, number=self.next_id("CN"), total=invoice.total, left=invoice.total
        )
        self.credits[credit.id] = credit
        self.credited_customers[credit.id] = invoice.customer_id
        self.did("credit-invoice", key, "credit_invoice")
        return credit

    async def allocate_credit(self, key: str, credit: Credit, invoice: Invoice) -> Credit:
        await self.called("allocate_credit")
        now = self.invoices[invoice.id]
        used = credit.left if credit.left <= now.amount_due else now.amount_due
        self._settle(now, credited=now.credited + used)
        self.credits[credit.id] = credit.model_copy(update={"left": credit.left - used, "invoice_id": invoice.id})
        self.did("allocate-credit", key, "allocate_credit")
        return self.credits[credit.id]

    async def send_invoice(self, key: str, request: SendRequest) -> None:
        await self.called("send_invoice")
        invoice = self.invoices[request.invoice_id]
        if not self.customers[invoice.customer_id].email:
            problem = Problem(field="customer.email", reason="is missing: add it in accounting, then retry")
            raise Refusal("no-address", problem.reason, problems=[problem])
        self._change(request.invoice_id, sent=True)
        self.did("send-invoice", key, "send_invoice")

    # ---- what people do in the books ------------------------------------------------------------------------------

    def have_customer(self, **fields: Any) -> Candidate:
        """Have a customer that somebody made."""
        made = Candidate(id=self.next_id("contact"), **fields)
        self.customers[made.id] = made
        return made

    def have_invoice(self, key: str, request: InvoiceRequest, text: str = "") -> Invoice:
        """Have a posted and sent invoice with this key; without a key people made it, and `text` is its reference."""
        number, link = self.next_id("INV"), "https://pay.example/there"
        made = Invoice(
            id=self.next_id("invoice"),
            key=key,
            number=number,
            state=InvoiceState.POSTED,
            sent=True,
            link=link,
            **_content(request),
        )
        self.texts[made.id] = text
        return self._put(made)

    def pay(self, invoice_id: str, amount: Money) -> Invoice:
        """Book a payment; it may come to more than is open."""
        invoice = self.invoices[invoice_id]
        return self._settle(invoice, paid=invoice.paid + amount)

    def credit_by_hand(self, invoice_id: str, amount: Money) -> Invoice:
        """Credit a part of it, or all."""
        invoice = self.invoices[invoice_id]
        credit = Credit(
            id=self.next_id("credit"),
            key="",
            number=self.next_id("CN"),
            total=amount,
            left=_zero(invoice),
            invoice_id=invoice_id,
        )
        self.credits[credit.id] = credit
        self.credited_customers[credit.id] = invoice.customer_id
        return self._settle(invoice, credited=invoice.credited + amount)

    def void_by_hand(self, invoice_id: str) -> Invoice:
        """Void it."""
        return self._change(invoice_id, state=InvoiceState.VOIDED, amount_due=_zero(self.invoices[invoice_id]))

    def change(self, invoice_id: str, **fields: Any) -> Invoice:
        """Change what people can: the due date, the day the customer promised to pay on."""
        return self._change(invoice_id, **fields)

    def close_period(self, until: date) -> None:
        """Lock the books up to a day, itself included."""
        self.books = self.books.model_copy(update={"locked_until": until})

    def states(self) -> list[str]:
        """The states of all invoices, in the order they were made."""
        return [one.state.value for one in self.invoices.values()]

    # ---- the paper ------------------------------------------------------------------------------------------------

    def _put(self, invoice: Invoice) -> Invoice:
        self.invoices[invoice.id] = invoice
        return invoice

    def _change(self, invoice_id: str, **fields: Any) -> Invoice:
        return self._put(self.invoices[invoice_id].model_copy(update=fields))

    def _settle(self, invoice: Invoice, **fields: Money) -> Invoice:
        now = invoice.model_copy(update=fields)
        left = now.total - now.paid - now.credited
        open_ = left if left.amount > 0 else _zero(now)
        return self._put(
            now.model_copy(
                update={"amount_due": open_, "state": InvoiceState.POSTED if open_.amount else InvoiceState.PAID}
            )
        )

    def _check_period(self, day: date) -> None:
        if self.books.locked_until and day <= self.books.locked_until:
            problem = Problem(field="issued", reason=f"lies in a period closed until {self.books.locked_until}")
            raise Refusal("closed-period", problem.reason, problems=[problem])


def _content(request: InvoiceRequest) -> dict[str, Any]:
    zero = Money(amount=Decimal(0), currency=request.currency)
    names = ("customer_id", "issued", "due", "net", "tax", "total")
    same = {name: getattr(request, name) for name in names}
    return {**same, "paid": zero, "credited": zero, "amount_due": request.total}


def _zero(invoice: Invoice) -> Money:
    return Money(amount=Decimal(0), currency=invoice.total.currency)


def _as_customer(one: Candidate, key: str = "") -> AccountingCustomer:
    return AccountingCustomer(id=one.id, key=key, number=one.number, name=one.name, archived=one.archived)


def _is_for(key: str, besides: str) -> bool:
    """Whether the key is of the object `besides`, or a part of it."""
    reference = reference_of(key)
    return reference == besides or reference.startswith(f"{besides}.")
