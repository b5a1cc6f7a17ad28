"""Follow an invoice until it is paid: remind the customer, and ask finance about what no rule decides."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from temporalio import workflow

from activities import accounting, crm, mail
from seamline.process.asking import Question
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.base import Record
from seamline.records.billing import Duty
from seamline.records.deal import BillingContact, Deal, DealRequest, NoteKey, NoteStatus
from seamline.records.event import EventKind
from seamline.records.invoice import Invoice, InvoiceById, InvoiceState, WatchRequest
from seamline.records.money import Money
from seamline.records.policy import Policy
from seamline.records.reference import Reference, external_id_of
from seamline.records.reminder import NEVER, ReminderMail, moment_of

_NO_REMINDERS = {
    NoteStatus.DISPUTED: "the invoice is disputed in the CRM",
    NoteStatus.REVERSED: "the invoice is marked as reversed in the CRM",
}


class InvoiceStart(Start):
    """Which deal the invoice is for; the reference is the invoice's own, in accounting."""

    deal_reference: Reference
    note_key: str
    """The effect key of what the CRM was told of it."""


class Followed(Record):
    """What became of the invoice."""

    invoice_id: str
    number: str
    state: InvoiceState
    """As accounting has it."""
    ended: str
    """In words."""
    paid: str
    credited: str
    reminders: int


