"""Take back the invoices of a deal that was reopened, or amended after it was won; people always confirm it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from temporalio import workflow

from activities import accounting, crm, marketing, waiting
from activities.waiting import Processes
from seamline.errors import Problem
from seamline.process.asking import Question
from seamline.process.process import Process, process
from seamline.process.start import Start, workflow_id
from seamline.process.view import Outcome
from seamline.records.audience import Audience, PutBack
from seamline.records.base import Record
from seamline.records.billing import Duty
from seamline.records.deal import Deal, DealRequest, DealStage, InvoiceNote, NoteKey, NoteStatus
from seamline.records.event import EventKind
from seamline.records.invoice import Besides, CreditRequest, Invoice, InvoicesOf, InvoiceState
from seamline.records.money import Money
from seamline.records.reference import effect_key, external_id_of, number_of, part_of, reference_of, with_part
from seamline.records.undo import Undone, UndoState
from workflows.deal_to_invoice import DealToInvoice, audience_request

LOOKED_FOR_AT_ONCE = 20
"""References in one look for invoices: each can be a call of its own, within the time of one try."""
SHOWN_MAX = 10
AFTER_BILLING = "after-billing"
"""The change since which a reversal waits for what bills the deal."""
REASON = "the deal was reopened or amended in the CRM"
_POSTED = (InvoiceState.POSTED, InvoiceState.PAID)


class Standing(Record):
    """An invoice of the deal that stands: in accounting, in the CRM, or in both."""

    reference: str
    """The deal's, or the instalment's."""
    made_as: int
    """The number in the effect keys that it was made under."""
    number: str
    note_key: str = ""
    """What the CRM was told of it; empty when nothing."""
    invoice_id: str = ""
    """Accounting's; empty when it is not there any more."""
    customer_id: str = ""
    total: Money
    paid: Money | None = None

    @property
    def told(self) -> str:
        """What a reversal does to it, in words."""
        if not self.invoice_id:
            return f"{self.number} is not in accounting any more, and is marked as reversed in the CRM"
        if self.paid and self.paid.amount:
            return f"{self.number} over {self.total} is credited; {self.paid} was paid and stays with the customer"
        return f"{self.number} over {self.total} is voided, or credited where its period is closed"


class Reversal(Record):
    """What people are shown before anything is taken back, and what came of it."""

    stage: DealStage
    first: int
    """The number of the first reversal: they are counted on from those before."""
    invoices: tuple[Standing, ...] = ()
    refused: str = ""
    """Why nothing is taken back; empty where people want it."""


