"""Accounting: customers, invoices from draft to sent, and what takes them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from temporalio import activity

from activities.ensure import ensure
from activities.tracing import Traceable
from seamline.errors import NotYet, Problem, Refusal
from seamline.process.effect import STANDS, Call, Effect, Foreseen, Read, Wait, is_repeat, operation
from seamline.records.customer import (
    AccountingCustomer,
    Candidate,
    CustomerQuery,
    CustomerRequest,
    LinkRequest,
    Match,
    match,
)
from seamline.records.event import EventKind
from seamline.records.invoice import (
    Besides,
    Books,
    BooksRequest,
    Credit,
    CreditRequest,
    InUse,
    Invoice,
    InvoiceById,
    InvoiceRequest,
    Invoices,
    InvoicesOf,
    InvoiceState,
    PostRequest,
    SendRequest,
    Sent,
    WatchRequest,
)
from seamline.records.money import Money
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState


class AccountingSystem(Traceable, Protocol):
    """What accounting must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def read_books(self) -> Books:
        """What the organisation's books allow now."""

    async def find_candidates(self, query: CustomerQuery) -> Sequence[Candidate]:
        """Customers that share number, tax id, domain, name or email with the wanted one, archived ones too."""

    async def create_customer(self, key: str, request: CustomerRequest) -> AccountingCustomer:
        """Make it, with the account's reference as its number."""

    async def find_customer(self, number: str) -> AccountingCustomer | None:
        """The customer that carries the account's reference, archived or not. Its key is empty."""

    async def link_customer(self, key: str, request: LinkRequest) -> AccountingCustomer:
        """Write the number. Refusal `number-taken` where it carries another or another carries it."""

    async def archive_customer(self, customer_id: str) -> None:
        """Archive it."""

    async def has_documents(self, customer_id: str, besides: str) -> bool:
        """Whether an invoice or credit note, not deleted or voided, names the customer; those with a key of the
        reference `besides`, or of a part of it, do not count."""

    async def find_invoices(self, reference: str) -> Sequence[Invoice]:
        """The invoices whose key or text names the reference itself, voided and deleted ones left out."""

    async def draft_invoice(self, key: str, request: InvoiceRequest) -> Invoice:
        """Make a draft that carries the key as its reference. The number is the organisation's own."""

    async def update_draft(self, draft: Invoice, request: InvoiceRequest) -> Invoice:
        """Give the draft other content under the same key."""

    async def delete_draft(self, draft: Invoice) -> None:
        """Delete the draft."""

    async def read_invoice(self, invoice_id: str) -> Invoice:
        """The invoice as it is now, whatever its state. Refusal `not-found`."""

    async def post_invoice(self, key: str, request: PostRequest) -> Invoice:
        """Authorise the draft under these dates. Refusal `closed-period` with the field issued."""

    async def void_invoice(self, key: str, invoice_id: str) -> None:
        """Void it. Refusal `closed-period`, or `has-payments`."""

    async def find_credits(self, invoice_id: str, reference: str) -> Sequence[Credit]:
        """The live credit notes of the invoice's customer that carry a key of the reference."""

    async def credit_invoice(self, key: str, request: CreditRequest) -> Credit:
        """A posted credit note with the invoice's lines that carries the key. It is not set against it yet."""

    async def allocate_credit(self, key: str, credit: Credit, invoice: Invoice) -> Credit:
        """Set as much of the credit against the invoice as is open; what is left of it is the customer's."""

    async def send_invoice(self, key: str, request: SendRequest) -> None:
        """Mail it by accounting's own mail. Refusal `no-address`."""


