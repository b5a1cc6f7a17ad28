"""A CRM kept in memory."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from seamline.errors import Problem, Refusal
from seamline.records.address import Address
from seamline.records.customer import Customer
from seamline.records.deal import (
    BillingContact,
    Deal,
    DealLine,
    DealStage,
    InvoiceNote,
    NoteRequest,
    NoteStatus,
    Task,
    TaskRequest,
    WonDeal,
    WonDeals,
    WonRequest,
)
from seamline.records.money import Money
from seamline.records.reference import external_id_of, with_part
from seamline.records.system import Repeat
from tests.workflows.scripted import Scripted

ACCOUNT_ID = "001A00000000001AAA"
DEAL_ID = "006A00000000001AAA"


def money(amount: str | int, currency: str = "GBP") -> Money:
    """An amount, in the currency of most deals here."""
    return Money(amount=Decimal(amount), currency=currency)


def won_deal(connection: str, external_id: str = DEAL_ID, **changes: Any) -> Deal:
    """A plain deal that can be billed: two lines that come to 1,000.00 GBP before tax. `changes` replace its fields."""
    deal = Deal(
        reference=f"{connection}:{external_id}",
        name="Pumps for the north plant",
        stage=DealStage.WON,
        changed_at=datetime(2026, 11, 2, 9, 0, tzinfo=UTC),
        currency="GBP",
        amount=money(1000),
        close_date=date(2026, 11, 2),
        delivery_date=date(2026, 11, 9),
        customer=Customer(
            reference=f"{connection}:{ACCOUNT_ID}",
            name="Acme Pumps Ltd",
            tax_id="GB123456789",
            domain="acme.example",
            email="bills@acme.example",
            address=Address(
                company="Acme Pumps Ltd", street1="1 Dock Road", city="Leeds", postcode="LS1 4AP", country="GB"
            ),
        ),
        contact=BillingContact(id="003A1", first_name="Ada", last_name="Byron", email="bills@acme.example"),
        lines=(
            DealLine(
                id="00kA1", sku="PUMP", description="Pump", quantity=Decimal(2), unit_price=money(400), total=money(800)
            ),
            DealLine(
                id="00kA2",
                sku="FIT",
                description="Fitting",
                quantity=Decimal(1),
                unit_price=money(200),
                total=money(200),
            ),
        ),
        owner_id="005A1",
    )
    return Deal.model_validate({**deal.model_dump(), **changes})


def _stands(deal: Deal) -> bool:
    return any(one.status is not NoteStatus.REVERSED for one in deal.invoices)


class Sales(Scripted):
    """Satisfies `activities.crm.CrmSystem`. What sales do there are its other methods."""

    role = "crm"
    repeats: Mapping[str, Repeat] = {"write_note": Repeat.HARMLESS, "create_task": Repeat.LOOK_UP}

    def __init__(self) -> None:
        super().__init__()
        self.deals: dict[str, Deal] = {}
        self.tasks: dict[str, TaskRequest] = {}
        """By effect key."""

    # ---- the role -------------------------------------------------------------------------------------------------

    async def fetch_deal(self, reference: str) -> Deal:
        await self.called("fetch_deal")
        return self._deal(reference)

    async def find_won(self, request: WonRequest) -> WonDeals:
        await self.called("find_won")
        since = [one for one in self.deals.values() if one.changed_at >= request.since]
        found = [
            WonDeal(reference=one.reference, changed_at=one.changed_at, reopened=one.stage is not DealStage.WON)
            for one in since
            if one.stage is DealStage.WON or _stands(one)
        ]
        due = [
            WonDeal(reference=with_part(one.reference, part.number), changed_at=one.changed_at)
            for one in self.deals.values()
            for part in one.instalments
            if part.bill_on <= request.today and not one.notes_of(with_part(one.reference, part.number))
        ]
        return WonDeals(deals=tuple(sorted([*found, *due], key=lambda one: one.changed_at)))

    async def write_note(self, reference: str, key: str, request: NoteRequest) -> InvoiceNote:
        await self.called("write_note")
        deal = self._deal(reference)
        others = tuple(one for one in deal.invoices if one.key != key)
        note = InvoiceNote(id=f"note-{key}", key=key, **request.model_dump())
        self.change(external_id_of(reference), invoices=(*others, note))
        effect = "mark-reversed" if request.status is NoteStatus.REVERSED else "write-invoice"
        self.did(effect, key, "write_note")
        return note

    async def create_task(self, reference: str, key: str, request: TaskRequest) -> Task:
        await self.called("create_task")
        self._deal(reference)
        if key not in self.tasks:
            self.tasks[key] = request
            self.did("create-task", key, "create_task")
        return Task(id=f"task-{key}", key=key)

    def _deal(self, reference: str) -> Deal:
        deal = self.deals.get(external_id_of(reference))
        if deal is None:
            reason = "is not in the CRM: restore it there, then retry"
            raise Refusal("not-found", reason, problems=[Problem(field="reference", reason=reason)])
        return deal

    # ---- what sales do --------------------------------------------------------------------------------------------

    def put(self, deal: Deal) -> Deal:
        """Have this deal."""
        self.deals[external_id_of(deal.reference)] = deal
        return deal

    def change(self, external_id: str, **fields: Any) -> Deal:
        """Change the deal."""
        changed = Deal.model_validate({**self.deals[external_id].model_dump(), **fields})
        return self.put(changed)

    def set_status(self, external_id: str, status: NoteStatus) -> None:
        """Set the status of all its invoices' notes, as sales do when a customer disputes one."""
        notes = tuple(one.model_copy(update={"status": status}) for one in self.deals[external_id].invoices)
        self.change(external_id, invoices=notes)

    def notes(self, external_id: str = DEAL_ID) -> list[tuple[str, str]]:
        """Number and status of what was written of its invoices, in order of the keys."""
        found = sorted(self.deals[external_id].invoices, key=lambda one: one.key)
        return [(one.number, one.status.value) for one in found]
