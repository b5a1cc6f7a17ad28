"""The rules for deals: invoiced once, everybody knows the same, and taken back everywhere or nowhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from seamline.simulator.checker_invoices import Invoice, Ledger, deal_of, number_of, purpose_of
from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_process import DEAL_PROCESS, INVOICE_PROCESS, REVERSAL_PROCESS, Process

_OVER = ("VOIDED", "DELETED")
_OF_REVERSAL = ("reverse-invoice", "mark-reversed", "put-back")


class Worth(BaseModel):
    """What a deal, or one of its instalments, has ever come to before tax, by the CRM."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    reference: str
    amounts: tuple[Decimal, ...]


class Document(BaseModel):
    """An invoice as accounting has it, whoever made it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    connection: str
    id: str
    customer_id: str
    status: str
    carries: str
    """What stands in its reference field: our key, or anything."""
    net: Decimal
    paid: Decimal = Decimal(0)


@dataclass(frozen=True)
class Deals:
    """All that is known of the deals, and the findings."""

    ledger: Ledger
    processes: Sequence[Process]
    worth: Sequence[Worth] = ()
    documents: Sequence[Document] = ()

    def findings(self) -> Iterator[Finding]:
        """What is wrong, process by process."""
        yield from self.ledger.findings
        yield from self._twice()
        yield from self._without_process()
        for process in self.processes:
            if process.type == DEAL_PROCESS:
                yield from self._ended_right(process)
            elif process.type == REVERSAL_PROCESS:
                yield from self._reversed_right(process)
            elif process.type == INVOICE_PROCESS:
                yield from self._followed_right(process)

    def _twice(self) -> Iterator[Finding]:
        standing = Counter(one.effect.reference for one in self.ledger.invoices if one.ended is None)
        drafts = Counter(place[0] for place in self._references("draft-invoice"))
        for count, what in ((standing, "posted invoices"), (drafts, "drafts")):
            for reference, number in count.items():
                if number > 1:
                    yield _finding(reference, "twice", f"{number} {what} stand for one reference")
        for operation in ("create-customer", "write-invoice"):
            for (reference, key), number in Counter(self._references(operation)).items():
                if number > 1:
                    yield _finding(reference, "twice", f"{number} live {operation} under the key {key}")

    def _references(self, operation: str) -> list[tuple[str, str]]:
        return [(one.reference, one.key) for (_, name, _), one in self.ledger.standing.items() if name == operation]

    def _without_process(self) -> Iterator[Finding]:
        known = {process.reference for process in self.processes if process.type in (DEAL_PROCESS, REVERSAL_PROCESS)}
        strays = Counter((one.reference, one.operation) for one in self.ledger.made if one.reference not in known)
        for (reference, operation), count in strays.items():
            yield _finding(reference, "no-process", f"{count} {operation}")

    # -- a deal's invoice ----------------------------------------------------------------------------------------------

    def _ended_right(self, process: Process) -> Iterator[Finding]:
        live = [one for one in self.ledger.live() if one.reference == process.reference]
        match process.ending:
            case "completed":
                yield from self._invoiced(process)
            case "undone":
                left = [one for one in live if not self._may_stay(one)]
                if left:
                    yield _finding(process.reference, "left-over", _names(left))
            case "failed" if live:
                yield _finding(process.reference, "failed-with-effects", f"{process.status}: {_names(live)}")
            case "ignored":
                acted = [one for one in self.ledger.made if one.reference == process.reference]
                acted = [one for one in acted if purpose_of(one.key) not in _OF_REVERSAL]
                if acted:
                    yield _finding(process.reference, "ignored-acted", _names(acted))
            case "unreadable":
                yield _finding(process.reference, "unreadable", f"the result of {process.id} names no known kind")

    def _invoiced(self, process: Process) -> Iterator[Finding]:
        """One invoice stands, or `reverse-deal` or people took it back since; who was told of it was told once."""
        reference = process.reference
        invoices = self.ledger.invoices_of(reference)
        standing = [one for one in invoices if one.ended is None]
        if not any(one.ended is None or one.reversed for one in invoices) and "post-invoice" not in process.by_hand:
            yield _finding(reference, "count", "completed with 0 post-invoice instead of 1")
        for invoice in standing:
            yield from self._told(process, invoice)
            yield from self._worth(reference, invoice)
        drafts = self.ledger.standing_of("draft-invoice", reference)
        if drafts:
            yield _finding(reference, "left-over", _names(drafts))

    def _told(self, process: Process, invoice: Invoice) -> Iterator[Finding]:
        """The customer and the CRM know of the invoice, once each, and of the same sum."""
        effect = invoice.effect
        sent = [one for one in self.ledger.standing_of("send-invoice", effect.reference) if _same_object(one, effect)]
        notes = self.ledger.standing_of("write-invoice", effect.reference)
        wanted = 0 if process.told("sent") is False else 1
        for name, found, count in (("send-invoice", sent, wanted), ("write-invoice", notes, 1)):
            if len(found) != count and name not in process.by_hand:
                told = f"completed with {len(found)} {name} instead of {count}"
                yield _finding(effect.reference, "count", told)
        for note in notes:
            if (note.amount, note.currency) != (effect.amount, effect.currency):
                told = f"{effect.amount} {effect.currency} posted, the CRM knows of {note.amount} {note.currency}"
                yield _finding(effect.reference, "money", told)

    def _worth(self, reference: str, invoice: Invoice) -> Iterator[Finding]:
        """What is billed is what the deal came to, unless staff amended the invoice between draft and posting."""
        worth = next((one for one in self.worth if one.reference == reference), None)
        document = next((one for one in self.documents if one.id == invoice.effect.object_id), None)
        if worth is None or document is None or (invoice.drafted and invoice.drafted.amount != invoice.effect.amount):
            return
        if document.net not in worth.amounts:
            told = f"{document.net} before tax was billed, and the deal came to {worth.amounts[-1]}"
            yield _finding(reference, "money", told)

    def _may_stay(self, effect: Effect) -> bool:
        """Whether a customer that we made stays: something else names it, or an earlier run's invoice did."""
        if effect.operation != "create-customer":
            return False
        earlier = any(one.reversed for one in self.ledger.invoices_of(effect.reference))
        return earlier or bool(self._names_customer(effect.connection, effect.object_id, besides=effect.reference))

    def _names_customer(self, connection: str, customer_id: str, *, besides: str) -> list[Document]:
        """The documents of a customer that stand and are not of this reference."""
        return [
            one
            for one in self.documents
            if (one.connection, one.customer_id) == (connection, customer_id)
            and one.status not in _OVER
            and one.carries.partition("/")[0] != besides
        ]

    # -- a deal taken back ---------------------------------------------------------------------------------------------

    def _reversed_right(self, process: Process) -> Iterator[Finding]:
        """Nothing stands of what was there, save what was billed anew since; the CRM shows what was taken back."""
        deal = process.reference
        if process.ending == "unreadable":
            yield _finding(deal, "unreadable", f"the result of {process.id} names no known kind")
        if process.ending != "completed":
            return
        again = {one.reference for one in self.processes if one.type == DEAL_PROCESS and one.started >= process.started}
        for invoice in self.ledger.invoices:
            if deal_of(invoice.effect.reference) != deal:
                continue
            if invoice.ended is None and invoice.effect.reference not in again:
                yield _finding(invoice.effect.reference, "left-over", f"reversed, and {_names([invoice.effect])}")
            if invoice.ended is not None and "mark-reversed" not in process.by_hand:
                yield from self._still_shown(invoice)
        yield from self._still_customers(deal, again)

    def _still_shown(self, invoice: Invoice) -> Iterator[Finding]:
        """The CRM must not show an invoice that was taken back as one that stands."""
        number = number_of((invoice.drafted or invoice.effect).key)
        for note in self.ledger.standing_of("write-invoice", invoice.effect.reference):
            if number_of(note.key) == number:
                yield _finding(note.reference, "left-over", f"taken back, and the CRM shows {_names([note])}")

    def _still_customers(self, deal: str, again: set[str]) -> Iterator[Finding]:
        """Who is no customer any more is none in marketing."""
        stages = [
            one
            for (_, name, _), one in self.ledger.standing.items()
            if name in ("become-customer", "stop-prospect-mail") and deal_of(one.reference) == deal
        ]
        left = [one for one in stages if one.reference not in again]
        if left and not self._has_business(deal):
            yield _finding(deal, "left-over", f"reversed, and {_names(left)}")

    def _has_business(self, deal: str) -> bool:
        """Whether the deal's customer has other invoices."""
        ours = {one.effect.object_id for one in self.ledger.invoices if deal_of(one.effect.reference) == deal}
        customers = {(one.connection, one.customer_id) for one in self.documents if one.id in ours}
        return any(
            deal_of(one.carries.partition("/")[0]) != deal
            for customer in customers
            for one in self._names_customer(*customer, besides=deal)
        )

    # -- an invoice followed -------------------------------------------------------------------------------------------

    def _followed_right(self, process: Process) -> Iterator[Finding]:
        """An invoice is followed until it is paid, taken back, or staff say that it is over."""
        if process.ending == "unreadable":
            yield _finding(process.reference, "unreadable", f"the result of {process.id} names no known kind")
        document = self._followed(process)
        if process.ending != "completed" or process.told("ended") != "paid" or document is None:
            return
        if document.status != "PAID" and not document.paid:
            told = f"completed as paid, and accounting says {document.status}"
            yield _finding(process.reference, "count", told)

    def awaits_payment(self, process: Process) -> bool:
        """Whether it rightly goes on: its invoice is not paid."""
        document = self._followed(process) if process.type == INVOICE_PROCESS else None
        return document is not None and document.status == "AUTHORISED"

    def _followed(self, process: Process) -> Document | None:
        connection, _, invoice_id = process.reference.partition(":")
        found = (one for one in self.documents if (one.connection, one.id) == (connection, invoice_id))
        return next(found, None)


def reminded_twice(mails: Iterable[Effect]) -> Iterator[Finding]:
    """One reminder is one mail; sent again after a lost answer it carries the same Message-ID."""
    ids: dict[str, set[str]] = {}
    for one in mails:
        if one.operation == "send-mail" and purpose_of(one.key) == "send-reminder":
            ids.setdefault(one.key, set()).add(one.object_id)
    for key, found in ids.items():
        if len(found) > 1:
            yield _finding(key.partition("/")[0], "twice", f"{len(found)} reminders under the key {key}")


def _same_object(one: Effect, other: Effect) -> bool:
    return (one.connection, one.object_id) == (other.connection, other.object_id)


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)


def _names(effects: Sequence[Effect]) -> str:
    return ", ".join(f"{effect.operation} {effect.object_id} at {effect.connection}" for effect in effects)