class Accounting:
    """Accounting's activities over any system that fills the role."""

    def __init__(self, system: AccountingSystem) -> None:
        self.system = system

    # ---- reading --------------------------------------------------------------------------------------------------

    @operation("accounting.books")
    async def books(self, call: Call[BooksRequest]) -> Books:
        """Currencies, tax codes and closed periods."""
        return await self.system.read_books()

    @operation("accounting.match_customer")
    async def match_customer(self, call: Call[CustomerQuery]) -> Match:
        """Who in accounting the account is."""
        return match(call.request.customer, await self.system.find_candidates(call.request))

    @operation("accounting.read_invoice")
    async def read_invoice(self, call: Call[InvoiceById]) -> Invoice:
        """The invoice as it is now."""
        return await self.system.read_invoice(call.request.invoice_id)

    @operation("accounting.find_invoices")
    async def find_invoices(self, call: Call[InvoicesOf]) -> Invoices:
        """The invoices that stand for the references, whoever made them."""
        found = [one for reference in call.request.references for one in await self.system.find_invoices(reference)]
        return Invoices(invoices=tuple(found))

    @operation("accounting.moved")
    async def moved(self, call: Call[WatchRequest]) -> Invoice:
        """The invoice once it is settled, what is open of it changed, or the moment has come.

        The time is the cluster's, by which the moment was set: the worker's own clock may differ.
        """
        asked = call.request
        invoice = await self.system.read_invoice(asked.invoice_id)
        left = (asked.until - activity.info().started_time).total_seconds()
        if invoice.state is not InvoiceState.POSTED or invoice.amount_due != asked.amount_due or left <= 0:
            return invoice
        pause = left if left <= asked.pause_seconds_max else None
        raise NotYet("not-paid", "the invoice is not paid", retry_after_seconds=pause)

    # ---- customers ------------------------------------------------------------------------------------------------

    @operation("accounting.create_customer")
    async def create_customer(self, call: Call[CustomerRequest]) -> AccountingCustomer:
        """Make the customer, or adopt the one that carries the account's reference: a second would be wrong.

        What is there before our first try was made by another process, and its key is empty.
        """
        found = await self.system.find_customer(call.request.customer.reference)
        if found is None:
            return await self.system.create_customer(call.key, call.request)
        if found.archived:
            problem = Problem(field="customer.reference", reason=f"is carried by {found.id}, which is archived")
            raise Refusal(
                "customer-archived", "the customer is archived: restore it there, then retry", problems=[problem]
            )
        return found.model_copy(update={"key": call.key if is_repeat(call) else ""})

    @operation("accounting.archive_customer")
    async def archive_customer(self, call: Call[CustomerRequest]) -> Undone:
        """Archive the customer, unless something else uses it by now."""
        found = await self.system.find_customer(call.request.customer.reference)
        if found is None or found.archived:
            return Undone(state=UndoState.NOTHING)
        if await self.system.has_documents(found.id, call.reference):
            return Undone(state=UndoState.NOTHING, detail=f"{found.id} stays: other documents name it")
        await self.system.archive_customer(found.id)
        return Undone(state=UndoState.UNDONE, detail=f"{found.id} is archived")

    @operation("accounting.in_use")
    async def in_use(self, call: Call[Besides]) -> InUse:
        """Whether the customer has other business with us."""
        return InUse(used=await self.system.has_documents(call.request.customer_id, call.reference))

    @operation("accounting.link_customer")
    async def link_customer(self, call: Call[LinkRequest]) -> AccountingCustomer:
        """Write the account's reference into the customer, so that it is found by it the next time."""
        return await self.system.link_customer(call.key, call.request)

    # ---- invoices -------------------------------------------------------------------------------------------------

    @operation("accounting.draft_invoice")
    async def draft_invoice(self, call: Call[InvoiceRequest]) -> Invoice:
        """Make the draft, or adopt what carries its key; a draft with other content is given the new one.

        Refusal `already-there` where somebody else billed the same reference.
        """
        there = await self.system.find_invoices(call.reference)

        async def find() -> Sequence[Invoice]:
            return there

        ours = next((one for one in there if one.key == call.key), None)
        if ours is None:
            return await ensure(
                call,
                self.system.repeats["draft_invoice"],
                find=find,
                matches=lambda found: True,
                create=lambda: self.system.draft_invoice(call.key, call.request),
                take_back=self.system.delete_draft,
            )
        if ours.state is not InvoiceState.DRAFT:
            return ours
        # Also where its sums are those asked for: purchase order or lines may have been amended.
        return await self.system.update_draft(ours, call.request)

    @operation("accounting.delete_draft")
    async def delete_draft(self, call: Call[InvoiceRequest]) -> Undone:
        """Delete the draft; a posted one is taken back by the undo of posting it."""
        ours = await self._ours(call)
        if ours is None or ours.state is not InvoiceState.DRAFT:
            return Undone(state=UndoState.NOTHING)
        await self.system.delete_draft(ours)
        return Undone(state=UndoState.UNDONE, detail=f"the draft {ours.number or ours.id} is deleted")

    @operation("accounting.post_invoice", about="invoice_id")
    async def post_invoice(self, call: Call[PostRequest]) -> Invoice:
        """Authorise the invoice, unless it is."""
        invoice = await self.system.read_invoice(call.request.invoice_id)
        if invoice.state is InvoiceState.DRAFT:
            return await self.system.post_invoice(call.key, call.request)
        if invoice.state in (InvoiceState.POSTED, InvoiceState.PAID):
            return invoice
        problem = Problem(field="invoice_id", reason=f"is {invoice.state}: cancel, and start the deal anew")
        raise Refusal("invoice-gone", f"the invoice is {invoice.state}", problems=[problem])

    @operation("accounting.take_back_invoice")
    async def take_back_invoice(self, call: Call[PostRequest]) -> Undone:
        """Void the invoice where it is unpaid and its period open, else credit it in full and set that against it."""
        return await self._take_back(call, call.request.invoice_id, datetime.now(UTC).date(), "taken back")

    @operation("accounting.reverse_invoice")
    async def reverse_invoice(self, call: Call[CreditRequest]) -> Undone:
        """The same for an invoice that the customer has: of what was paid, the credit stays with the customer."""
        return await self._take_back(call, call.request.invoice_id, call.request.issued, call.request.reason)

    @operation("accounting.send_invoice", about="invoice_id")
    async def send_invoice(self, call: Call[SendRequest]) -> Sent:
        """Have it mailed, unless it was."""
        invoice = await self.system.read_invoice(call.request.invoice_id)
        if not invoice.sent:
            await self.system.send_invoice(call.key, call.request)
        return Sent(id=invoice.id)

    @operation("accounting.was_sent")
    async def was_sent(self, call: Call[SendRequest]) -> Undone:
        """Too late once the customer has the invoice; nothing to take back before."""
        invoice = await self.system.read_invoice(call.request.invoice_id)
        return Undone(state=UndoState.TOO_LATE if invoice.sent else UndoState.NOTHING)

    async def _ours(self, call: Call[InvoiceRequest]) -> Invoice | None:
        found = await self.system.find_invoices(call.reference)
        return next((one for one in found if one.key == call.key), None)

    async def _take_back(self, call: Call[Any], invoice_id: str, day: date, reason: str) -> Undone:
        invoice = await self.system.read_invoice(invoice_id)
        if invoice.state in (InvoiceState.DRAFT, InvoiceState.DELETED):
            return Undone(state=UndoState.NOTHING)
        if invoice.state is InvoiceState.VOIDED:
            return Undone(state=UndoState.UNDONE, detail=f"{invoice.number} is voided", money=invoice.total)
        found = await self.system.find_credits(invoice_id, call.reference)
        credits = [one for one in found if one.key == call.key]
        if not credits and invoice.credited.amount:
            return _credited_by_others(invoice)
        if not credits and await self._voided(call, invoice):
            return Undone(state=UndoState.UNDONE, detail=f"{invoice.number} is voided", money=invoice.total)
        request = CreditRequest(invoice_id=invoice_id, issued=day, reason=reason)
        credit = credits[0] if credits else await self.system.credit_invoice(call.key, request)
        if credit.left.amount > 0 and invoice.amount_due.amount > 0:
            credit = await self.system.allocate_credit(f"{call.key}/allocate", credit, invoice)
        left = f"; {credit.left} of it stays with the customer" if credit.left.amount > 0 else ""
        detail = f"{invoice.number} is credited by {credit.number or credit.id}{left}"
        return Undone(state=UndoState.UNDONE, detail=detail, money=credit.total)

    async def _voided(self, call: Call[Any], invoice: Invoice) -> bool:
        """Void it where that is still allowed; False where it must be credited."""
        if invoice.paid.amount or invoice.credited.amount:
            return False
        try:
            await self.system.void_invoice(f"{call.key}/void", invoice.id)
        except Refusal as refusal:
            if refusal.failure.code not in ("closed-period", "has-payments"):
                raise
            return False
        return True