@process("reverse-deal")
class ReverseDeal(Process):
    """Starts when a won deal is reopened; staff start it for one that was amended and stayed won."""

    roles = ("crm", "accounting", "marketing", "mail")
    origin = "crm"
    chosen = ("accounting",)
    starts_on = (EventKind.DEAL_REOPENED,)
    hears = (EventKind.DEAL_REOPENED, EventKind.DEAL_CHANGED, EventKind.DEAL_WON)
    repeats = True

    async def run(self, start: Start) -> Outcome:
        """The story; each line is one business step."""
        await self.settle(self.policy.billing.settle_seconds, "Wait out changes of the stage")
        async with self.undoable():
            reversal = await self.confirmed(await self.standing())
            if reversal.refused:
                return self.ignored("; ".join((reversal.refused, *self.manual)))

        # People want it: from here only forward.
        for number, invoice in enumerate(reversal.invoices, start=reversal.first):
            await self.take_back(invoice, number)
        deal = await self.do(crm.fetch_deal, DealRequest())
        await self.tell_marketing(deal, reversal)
        await self.bill_again(deal)
        return self.completed(reversal)

    # ---- what stands ----------------------------------------------------------------------------------------------

    async def standing(self) -> Reversal:
        """What would be taken back."""
        await self.billing_ended()
        deal = await self.do(crm.fetch_deal, DealRequest(), check=self.unrouted, strict=True)
        if connection := self.policy.billing.connection_of(deal.entity):
            self.choose("accounting", connection)
        found = await self.invoices(deal)
        self.leave_to_people(found)
        invoices = tuple(self.matched(deal, found))
        before = [one for one in deal.invoices if one.status is NoteStatus.REVERSED]
        refused = "" if invoices else "no invoice of the deal stands"
        return Reversal(stage=deal.stage, first=len(before) + 1, invoices=invoices, refused=refused)

    def unrouted(self, deal: Deal) -> list[Problem]:
        """Why nobody knows which books hold its invoices; empty when it is known."""
        if self.policy.billing.connection_of(deal.entity) or self.route.get("accounting"):
            return []
        remedy = "correct it in the CRM and retry, or set policy.billing.entities and start anew"
        return [Problem(field="entity", reason=f"is no legal entity whose books are known: {remedy}")]

    async def billing_ended(self) -> None:
        """Let what bills the deal come to its end: what it did after a look here would be left standing."""
        if workflow.patched(AFTER_BILLING):
            billed = self.references(await self.do(crm.fetch_deal, DealRequest()))
            ids = tuple(workflow_id(DealToInvoice.name, one) for one in billed)
            await self.until(waiting.ended, Processes(process_ids=ids))

    async def invoices(self, deal: Deal) -> list[Invoice]:
        """What accounting holds for the deal and its instalments."""
        references = self.references(deal)
        found: list[Invoice] = []
        for place in range(0, len(references), LOOKED_FOR_AT_ONCE):
            asked = InvoicesOf(references=references[place : place + LOOKED_FOR_AT_ONCE])
            found += (await self.do(accounting.find_invoices, asked)).invoices
        return found

    def references(self, deal: Deal) -> tuple[str, ...]:
        """Whose invoices to look for: the deal, the instalments that were billed, and those that could be by now."""
        whole = self.start.reference
        if part_of(whole):
            return (whole,)
        due = {with_part(whole, one.number) for one in deal.instalments if one.bill_on <= self.today()}
        return tuple(sorted({whole, *due, *(reference_of(one.key) for one in self.notes(deal))}))

    def notes(self, deal: Deal) -> list[InvoiceNote]:
        """What the CRM says that stands."""
        return [one for one in deal.invoices if one.status is not NoteStatus.REVERSED and self.covers(one.key)]

    def covers(self, key: str) -> bool:
        """Whether an effect key is of what is to be taken back: the instalment, or the deal with all of them."""
        reference = reference_of(key)
        if not reference or part_of(self.start.reference):
            return reference == self.start.reference
        return external_id_of(reference) == external_id_of(self.start.reference)

    def matched(self, deal: Deal, found: Sequence[Invoice]) -> Iterator[Standing]:
        """Each invoice once, with what the CRM was told of it."""
        posted = {made_as(one.key): one for one in found if self.covers(one.key) and one.state in _POSTED}
        for note in self.notes(deal):
            yield of_note(note, posted.get(made_as(note.key)))
        told = {made_as(one.key) for one in deal.invoices}
        for made, invoice in posted.items():
            # What is neither sent nor told is the business of `deal-to-invoice`, which the same event has stopped.
            unfinished = self.policy.billing.sends is Duty.US and not invoice.sent
            if made not in told and not unfinished and not invoice.taken_back:
                yield of_invoice(invoice)

    def leave_to_people(self, found: Sequence[Invoice]) -> None:
        """What others made for the deal is theirs to take back."""
        for one in found:
            task = f"{one.number or one.id} was made for the deal by others: take it back by hand"
            if not one.key and task not in self.manual:
                self.manual.append(task)

    def today(self) -> date:
        """The day by the clock of the business."""
        return self.policy.today(workflow.now())

    # ---- people ---------------------------------------------------------------------------------------------------

    async def confirmed(self, reversal: Reversal) -> Reversal:
        """The reversal as people want it, or refuse it. They are asked anew where what stands has changed meanwhile."""
        while not reversal.refused:
            question = Question("reversal", "Take the invoices back", reasons(reversal), about=reversal, team="finance")
            answer = await self.ask(question)
            if not answer.approved:
                return reversal.model_copy(update={"refused": answer.told})
            now = await self.standing()
            if now == reversal:
                break
            self.note("what stands was changed meanwhile: finance is asked again")
            reversal = now
        return reversal

    # ---- taking back ----------------------------------------------------------------------------------------------

    async def take_back(self, one: Standing, number: int) -> None:
        """In accounting first, then sales are told."""
        if one.invoice_id:
            request = CreditRequest(invoice_id=one.invoice_id, issued=self.today(), reason=REASON)
            undone = await self.do(accounting.reverse_invoice, request, number=number)
            self.tell_finance(one, undone)
        if one.note_key:
            await self.do(crm.mark_reversed, NoteKey(note_key=one.note_key), number=number)

    def tell_finance(self, one: Standing, undone: Undone) -> None:
        """What is left to them."""
        if undone.detail:
            self.note(undone.detail)
        if undone.state is UndoState.BY_HAND:
            self.manual.append(f"void or credit {one.number} by hand")
        elif one.paid and one.paid.amount:
            self.manual.append(f"{one.paid} was paid for {one.number}: pay it out, or keep it as the customer's credit")

    async def tell_marketing(self, deal: Deal, reversal: Reversal) -> None:
        """Put back what the deal changed there, unless they are customers all the same."""
        if self.policy.billing.owns_stage is not Duty.US:
            return
        customers = sorted({one.customer_id for one in reversal.invoices} - {""})
        if not customers or await self.in_use(customers):
            self.note("marketing keeps them as customers: they have other invoices, or nobody can tell")
            return
        found = await self.do(marketing.find_audience, audience_request(deal))
        for number, one in enumerate(reversal.invoices, start=reversal.first):
            if not found.empty:
                await self.do(marketing.put_back, put_back(found, one), number=number)

    async def in_use(self, customers: Sequence[str]) -> bool:
        """Whether accounting has other invoices of theirs."""
        return any([(await self.do(accounting.in_use, Besides(customer_id=one))).used for one in customers])

    async def bill_again(self, deal: Deal) -> None:
        """A deal that is won by now is billed as it is now."""
        if deal.stage is DealStage.WON:
            await self.hand_on(DealToInvoice, self.start, again=True)


