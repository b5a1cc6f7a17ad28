"""Take a won deal to an invoice that the customer has, and let sales and marketing know."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from temporalio import workflow

from activities import accounting, crm, marketing
from seamline.errors import Problem
from seamline.process.asking import Answer, Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records import bill as billing
from seamline.records.audience import AudienceRequest, MailStop, StageRequest
from seamline.records.base import Record
from seamline.records.bill import Bill
from seamline.records.billing import Duty
from seamline.records.customer import Customer, CustomerQuery, CustomerRequest, LinkRequest
from seamline.records.deal import BillingContact, Deal, DealRequest, DealStage, NoteRequest, TaskRequest
from seamline.records.event import EventKind
from seamline.records.invoice import BooksRequest, Invoice, InvoiceRequest, PostRequest, SendRequest
from seamline.records.reference import effect_key, part_of, with_part
from workflows.follow_invoice import FollowInvoice, InvoiceStart

REOPENED = "reopened in the CRM"


class Billed(Record):
    """What came of a deal."""

    customer_id: str
    invoice_id: str
    number: str
    total: str
    issued: date
    due: date
    link: str = ""
    sent: bool = True
    """Whether this process had it mailed; else accounting does."""


@process("deal-to-invoice")
class DealToInvoice(Process):
    """Starts when a deal is won, or an instalment of one is due; ends when everybody knows of the invoice."""

    roles = ("crm", "accounting", "marketing", "mail")
    origin = "crm"
    chosen = ("accounting",)
    starts_on = (EventKind.DEAL_WON,)
    hears = (EventKind.DEAL_WON, EventKind.DEAL_CHANGED, EventKind.DEAL_REOPENED, EventKind.CONSENT_CHANGED)
    stops_on: ClassVar = {EventKind.DEAL_REOPENED: REOPENED}
    repeats = True

    def __init__(self) -> None:
        super().__init__()
        self.number = 1
        """Counts the invoices for the same that are meant: one more after each that was taken back."""

    async def run(self, start: Start) -> Outcome:
        """The story; each line is one business step."""
        await self.settle(self.policy.billing.settle_seconds, "Wait out changes of the stage")
        deal = await self.do(crm.fetch_deal, DealRequest(), check=self.broken_rules, strict=True)
        if reason := self.not_ours(deal):
            return self.ignored(reason)
        if self.in_parts(deal):
            return self.ignored(await self.bill_instalments(deal))
        bill = await self.billable(deal)

        async with self.undoable():
            customer_id, is_new = await self.customer(deal)
            draft = await self.approved_draft(deal, bill, customer_id, is_new=is_new)
            invoice = await self.posted(draft)
            await self.send(invoice)

        # The customer has the invoice: from here only forward; `reverse-deal` takes it back.
        await self.do(crm.write_invoice, note_of(invoice), number=self.number)
        await self.tell_marketing(deal)
        await self.follow(deal, invoice)
        return self.completed(billed(invoice, sent=self.policy.billing.sends is Duty.US))

    # ---- what is billed -------------------------------------------------------------------------------------------

    @property
    def part(self) -> int:
        """The instalment that is billed; 0 for a deal billed at once."""
        return part_of(self.start.reference)

    def today(self) -> date:
        """The day by the clock of the business."""
        return self.policy.today(workflow.now())

    def not_ours(self, deal: Deal) -> str:
        """Why nothing is billed; empty when something is."""
        return deal.not_ours(self.start.reference, production=self.policy.production)

    def in_parts(self, deal: Deal) -> bool:
        """Whether its instalments are billed, each by a process of its own that checks it."""
        return bool(deal.instalments) and not self.part

    def broken_rules(self, deal: Deal) -> list[Problem]:
        """What sales must mend before anything is done; what is not billed here needs no mending."""
        if self.not_ours(deal) or self.in_parts(deal):
            return []
        return [*billing.problems(deal, self.part, self.policy, self.today()), *self.unrouted(deal)]

    def unrouted(self, deal: Deal) -> list[Problem]:
        """Why nobody knows which books the deal belongs to; empty when it is known."""
        if self.policy.billing.connection_of(deal.entity) or self.route.get("accounting"):
            return []
        remedy = "correct it in the CRM, or name its books in policy.billing.entities"
        return [Problem(field="entity", reason=f"is no legal entity whose books are known: {remedy}")]

    async def bill_instalments(self, deal: Deal) -> str:
        """Start a process for each instalment that is due; the others start on their days."""
        due = [one for one in deal.instalments if one.bill_on <= self.today()]
        for one in due:
            reference = with_part(self.start.reference, one.number)
            await self.hand_on(DealToInvoice, self.start.model_copy(update={"reference": reference}))
        return f"billed in {len(deal.instalments)} instalments, each by a process of its own: {len(due)} started"

    async def billable(self, deal: Deal) -> Bill:
        """What is billed, by the books of the legal entity that sold."""
        reversals = self.reversals(deal)
        self.number = reversals + 1
        if reversals:
            reason = f"the deal was invoiced before, and {reversals} of its invoices taken back"
            await self.approved(deal, Question("re-won", "Bill a deal won again", reason, about=deal, team="sales-ops"))
        if connection := self.policy.billing.connection_of(deal.entity):
            self.choose("accounting", connection)
        bill = billing.bill(deal, self.part, self.policy, self.today())
        await self.do(accounting.books, BooksRequest(), check=lambda books: books.problems(bill.currency, bill.lines))
        return bill

    def reversals(self, deal: Deal) -> int:
        """How many invoices for the same were taken back before: effects are numbered on from there."""
        return len(deal.notes_of(self.start.reference))

    # ---- the invoice ----------------------------------------------------------------------------------------------

    async def customer(self, deal: Deal) -> tuple[str, bool]:
        """The customer in accounting, and whether it is new there."""
        wanted = deal.customer or Customer(reference=self.start.reference)
        match = await self.do(
            accounting.match_customer,
            CustomerQuery(customer=wanted),
            check=lambda found: found.problems(wanted),
            strict=True,
        )
        if match.customer is None:
            made = await self.do(accounting.create_customer, CustomerRequest(customer=wanted))
            return made.id, True
        if not match.customer.number:
            link = LinkRequest(candidate_id=match.customer.id, number=wanted.reference)
            await self.do(accounting.link_customer, link)
        return match.customer.id, False

    async def approved_draft(self, deal: Deal, bill: Bill, customer_id: str, *, is_new: bool) -> Invoice:
        """The draft that finance approved, where the policy asks for it; amended, it is drafted and asked anew."""
        request = invoice_request(self.start.reference, deal, bill, customer_id)
        while True:
            draft = await self.draft(request)
            reasons = self.policy.billing.reasons(deal, amended(bill, request), new_customer=is_new)
            if not reasons:
                return draft
            question = Question(
                "invoice", "Approve the invoice", "; ".join(reasons), about=request, team="finance", amendable=True
            )
            answer = await self.approved(deal, question)
            if not isinstance(answer.amended, InvoiceRequest):
                await self.still_won(deal)
                return draft
            request = answer.amended

    async def draft(self, request: InvoiceRequest) -> Invoice:
        """The draft as accounting has it, to the cent as asked for."""
        return await self.do(
            accounting.draft_invoice, request, number=self.number, check=lambda made: made.differs(request)
        )

    async def approved(self, deal: Deal, question: Question) -> Answer:
        """An approval or an amendment; rejected, the deal's owner is told in the CRM and all is taken back."""
        answer = await self.ask(question)
        if not answer.approved and answer.amended is None:
            await self.do(crm.create_task, rejected_task(deal, question, answer), number=self.number)
            await self.stop(answer.told)
        return answer

    async def still_won(self, earlier: Deal) -> None:
        """After the time an approval took: the deal may have been changed, or given up."""
        now = await self.do(crm.fetch_deal, DealRequest(), check=lambda deal: self.changed(earlier, deal))
        if now.stage is not DealStage.WON:
            await self.stop(REOPENED)

    def changed(self, earlier: Deal, now: Deal) -> list[Problem]:
        """What became of the deal meanwhile; one that is not won any more needs no mending."""
        return now.changes_since(earlier) if now.stage is DealStage.WON else []

    async def posted(self, draft: Invoice) -> Invoice:
        """The draft posted; finance may move its dates out of a closed period."""
        request = PostRequest(invoice_id=draft.id, issued=draft.issued, due=draft.due)
        return await self.do(accounting.post_invoice, request, number=self.number)

    async def send(self, invoice: Invoice) -> None:
        """Have it mailed, where that is left to us."""
        if self.policy.billing.sends is not Duty.US:
            self.note("the invoice is sent by accounting, not by this process")
            return
        await self.do(accounting.send_invoice, SendRequest(invoice_id=invoice.id), number=self.number)
        self.note("the invoice was mailed; whether it bounced is not seen here")

    # ---- who is told ----------------------------------------------------------------------------------------------

    async def tell_marketing(self, deal: Deal) -> None:
        """Make company and contact customers there, and stop the mail for prospects."""
        if self.policy.billing.owns_stage is not Duty.US:
            self.note("marketing sets the stage itself")
            return
        asked = audience_request(deal)
        found = await self.do(marketing.find_audience, asked, check=lambda audience: audience.problems(asked))
        if found.empty:
            self.note("marketing does not know the customer")
            return
        people = tuple(one.id for one in found.people)
        stage = StageRequest(company_ids=tuple(one.id for one in found.companies), person_ids=people)
        await self.do(marketing.become_customer, stage, number=self.number)
        if people:
            await self.do(marketing.stop_prospect_mail, MailStop(person_ids=people), number=self.number)

    async def follow(self, deal: Deal, invoice: Invoice) -> None:
        """Until it is paid, in a process of its own that is about the invoice."""
        start = InvoiceStart(
            reference=f"{self.route['accounting']}:{invoice.id}",
            route=self.route,
            policy=self.policy,
            started_by=self.name,
            deal_reference=self.start.reference,
            note_key=effect_key(self.start.reference, crm.write_invoice.purpose, self.number),
        )
        await self.hand_on(FollowInvoice, start)