def _credited_by_others(invoice: Invoice) -> Undone:
    """What it was credited for is not credited again: the rest is for whoever credited a part."""
    if invoice.taken_back:
        return Undone(state=UndoState.UNDONE, detail=f"{invoice.number} was credited before", money=invoice.credited)
    reason = f"of {invoice.number}, {invoice.credited} of {invoice.total} was credited by others: credit the rest there"
    raise Refusal("partly-credited", f"{reason}, then skip", problems=[Problem(field="invoice_id", reason=reason)])


def _draft(call: Call[InvoiceRequest], _: Invoice | None) -> Invoice:
    asked, none = call.request, Money.total((), call.request.currency)
    return Invoice(
        id=FORESEEN,
        key=call.key,
        state=InvoiceState.DRAFT,
        customer_id=asked.customer_id,
        issued=asked.issued,
        due=asked.due,
        net=asked.net,
        tax=asked.tax,
        total=asked.total,
        paid=none,
        credited=none,
        amount_due=asked.total,
    )


def _posted(call: Call[PostRequest], draft: Invoice | None) -> Invoice | None:
    """The draft, posted; of one that was not foreseen nobody knows here what is on it."""
    dates = {"issued": call.request.issued, "due": call.request.due}
    return draft and draft.model_copy(update={"state": InvoiceState.POSTED, **dates})