def made_as(key: str) -> tuple[str, int]:
    """For what an invoice was made, and the how manieth it is: the same in all keys of its effects."""
    return reference_of(key), number_of(key)


def of_invoice(invoice: Invoice) -> Standing:
    """What accounting knows of it."""
    return Standing(
        reference=reference_of(invoice.key),
        made_as=number_of(invoice.key),
        number=invoice.number,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        total=invoice.total,
        paid=invoice.paid,
    )


def of_note(note: InvoiceNote, invoice: Invoice | None) -> Standing:
    """What sales know of it, and accounting where it is there."""
    if invoice:
        return of_invoice(invoice).model_copy(update={"note_key": note.key})
    return Standing(
        reference=reference_of(note.key),
        made_as=number_of(note.key),
        number=note.number,
        note_key=note.key,
        total=note.amount,
    )


def reasons(reversal: Reversal) -> str:
    """What a reversal does, in words."""
    told = [one.told for one in reversal.invoices[:SHOWN_MAX]]
    if more := len(reversal.invoices) - SHOWN_MAX:
        told += [f"and {more} more"] if more > 0 else []
    again = "; the deal is won, and is billed again afterwards" if reversal.stage is DealStage.WON else ""
    return f"the deal is {reversal.stage.value}: {'; '.join(told)}{again}"


def put_back(found: Audience, one: Standing) -> PutBack:
    """Which changes in marketing are taken back: those made with this invoice."""
    return PutBack(
        company_ids=tuple(company.id for company in found.companies),
        person_ids=tuple(person.id for person in found.people),
        stage_key=effect_key(one.reference, marketing.become_customer.purpose, one.made_as),
        mail_key=effect_key(one.reference, marketing.stop_prospect_mail.purpose, one.made_as),
    )
