"""Follow an invoice until it is paid."""

from __future__ import annotations

from seamline.process.start import Start


class InvoiceStart(Start):
    """Which deal the invoice is for; the reference is the invoice's own, in accounting."""

    deal_reference: str
    note_key: str
    """The effect key of what the CRM was told of it."""