def _customer(call: Call[CustomerRequest], _: AccountingCustomer | None) -> AccountingCustomer:
    return AccountingCustomer(id=FORESEEN, key=call.key, number=call.request.customer.reference)


_PAYMENTS = (EventKind.INVOICE_CHANGED,)

books = Read(Accounting.books, title="Read what the books allow", team="finance")
match_customer = Read(
    Accounting.match_customer,
    title="Find the customer in accounting",
    team="finance",
    news=(EventKind.CUSTOMER_CHANGED,),
)
read_invoice = Read(Accounting.read_invoice, title="Read the invoice", team="finance")
find_invoices = Read(Accounting.find_invoices, title="Find its invoices", team="finance")
moved = Wait(Accounting.moved, title="Wait for the payment", team="finance", news=_PAYMENTS)
in_use = Read(Accounting.in_use, title="See whether the customer has other invoices", team="finance")
create_customer = Effect(
    Accounting.create_customer,
    undo=Accounting.archive_customer,
    title="Create the customer",
    team="finance",
    foreseen=Foreseen(_customer, lambda request: request.customer.reference),
)
link_customer = Effect(
    Accounting.link_customer,
    undo=STANDS,
    title="Write the account's reference to the customer",
    team="finance",
    foreseen=Foreseen(
        lambda call, _: AccountingCustomer(id=call.request.candidate_id, number=call.request.number),
        lambda request: f"{request.number} to {request.candidate_id}",
    ),
)
draft_invoice = Effect(
    Accounting.draft_invoice,
    undo=Accounting.delete_draft,
    title="Draft the invoice",
    team="finance",
    foreseen=Foreseen(
        _draft,
        lambda request: f"{request.total}, due on {request.due}",
        "invoice",
        lambda request: request.total,
    ),
)
post_invoice = Effect(
    Accounting.post_invoice,
    undo=Accounting.take_back_invoice,
    title="Post the invoice",
    team="finance",
    foreseen=Foreseen(_posted, lambda request: f"issued on {request.issued}, due on {request.due}"),
)
send_invoice = Effect(
    Accounting.send_invoice,
    undo=Accounting.was_sent,
    gate=True,
    title="Send the invoice",
    team="finance",
    foreseen=Foreseen(lambda call, _: Sent(id=call.request.invoice_id), lambda request: ""),
)
reverse_invoice = Effect(
    Accounting.reverse_invoice,
    undo=STANDS,
    title="Void or credit the invoice",
    team="finance",
    foreseen=Foreseen(lambda call, _: Undone(state=UndoState.UNDONE), lambda request: request.invoice_id),
)
