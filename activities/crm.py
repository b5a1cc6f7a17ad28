"""The CRM: where deals are won, and where sales reads what became of their invoices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from activities.tracing import Traceable
from seamline.errors import Problem, Refusal
from seamline.process.effect import STANDS, Call, Effect, Foreseen, Read, operation
from seamline.records.deal import (
    Deal,
    DealRequest,
    InvoiceNote,
    NoteKey,
    NoteRequest,
    NoteStatus,
    Task,
    TaskRequest,
    WonDeals,
    WonRequest,
)
from seamline.records.event import EventKind
from seamline.records.reference import reference_of
from seamline.records.system import FORESEEN, Repeat
from seamline.records.undo import Undone, UndoState


class CrmSystem(Traceable, Protocol):
    """What a CRM must be able to do. Adapters raise the errors of `seamline.errors`."""

    repeats: Mapping[str, Repeat]

    async def fetch_deal(self, reference: str) -> Deal:
        """The deal as it is now; a part's reference gives the whole deal. Refusal `not-found` when there is none."""

    async def find_won(self, request: WonRequest) -> WonDeals:
        """What is to be billed or reversed by now, 2000 at most.

        Deals whose stage changed since: the won ones, and of the others those with an invoice that stands; and
        instalments of won deals that are due and not billed, whenever the stage changed."""

    async def write_note(self, reference: str, key: str, request: NoteRequest) -> InvoiceNote:
        """Set what the CRM knows of the invoice with this effect key: repeating sets the same again."""

    async def create_task(self, reference: str, key: str, request: TaskRequest) -> Task:
        """A task about the deal, for its owner where the request names nobody. Found again by its effect key."""


class Crm:
    """The CRM's activities over any system that fills the role."""

    def __init__(self, system: CrmSystem) -> None:
        self.system = system

    @operation("crm.fetch_deal")
    async def fetch_deal(self, call: Call[DealRequest]) -> Deal:
        """Fetch the deal anew: a webhook's payload may be stale."""
        return await self.system.fetch_deal(call.request.reference or call.reference)

    @operation("crm.find_won")
    async def find_won(self, call: Call[WonRequest]) -> WonDeals:
        """What is to be billed by now."""
        return await self.system.find_won(call.request)

    @operation("crm.write_invoice")
    async def write_invoice(self, call: Call[NoteRequest]) -> InvoiceNote:
        """Write number, link, amount and status to the deal.

        Refusal `field-conflict` where the deal already names an invoice that we did not write.
        """
        return await self.system.write_note(call.reference, call.key, call.request)

    @operation("crm.reverse_invoice")
    async def reverse_invoice(self, call: Call[NoteRequest]) -> Undone:
        """Mark what was written as reversed; it stays to be read. Nothing to do when it was never written."""
        return await self._reversed(call.reference, call.key)

    @operation("crm.mark_reversed")
    async def mark_reversed(self, call: Call[NoteKey]) -> Undone:
        """The same for what another process wrote."""
        return await self._reversed(reference_of(call.request.note_key), call.request.note_key)

    @operation("crm.mark_paid")
    async def mark_paid(self, call: Call[NoteKey]) -> InvoiceNote:
        """Tell sales that the invoice is paid. What is marked as reversed stays so."""
        key = call.request.note_key
        note = await self._note(reference_of(key), key)
        if note is None:
            problem = Problem(field="note_key", reason="is on no invoice of the deal: it was deleted in the CRM")
            raise Refusal("not-found", problem.reason, problems=[problem])
        if note.status in (NoteStatus.PAID, NoteStatus.REVERSED):
            return note
        return await self.system.write_note(reference_of(key), key, _with_status(note, NoteStatus.PAID))

    async def _reversed(self, reference: str, key: str) -> Undone:
        note = await self._note(reference, key)
        if note is None:
            return Undone(state=UndoState.NOTHING)
        if note.status is not NoteStatus.REVERSED:
            await self.system.write_note(reference, key, _with_status(note, NoteStatus.REVERSED))
        return Undone(state=UndoState.UNDONE, detail=f"{note.number} is marked as reversed", money=note.amount)

    async def _note(self, reference: str, key: str) -> InvoiceNote | None:
        return (await self.system.fetch_deal(reference)).note(key)

    @operation("crm.create_task")
    async def create_task(self, call: Call[TaskRequest]) -> Task:
        """Ask the deal's owner in the CRM."""
        return await self.system.create_task(call.reference, call.key, call.request)


def _with_status(note: InvoiceNote, status: NoteStatus) -> NoteRequest:
    return NoteRequest(number=note.number, link=note.link, amount=note.amount, status=status)


_CHANGES = (EventKind.DEAL_CHANGED, EventKind.DEAL_WON, EventKind.DEAL_REOPENED)

fetch_deal = Read(Crm.fetch_deal, title="Fetch the deal", team="sales-ops", news=_CHANGES)
find_won = Read(Crm.find_won, title="Look for won deals", team="it")
write_invoice = Effect(
    Crm.write_invoice,
    undo=Crm.reverse_invoice,
    title="Write the invoice to the CRM",
    team="sales-ops",
    foreseen=Foreseen(
        lambda call, _: InvoiceNote(id=FORESEEN, key=call.key, **dict(call.request)),
        lambda request: f"{request.amount}, {request.status}",
    ),
)
mark_reversed = Effect(
    Crm.mark_reversed,
    undo=STANDS,
    title="Mark it as reversed in the CRM",
    team="sales-ops",
    foreseen=Foreseen(lambda call, _: Undone(state=UndoState.UNDONE), lambda request: request.note_key),
)
mark_paid = Effect(Crm.mark_paid, undo=STANDS, title="Mark it as paid in the CRM", team="sales-ops")
create_task = Effect(
    Crm.create_task,
    undo=STANDS,
    title="Leave a task in the CRM",
    team="sales-ops",
    foreseen=Foreseen(lambda call, _: Task(id=FORESEEN, key=call.key), lambda request: request.subject),
)
