"""What every system must do that fills the role crm."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest

from activities.crm import CrmSystem
from seamline.errors import Outage, Refusal
from seamline.records.deal import DealStage, NoteRequest, NoteStatus, TaskRequest, WonDeal, WonRequest
from seamline.records.money import Money
from seamline.records.reference import effect_key, external_id_of, with_part
from tests.systems.conformance import Side, SystemConformance

AMOUNT = Money(amount=Decimal("1440.00"), currency="GBP")
POSTED = NoteRequest(number="INV-0001", link="https://books.example/INV-0001", amount=AMOUNT)
PAID = POSTED.model_copy(update={"status": NoteStatus.PAID})
REVERSED = POSTED.model_copy(update={"status": NoteStatus.REVERSED})
ASKED = TaskRequest(subject="Invoice not made", text="rejected: wrong purchase order")
TODAY = date(2026, 11, 22)
PEOPLE = ("Fielding", "fielding", "12 Mill Lane", "+44")


class CrmSide(Side, Protocol):
    """A CRM, and the people who sell."""

    @property
    def adapter(self) -> CrmSystem: ...

    async def deal(self, **wanted: Any) -> str:
        """Sales make a deal; its reference. Without more, a plain one that is won."""

    async def change(self, reference: str, **wanted: Any) -> None:
        """Sales change what is given."""

    async def delete(self, reference: str) -> None:
        """Sales delete the deal."""

    async def lose_reply(self) -> None:
        """The next write is done, and its answer is lost."""

    async def effects(self) -> list[str]:
        """What was written, oldest first."""


def write_key(reference: str, number: int = 1) -> str:
    return effect_key(reference, "write-invoice", number)


class CrmConformance(SystemConformance):
    """The role crm."""

    async def found(self, side: CrmSide, since: datetime, today: date = TODAY) -> dict[str, WonDeal]:
        """What is to be billed or reversed, by reference."""
        deals = (await side.adapter.find_won(WonRequest(since=since, today=today))).deals
        assert len({one.reference for one in deals}) == len(deals)
        return {one.reference: one for one in deals}

    async def test_a_deal_is_read_whole(self, side: CrmSide) -> None:
        lines = [{"quantity": 2, "unit_price": "33.33"}, {"product": "SUPPORT", "name": "Support", "discount": "12.5"}]
        parts = [{"due_date": "2026-12-01", "amount": "66.66"}, {"due_date": "2027-01-01", "amount": "1050.00"}]
        reference = await side.deal(lines=lines, instalments=parts, po_number="PO-7", entity="Tide & Co")
        deal = await side.adapter.fetch_deal(reference)
        assert (deal.reference, deal.stage, deal.currency) == (reference, DealStage.WON, "GBP")
        assert (deal.amount.amount, [one.total.amount for one in deal.lines]) == (
            Decimal("1116.66"),
            [Decimal("66.66"), Decimal("1050")],
        )
        assert [(one.sku, one.quantity, one.discount_percent) for one in deal.lines] == [
            ("PLAN-TEAM", 2, 0),
            ("SUPPORT", 1, Decimal("12.5")),
        ]
        assert [(one.number, one.bill_on.month) for one in deal.instalments] == [(1, 12), (2, 1)]
        assert (deal.purchase_order, deal.entity, deal.terms) == ("PO-7", "Tide & Co", "net-30")
        assert deal.customer
        assert deal.contact
        assert (deal.customer.domain, deal.customer.email) == ("fielding-ceramics.example", "jo.fielding@example.com")
        assert (deal.customer.address.postcode, deal.customer.address.country) == ("CB2 1RX", "GB")
        assert (deal.contact.last_name, deal.contact.email) == ("Fielding", "jo.fielding@example.com")
        assert deal.page
        assert deal.owner_id
        assert await side.adapter.fetch_deal(with_part(reference, 2)) == deal

    async def test_what_a_deal_lacks_is_empty(self, side: CrmSide) -> None:
        bare = await side.deal(account=None, contact=None, lines=[], amount="0", stage="Qualification", terms=None)
        deal = await side.adapter.fetch_deal(bare)
        assert (deal.stage, deal.customer, deal.contact, deal.lines) == (DealStage.OPEN, None, None, ())
        lost = await side.deal(contact=None, stage="Closed Lost")
        deal = await side.adapter.fetch_deal(lost)
        assert deal.customer
        assert (deal.stage, deal.customer.email) == (DealStage.LOST, "")
        orphan = await side.adapter.fetch_deal(await side.deal(account=None))
        assert (orphan.customer, orphan.contact is not None) == (None, True)

    async def test_a_deal_that_is_gone_is_refused(self, side: CrmSide) -> None:
        reference = await side.deal()
        await side.delete(reference)
        for gone in (reference, f"{side.name}:none"):
            with pytest.raises(Refusal) as caught:
                await side.adapter.fetch_deal(gone)
            assert caught.value.failure.code == "not-found"
            assert await side.adapter.holdings(gone) in ([], ())

    async def test_a_value_that_does_not_fit_is_named_and_not_told(self, side: CrmSide) -> None:
        reference = await side.deal(account={"name": "Fielding & Co", "website": "ask Jo Fielding"})
        with pytest.raises(Refusal) as caught:
            await side.adapter.fetch_deal(reference)
        (problem,) = caught.value.failure.problems
        assert caught.value.failure.code == "unmappable"
        assert "ebsite" in problem.field
        assert not any(text in f"{caught.value!r} {problem}" for text in PEOPLE)

    async def test_won_deals_are_found_by_the_change_of_their_stage(self, side: CrmSide) -> None:
        start = datetime.now(UTC) - timedelta(seconds=5)
        won, still_open = await side.deal(), await side.deal(stage="Negotiation/Review")
        found = await self.found(side, start)
        assert (set(found), found[won].reopened) == ({won}, False)
        assert start < found[won].changed_at <= datetime.now(UTC) + timedelta(seconds=1)
        assert await self.found(side, datetime.now(UTC) + timedelta(seconds=5)) == {}
        await side.change(still_open, stage="Closed Won")
        assert set(await self.found(side, start)) == {won, still_open}

    async def test_a_deal_that_is_won_no_longer_is_found_if_it_has_an_invoice(self, side: CrmSide) -> None:
        start = datetime.now(UTC) - timedelta(seconds=5)
        billed, unbilled = await side.deal(), await side.deal()
        await side.adapter.write_note(billed, write_key(billed), POSTED)
        await side.adapter.write_note(billed, write_key(billed, 2), POSTED)
        for reference in (billed, unbilled):
            await side.change(reference, stage="Negotiation/Review")
        found = await self.found(side, start)
        assert [(one.reference, one.reopened) for one in found.values()] == [(billed, True)]
        for number in (1, 2):
            await side.adapter.write_note(billed, write_key(billed, number), REVERSED)
        assert await self.found(side, start) == {}

    async def test_instalments_are_found_once_they_are_due_and_until_they_are_billed(self, side: CrmSide) -> None:
        parts = [{"due_date": f"2026-11-{day}", "amount": "600"} for day in (21, 22, 23)]
        reference = await side.deal(instalments=parts)
        later = datetime.now(UTC) + timedelta(hours=1)
        first, second = with_part(reference, 1), with_part(reference, 2)
        assert set(await self.found(side, later)) == {first, second}
        await side.adapter.write_note(first, write_key(first), POSTED)
        assert set(await self.found(side, later)) == {second}
        await side.change(reference, stage="Closed Lost")
        assert set(await self.found(side, later)) == set()

    async def test_an_invoice_is_written_once(self, side: CrmSide) -> None:
        reference = await side.deal()
        key = write_key(reference)
        written = [await side.adapter.write_note(reference, key, POSTED) for _ in range(2)]
        assert written[0] == written[1]
        assert (written[0].key, written[0].number, written[0].amount) == (key, "INV-0001", AMOUNT)
        assert (await side.adapter.fetch_deal(reference)).invoices == (written[0],)
        assert await side.effects() == ["write-invoice"]
        await side.adapter.write_note(reference, key, PAID)
        (note,) = (await side.adapter.fetch_deal(reference)).invoices
        assert note.status is NoteStatus.PAID
        await side.adapter.write_note(reference, key, REVERSED)
        (note,) = (await side.adapter.fetch_deal(reference)).invoices
        assert (note.status, note.number, note.link) == (NoteStatus.REVERSED, POSTED.number, POSTED.link)
        assert await side.effects() == ["write-invoice", "mark-reversed"]

    async def test_writes_at_the_same_moment_are_one(self, side: CrmSide) -> None:
        reference = await side.deal()
        key = write_key(reference)
        both = (side.adapter.write_note(reference, key, POSTED) for _ in range(2))
        for answer in await asyncio.gather(*both, return_exceptions=True):
            assert not isinstance(answer, BaseException) or isinstance(answer, Outage)
        assert await side.effects() == ["write-invoice"]

    async def test_a_write_whose_answer_was_lost_is_repeated_without_harm(self, side: CrmSide) -> None:
        reference = await side.deal()
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.write_note(reference, write_key(reference), POSTED)
        await side.adapter.write_note(reference, write_key(reference), POSTED)
        await side.lose_reply()
        key = effect_key(reference, "create-task")
        with pytest.raises(Outage):
            await side.adapter.create_task(reference, key, ASKED)
        await side.adapter.create_task(reference, key, ASKED)
        assert await side.effects() == ["write-invoice", "create-task"]

    async def test_instalments_have_invoices_of_their_own(self, side: CrmSide) -> None:
        parts = [{"due_date": "2026-11-21", "amount": "600"}] * 2
        reference = await side.deal(instalments=parts)
        for number in (1, 2):
            part = with_part(reference, number)
            request = POSTED.model_copy(update={"number": f"INV-{number}"})
            await side.adapter.write_note(part, write_key(part), request)
        deal = await side.adapter.fetch_deal(reference)
        assert [one.number for one in deal.invoices] == ["INV-1", "INV-2"]
        assert [one.number for one in deal.notes_of(with_part(reference, 2))] == ["INV-2"]

    async def test_an_invoice_of_somebody_else_is_left_alone(self, side: CrmSide) -> None:
        reference = await side.deal(invoice_number="BY-HAND-7")
        with pytest.raises(Refusal) as caught:
            await side.adapter.write_note(reference, write_key(reference), POSTED)
        assert caught.value.failure.code == "field-conflict"
        assert caught.value.failure.problems
        assert await side.effects() == []

    async def test_a_task_is_there_once_and_stays_as_people_left_it(self, side: CrmSide) -> None:
        reference = await side.deal()
        key = effect_key(reference, "create-task")
        first = await side.adapter.create_task(reference, key, ASKED)
        again = ASKED.model_copy(update={"subject": "something else"})
        assert await side.adapter.create_task(with_part(reference, 2), key, again) == first
        assert first.key == key
        assert await side.effects() == ["create-task"]

    async def test_what_it_holds_is_told_without_people(self, side: CrmSide) -> None:
        reference = await side.deal()
        await side.adapter.write_note(reference, write_key(reference), POSTED)
        await side.adapter.create_task(reference, effect_key(reference, "create-task"), ASKED)
        held = await side.adapter.holdings(reference)
        assert [one.kind for one in held] == ["deal", "invoice note", "task"]
        assert [one.key for one in held[1:]] == [write_key(reference), effect_key(reference, "create-task")]
        assert (held[0].id, held[1].amount) == (external_id_of(reference), "1440.00 GBP")
        assert not any(text in one.model_dump_json() for one in held for text in PEOPLE)
        for other in ("shop-uk:5001", f"another:{external_id_of(reference)}"):
            assert await side.adapter.holdings(other) in ([], ())
        assert [one.kind for one in await side.adapter.holdings(with_part(reference, 3))] == ["deal"]

    async def test_our_references_are_found_by_any_id(self, side: CrmSide) -> None:
        reference = await side.deal()
        note = await side.adapter.write_note(reference, write_key(reference), POSTED)
        task = await side.adapter.create_task(reference, effect_key(reference, "create-task"), ASKED)
        for external_id in (external_id_of(reference), note.id, POSTED.number, task.id):
            assert list(await side.adapter.references(external_id)) == [reference]
        deal = await side.adapter.fetch_deal(reference)
        assert deal.customer
        customer = deal.customer.reference
        assert list(await side.adapter.references(external_id_of(customer))) == [customer]
        assert [one.kind for one in await side.adapter.holdings(customer)] == ["customer", "deal"]
        for unknown in ("INV-9999", "x' OR Name != '", "\\"):
            assert list(await side.adapter.references(unknown)) == []