def invoice_request(reference: str, deal: Deal, bill: Bill, customer_id: str) -> InvoiceRequest:
    """The invoice as it is to be drafted."""
    return InvoiceRequest(
        reference=reference,
        customer_id=customer_id,
        currency=bill.currency,
        issued=bill.issued,
        due=bill.due,
        terms=bill.terms,
        purchase_order=deal.purchase_order,
        lines=bill.lines,
        net=bill.net,
        tax=bill.tax,
        total=bill.total,
    )


def amended(bill: Bill, request: InvoiceRequest) -> Bill:
    """The bill as finance amended it, for the policy to judge again."""
    names = ("issued", "due", "terms", "lines", "net", "tax", "total")
    return bill.model_copy(update={name: getattr(request, name) for name in names})


def rejected_task(deal: Deal, question: Question, answer: Answer) -> TaskRequest:
    """What the deal's owner is asked to do."""
    return TaskRequest(owner_id=deal.owner_id, subject=f"Invoice not made: {question.title.lower()}", text=answer.told)


def note_of(invoice: Invoice) -> NoteRequest:
    """What the CRM is told."""
    return NoteRequest(number=invoice.number, link=invoice.link, amount=invoice.total)


def audience_request(deal: Deal) -> AudienceRequest:
    """Whom marketing is asked about."""
    contact, customer = deal.contact or BillingContact(), deal.customer
    return AudienceRequest(
        customer=customer.reference if customer else deal.reference,
        domain=customer.domain if customer else "",
        emails=(contact.email,) if contact.email else (),
        mail_refused=contact.mail_refused,
    )


def billed(invoice: Invoice, *, sent: bool) -> Billed:
    """The outcome's record."""
    return Billed(
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        number=invoice.number,
        total=str(invoice.total),
        issued=invoice.issued,
        due=invoice.due,
        link=invoice.link,
        sent=sent,
    )
