"""Follow an invoice until it is paid."""

from __future__ import annotations

from datetime import timedelta

from activities import accounting
from seamline.process.process import Process, process
from seamline.process.start import Start
from seamline.process.view import Outcome
from seamline.records.invoice import InvoiceById, InvoiceState


class InvoiceStart(Start):
    """Which deal the invoice is for; the reference is the invoice's own, in accounting."""

    deal_reference: str
    note_key: str
    """The effect key of what the CRM was told of it."""


@process("follow-invoice", upgrades=True)
class FollowInvoice(Process):
    """A process of its own, so that months until the payment keep no deal's process open."""

    roles = ("crm", "accounting", "mail")
    origin = "accounting"

    async def run(self, start: InvoiceStart) -> Outcome:
        """Until it is settled."""
        request = InvoiceById(invoice_id=start.reference.partition(":")[2])
        invoice = await self.do(accounting.read_invoice, request)
        while invoice.state is InvoiceState.POSTED:
            await self.settle(timedelta(hours=1).total_seconds(), "Wait for the payment")
            invoice = await self.do(accounting.read_invoice, request)
        return self.completed(invoice)