@process("follow-invoice", upgrades=True)
class FollowInvoice(Process):
    """A process of its own, so that months of waiting for money keep no deal's process open."""

    roles = ("crm", "accounting", "mail")
    origin = "accounting"
    hears = (EventKind.INVOICE_CHANGED,)

    def __init__(self) -> None:
        super().__init__()
        self.began = NEVER
        self.deal_reference = ""
        self.note_key = ""
        self.passed = 0
        """Reminders whose time has come, sent or not."""
        self.sent = 0
        self.asked = 0
        """How often finance was asked about the unpaid invoice."""
        self.judged: Money | None = None
        """The open rest of a short payment that finance has seen."""
        self.enough = ""
        """Who took the payment as enough with that rest, and why."""
        self.given_up = ""
        """Who has the unpaid invoice followed no longer, and why."""

    async def run(self, start: InvoiceStart) -> Outcome:
        """The story; each line is one business step."""
        invoice = await self.first_look(start)
        while self.is_owed(invoice):
            invoice = await self.until(accounting.moved, self.watch(invoice))
            invoice = await self.judge_short_payment(invoice)
            await self.remind(invoice)
            invoice = await self.judge_unpaid(invoice)
        if invoice.taken_back:
            return await self.was_taken_back(invoice)
        return await self.is_settled(invoice)

    async def first_look(self, start: InvoiceStart) -> Invoice:
        """The invoice as it is; reminders whose time had come before are not sent."""
        self.deal_reference, self.note_key = start.deal_reference, start.note_key
        self.policy = seldom(self.policy)
        self.began = workflow.now()
        invoice = await self.read()
        while self.remind_at(invoice) <= self.began:
            self.passed += 1
        return invoice

    async def read(self) -> Invoice:
        """The invoice as it is now."""
        return await self.do(accounting.read_invoice, InvoiceById(invoice_id=external_id_of(self.start.reference)))

    def is_owed(self, invoice: Invoice) -> bool:
        """Whether more is open than is let pass, and finance wants it followed."""
        if invoice.state is not InvoiceState.POSTED or self.given_up:
            return False
        if self.enough and invoice.amount_due == self.judged:
            return False
        return not invoice.paid.amount or invoice.amount_due.amount > self.small(invoice)

    def small(self, invoice: Invoice) -> Decimal:
        """How much less or more counts as paid."""
        return self.policy.billing.small_difference.get(invoice.total.currency, Decimal(0))

    # ---- when -----------------------------------------------------------------------------------------------------

    def watch(self, invoice: Invoice) -> WatchRequest:
        """Look until something of it moved, or there is something to do all the same."""
        return WatchRequest(
            invoice_id=invoice.id,
            amount_due=invoice.amount_due,
            until=min(self.short_at(invoice), self.remind_at(invoice), self.ask_at(invoice)),
            pause_seconds_max=self.policy.poll_max_seconds,
        )

    def short_at(self, invoice: Invoice) -> datetime:
        """When a part that was paid counts as a short payment: the day after the due date."""
        in_part = bool(invoice.paid.amount) and invoice.amount_due != self.judged
        return self.promised(invoice, 1) if in_part else NEVER

    def remind_at(self, invoice: Invoice) -> datetime:
        """When the next reminder is due: not before the day until which the customer promised to pay."""
        days = sorted(self.policy.billing.remind_days) if self.policy.billing.reminds is Duty.US else []
        return self.promised(invoice, days[self.passed]) if self.passed < len(days) else NEVER

    def ask_at(self, invoice: Invoice) -> datetime:
        """When finance is asked what becomes of an unpaid invoice."""
        return self.promised(invoice, self.policy.billing.unpaid_days * (self.asked + 1))

    def promised(self, invoice: Invoice, days: int) -> datetime:
        """So many days after the due date, and after the day that the customer promised."""
        due = self.day(invoice, days)
        if invoice.promised_for is None:
            return due
        return max(due, moment_of(invoice.promised_for, 1, self.policy, self.began))

    def day(self, invoice: Invoice, days: int) -> datetime:
        """The morning so many days after the due date."""
        return moment_of(invoice.due, days, self.policy, self.began)

    # ---- what ------------------------------------------------------------------------------------------------------

    async def judge_short_payment(self, invoice: Invoice) -> Invoice:
        """Have finance say whether what came is enough; the invoice as it is then."""
        if not self.is_owed(invoice) or self.short_at(invoice) > workflow.now():
            return invoice
        reason = f"{told(invoice)}: approve to take it as paid, reject to have the rest asked for"
        question = Question("short-payment", "Take a short payment as paid", reason, about=invoice, team="finance")
        answer = await self.ask(question)
        self.judged, self.enough = invoice.amount_due, answer.told if answer.approved else ""
        return await self.read()

    async def remind(self, invoice: Invoice) -> None:
        """Send the reminder that is due by now, unless sales say that the customer does not accept the invoice."""
        if not self.is_owed(invoice) or self.remind_at(invoice) > workflow.now():
            return
        self.passed += 1
        deal = await self.do(crm.fetch_deal, DealRequest(reference=self.deal_reference))
        if reason := self.no_reminder(deal):
            self.note(f"reminder {self.passed} was not sent: {reason}")
            return
        await self.do(mail.send_reminder, self.reminder(deal, invoice), number=self.passed)
        self.sent += 1

    def no_reminder(self, deal: Deal) -> str:
        """Why the customer is not reminded; empty when it is."""
        note = deal.note(self.note_key)
        if note and note.status in _NO_REMINDERS:
            return _NO_REMINDERS[note.status]
        return "" if deal.contact and deal.contact.email else "the billing contact has no mail address in the CRM"

    def reminder(self, deal: Deal, invoice: Invoice) -> ReminderMail:
        """What the customer is told."""
        contact = deal.contact or BillingContact()
        return ReminderMail(
            reference=self.start.reference,
            to=contact.email,
            name=f"{contact.first_name} {contact.last_name}".strip(),
            number=invoice.number,
            total=invoice.total,
            amount_due=invoice.amount_due,
            due=invoice.due,
            overdue=self.day(invoice, 1) <= workflow.now(),
            link=invoice.link,
        )

    async def judge_unpaid(self, invoice: Invoice) -> Invoice:
        """Have finance say whether an invoice that nobody pays is followed on; the invoice as it is then."""
        if not self.is_owed(invoice) or self.ask_at(invoice) > workflow.now():
            return invoice
        self.asked += 1
        reason = (
            f"{told(invoice)}, due on {invoice.due}; reminders sent: {self.sent}; approve to wait on, "
            "reject to have it followed no longer"
        )
        answer = await self.ask(Question("unpaid", "Wait on for the payment", reason, about=invoice, team="finance"))
        self.given_up = "" if answer.approved else answer.told
        return await self.read()

    # ---- the end --------------------------------------------------------------------------------------------------

    async def was_taken_back(self, invoice: Invoice) -> Outcome:
        """Voided or credited: by a reversal, which tells sales itself, or by people, so that sales are told here."""
        await self.settle(self.policy.billing.settle_seconds, "Leave sales to the reversal, where there is one")
        await self.do(crm.mark_reversed, NoteKey(note_key=self.note_key))
        self.note(f"{invoice.number} was voided or credited in accounting: nothing is owed for it")
        return self.completed(self.followed(invoice, "taken back"))

    async def is_settled(self, invoice: Invoice) -> Outcome:
        """Paid, or as good as; or given up by finance."""
        if invoice.credited.amount:
            self.note(f"{invoice.credited} of {invoice.number} was credited or written off in accounting")
        if self.given_up and invoice.state is InvoiceState.POSTED:
            self.manual.append(f"{invoice.number} is unpaid and followed no longer: collect it, or write it off")
            return self.completed(self.followed(invoice, f"unpaid, {self.given_up}"))
        if invoice.amount_due.amount:
            self.manual.append(f"write the open {invoice.amount_due} of {invoice.number} off in accounting")
        await self.do(crm.mark_paid, NoteKey(note_key=self.note_key))
        await self.judge_overpayment(invoice)
        short = bool(self.enough and invoice.amount_due.amount)
        return self.completed(self.followed(invoice, f"paid short, {self.enough}" if short else "paid"))

    async def judge_overpayment(self, invoice: Invoice) -> None:
        """Have finance say what becomes of what came too much."""
        over = invoice.paid + invoice.credited - invoice.total
        if over.amount <= self.small(invoice):
            return
        reason = f"{told(invoice)}, {over} too much: approve to keep it for the customer, reject to have it paid back"
        question = Question("overpayment", "Keep what is too much", reason, about=invoice, team="finance")
        answer = await self.ask(question)
        if not answer.approved:
            self.manual.append(f"pay {over} of {invoice.number} back to the customer")

    def followed(self, invoice: Invoice, ended: str) -> Followed:
        """The outcome's record."""
        return Followed(
            invoice_id=invoice.id,
            number=invoice.number,
            state=invoice.state,
            ended=ended,
            paid=str(invoice.paid),
            credited=str(invoice.credited),
            reminders=self.sent,
        )


def seldom(policy: Policy) -> Policy:
    """Accounting is asked for payments less often than shelves are looked at."""
    times = {
        "poll_seconds": policy.billing.payment_poll_seconds,
        "poll_max_seconds": policy.billing.payment_poll_max_seconds,
    }
    return policy.model_copy(update=times)


def told(invoice: Invoice) -> str:
    """How an invoice stands, in words."""
    credited = f" and {invoice.credited} credited" if invoice.credited.amount else ""
    return f"{invoice.number} over {invoice.total}: {invoice.paid} was paid{credited}, {invoice.amount_due} is open"
