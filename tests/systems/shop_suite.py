"""What every system must do that fills the role shop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest

from activities.shop import ShopSystem
from seamline.errors import Outage, Refusal
from seamline.records.money import Money
from seamline.records.order import Delivery, Order, Payment
from seamline.records.order_rules import broken_rules
from seamline.records.payment import CaptureRequest, RefundRequest
from seamline.records.reference import external_id_of
from seamline.records.risk import CancelRequest, HoldRequest
from seamline.records.shipping import FulfilmentRequest, Tracked
from tests.systems.conformance import (
    PAUSE_SECONDS,
    PERSONAL,
    WAIT_SECONDS_MAX,
    Side,
    SystemConformance,
)


class ShopSide(Side, Protocol):
    """A shop, and its customers."""

    @property
    def adapter(self) -> ShopSystem: ...

    async def order(self, **wanted: Any) -> str:
        """An order with these wishes (by the simulator's names); its reference."""

    async def lose_reply(self, what: str = "fulfilment") -> None:
        """The next `fulfilment`, `capture`, `refund`, `hold` or `cancellation` is made, and its answer is lost."""

    async def by_hand(self, reference: str, what: str, **wanted: Any) -> None:
        """Staff, the customer or the bank act on the order (by the simulator's names): `payment`, `edit`, `cancel`."""

    async def send_back(self, reference: str, **wanted: Any) -> str:
        """A return of goods of the order (by the simulator's names); its reference."""

    async def slow_refunds(self) -> None:
        """Refunds stay pending from now on."""

    async def ledger(self, reference: str) -> list[tuple[str, str | None]]:
        """What was done to the order at the vendor's, oldest first: operation and amount."""


class ShopConformance(SystemConformance):
    """The role shop."""

    async def test_a_plain_order(self, side: ShopSide) -> None:
        lines = [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "LAMP-OAK"}]
        order = await side.adapter.fetch_order(await side.order(lines=lines, locale="de-DE", service="express"))
        assert broken_rules(order) == []
        assert order.payment is Payment.PAID
        assert [(line.sku, line.quantity, str(line.unit_price)) for line in order.lines] == [
            ("MUG-BLUE", 2, "14.50 GBP"),
            ("LAMP-OAK", 1, "89.00 GBP"),
        ]
        assert str(order.totals.total) == "122.95 GBP"
        assert (order.locale, order.service, order.test, order.cancelled) == ("de-DE", "express", False, False)
        assert order.address is not None
        assert (order.address.name, order.address.postcode, order.address.country) == ("Jo Fielding", "CB2 1RX", "GB")
        (part,) = order.open_fulfilment_orders
        assert (part.delivery, part.on_hold) == (Delivery.SHIPPING, False)
        assert order.weight_grams(part) == 2 * 380 + 2400
        assert order.value(part) == Money(amount=Decimal("118.00"), currency="GBP")

    async def test_it_holds_nothing_for_what_is_not_its_order(self, side: ShopSide) -> None:
        number = external_id_of(await side.order())
        for reference in (f"shop-elsewhere:{number}", "crm-main:006gL000001kAbCQAU", f"{side.name}:no-number"):
            assert list(await side.adapter.holdings(reference)) == []

    async def test_an_order_is_known_by_its_number_and_its_id(self, side: ShopSide) -> None:
        reference = await side.order()
        await side.order()
        order = await side.adapter.fetch_order(reference)
        for known in (order.number, order.number.removeprefix("#"), external_id_of(reference)):
            assert list(await side.adapter.references(known)) == [reference]

    @pytest.mark.parametrize(
        "wanted",
        [
            {"taxes_included": False},
            {"discounts": "3.00", "tips": "2.50"},
            {"duties": "7.20", "taxes_included": False},
            {"lines": [{"quantity": 3, "current_quantity": 1}, {"sku": "TEE-M", "current_quantity": 0}]},
            {"lines": [{"discount": "1.45"}], "shipping": "0"},
            {"currency": "EUR", "lines": [{"unit_price": "0.01", "quantity": 7}]},
        ],
    )
    async def test_totals_add_up(self, side: ShopSide, wanted: dict[str, Any]) -> None:
        order = await side.adapter.fetch_order(await side.order(**wanted))
        assert order.totals.difference().amount == 0
        assert broken_rules(order) == []

    async def test_totals_that_do_not_add_up_are_seen(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order(total="1.00"))
        assert [problem.field for problem in broken_rules(order)] == ["totals.total"]

    @pytest.mark.parametrize("status", list(Payment))
    async def test_every_payment(self, side: ShopSide, status: Payment) -> None:
        name = status.name
        order = await side.adapter.fetch_order(await side.order(financial_status=name))
        assert order.payment is status

    async def test_what_is_not_shipped(self, side: ShopSide) -> None:
        lines = [{"sku": "MUG-BLUE"}, {"sku": "GIFT-CARD", "gift_card": True}]
        order = await side.adapter.fetch_order(await side.order(lines=lines))
        assert [line.needs_shipping for line in order.lines] == [True, False]
        (part,) = order.open_fulfilment_orders
        assert [line.sku for line in part.lines] == ["MUG-BLUE"]
        pickup = await side.adapter.fetch_order(await side.order(delivery="PICK_UP"))
        assert [part.delivery for part in pickup.fulfilment_orders] == [Delivery.PICKUP]
        assert pickup.open_fulfilment_orders == ()

    async def test_holds_and_locations(self, side: ShopSide) -> None:
        held = await side.adapter.fetch_order(await side.order(fulfillment_order_status="ON_HOLD"))
        assert [(part.open, part.on_hold) for part in held.fulfilment_orders] == [(True, True)]
        lines = [{"sku": "MUG-BLUE"}, {"sku": "TEE-M", "location": "Second warehouse"}]
        split = await side.adapter.fetch_order(await side.order(lines=lines))
        assert {part.location for part in split.open_fulfilment_orders} == {"Main warehouse", "Second warehouse"}

    async def test_an_order_of_many_pages(self, side: ShopSide) -> None:
        lines = [{"sku": "MUG-BLUE", "location": f"Warehouse {place // 40}"} for place in range(160)]
        lines += [{"sku": "TEE-M", "location": f"Warehouse {place}"} for place in range(4, 8)]
        order = await side.adapter.fetch_order(await side.order(lines=lines))
        assert len(order.lines) == 164
        assert sorted(len(part.lines) for part in order.open_fulfilment_orders) == [1, 1, 1, 1, 40, 40, 40, 40]
        assert broken_rules(order) == []

    async def test_an_unknown_order_is_refused(self, side: ShopSide) -> None:
        for reference in (f"{side.name}:999999", f"{side.name}:not-a-number"):
            with pytest.raises(Refusal) as caught:
                await side.adapter.fetch_order(reference)
            assert caught.value.failure.code == "not-found"
            assert [problem.field for problem in caught.value.failure.problems] == ["reference"]

    async def test_a_fulfilment_is_posted_and_found(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order())
        request = fulfilment(order)
        assert await side.adapter.find_fulfilments(request) == []
        made = await side.adapter.create_fulfilment(f"{order.reference}/post-fulfilment#1", request)
        (found,) = await side.adapter.find_fulfilments(request)
        assert (found.id, found.tracking_number) == (made.id, "TRACK-1")
        assert (await side.adapter.fetch_order(order.reference)).open_fulfilment_orders == ()
        assert [(one.kind, one.state) for one in await side.adapter.holdings(order.reference)] == [
            ("order", "paid, fulfilled"),
            ("fulfilment", "success"),
            ("sale", "done"),
        ]

    async def test_a_fulfilment_in_several_parcels_is_found_by_each_number(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order())
        others = [Tracked(tracking_number=f"TRACK-{number}") for number in (2, 3)]
        request = fulfilment(order).model_copy(update={"others": tuple(others)})
        made = await side.adapter.create_fulfilment(f"{order.reference}/post-fulfilment#1", request)
        found = await side.adapter.find_fulfilments(request)
        assert {one.tracking_number for one in found} == {"TRACK-1", "TRACK-2", "TRACK-3"}
        assert {one.id for one in found} == {made.id}

    async def test_only_what_is_left_is_to_be_shipped(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order(lines=[{"sku": "MUG-BLUE"}, {"sku": "TEE-M"}]))
        whole = fulfilment(order)
        part = whole.model_copy(update={"lines": [line for line in whole.lines if line.sku == "TEE-M"]})
        await side.adapter.create_fulfilment("key", part)
        (left,) = (await side.adapter.fetch_order(order.reference)).open_fulfilment_orders
        assert [line.sku for line in left.lines] == ["MUG-BLUE"]

    async def test_a_fulfilment_whose_answer_was_lost_is_found(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order())
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.create_fulfilment("key", fulfilment(order))
        assert len(await side.adapter.find_fulfilments(fulfilment(order))) == 1

    async def test_a_second_fulfilment_is_refused(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order())
        await side.adapter.create_fulfilment("key", fulfilment(order))
        with pytest.raises(Refusal) as caught:
            await side.adapter.create_fulfilment("key", fulfilment(order))
        assert caught.value.failure.problems
        assert not any(text in str(caught.value) for text in PERSONAL)


class ShopMoneyConformance:
    """The role shop: money, risk, holds and cancelling."""

    async def test_every_mode_and_what_is_authorised(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order(financial_status="AUTHORIZED", authorization_hours=50))
        kept = order.authorization
        assert kept is not None
        assert (str(kept.amount), str(order.to_collect), order.payment_mode) == ("19.45 GBP", "19.45 GBP", "paid")
        assert kept.expires_at is not None
        assert not kept.ended(datetime.now(UTC))
        assert kept.ended(datetime.now(UTC) + timedelta(hours=51))
        paid = await side.adapter.fetch_order(await side.order())
        assert (paid.authorization, str(paid.to_collect)) == (None, "0.00 GBP")
        later = await side.adapter.fetch_order(await side.order(financial_status="PENDING", terms=True))
        assert (later.payment_mode, later.authorization, str(later.to_collect)) == ("terms", None, "19.45 GBP")
        half = await side.adapter.fetch_order(await side.order(financial_status="PARTIALLY_REFUNDED"))
        assert str(half.to_collect) == "9.72 GBP"

    @pytest.mark.parametrize(
        ("risk", "level"), [("ACCEPT", "low"), ("INVESTIGATE", "medium"), ("CANCEL", "high"), ("NONE", "unknown")]
    )
    async def test_the_risk_and_its_facts(self, side: ShopSide, risk: str, level: str) -> None:
        order = await side.adapter.fetch_order(await side.order(risk=risk, risk_facts=["The card is from elsewhere"]))
        assert (order.risk.level, order.risk.facts) == (level, ("The card is from elsewhere",))

    async def test_a_capture_and_its_refund(self, side: ShopSide) -> None:
        reference = await side.order(financial_status="AUTHORIZED")
        request = await capture_request(side, reference)
        made = await side.adapter.capture(reference, request)
        assert (made.kind, made.state, made.parent_id) == ("capture", "done", request.authorization_id)
        assert (await side.adapter.fetch_order(reference)).payment is Payment.PAID
        back = RefundRequest(transaction_id=made.id, amount=made.amount, gateway=made.gateway)
        refund = await side.adapter.refund(reference, "key", back)
        assert (refund.kind, refund.state, refund.parent_id) == ("refund", "done", made.id)
        assert await side.adapter.refund(reference, "key", back) == refund
        kinds = [one.kind.value for one in await side.adapter.find_transactions(reference)]
        assert kinds == ["authorization", "capture", "refund"]
        assert (await side.adapter.fetch_order(reference)).payment is Payment.REFUNDED

    async def test_a_capture_whose_answer_was_lost_is_found(self, side: ShopSide) -> None:
        reference = await side.order(financial_status="AUTHORIZED")
        request = await capture_request(side, reference)
        await side.lose_reply("capture")
        with pytest.raises(Outage):
            await side.adapter.capture(reference, request)
        assert [one.kind.value for one in await side.adapter.find_transactions(reference)][1:] == ["capture"]

    async def test_what_cannot_be_captured_or_refunded(self, side: ShopSide) -> None:
        reference = await side.order(financial_status="AUTHORIZED")
        request = await capture_request(side, reference)
        more = request.model_copy(update={"amount": Money(amount=Decimal(20), currency="GBP")})
        await refused(side.adapter.capture(reference, more), "amount")
        made = await side.adapter.capture(reference, request)
        await refused(side.adapter.capture(reference, request), "authorization_id")
        back = RefundRequest(transaction_id=made.id, amount=more.amount, gateway=made.gateway)
        await refused(side.adapter.refund(reference, "key", back), "authorization_id")
        await refused(side.adapter.find_transactions(f"{side.name}:999999"), "reference")

    async def test_a_capture_of_what_has_lapsed_fails(self, side: ShopSide) -> None:
        reference = await side.order(financial_status="AUTHORIZED")
        request = await capture_request(side, reference)
        await side.by_hand(reference, "payment", action="lapse")
        made = await side.adapter.capture(reference, request)
        assert (made.state, made.error) == ("failed", "authorization-expired")

    async def test_refunds_can_be_pending(self, side: ShopSide) -> None:
        await side.slow_refunds()
        reference = await side.order(financial_status="AUTHORIZED")
        made = await side.adapter.capture(reference, await capture_request(side, reference))
        back = RefundRequest(transaction_id=made.id, amount=made.amount, gateway=made.gateway)
        assert (await side.adapter.refund(reference, "key", back)).state == "pending"
        await side.by_hand(reference, "payment", action="reject-refund")
        assert (await side.adapter.find_transactions(reference))[-1].state == "failed"

    async def test_our_hold_is_found_and_released_and_is_not_a_foreign_one(self, side: ShopSide) -> None:
        reference = await side.order()
        part = (await side.adapter.fetch_order(reference)).open_fulfilment_orders[0].id
        assert await side.adapter.find_hold(reference, part) is None
        made = await side.adapter.place_hold(reference, HoldRequest(fulfilment_order_id=part, reason="high risk"))
        assert await side.adapter.find_hold(reference, part) == made
        assert not (await side.adapter.fetch_order(reference)).open_fulfilment_orders[0].on_hold
        await refused(side.adapter.place_hold(reference, HoldRequest(fulfilment_order_id=part)), "fulfilment_order_id")
        await side.adapter.release_hold(made)
        await side.adapter.release_hold(made)
        assert await side.adapter.find_hold(reference, part) is None

    async def test_a_foreign_hold_is_not_ours(self, side: ShopSide) -> None:
        reference = await side.order(fulfillment_order_status="ON_HOLD")
        part = (await side.adapter.fetch_order(reference)).open_fulfilment_orders[0].id
        assert await side.adapter.find_hold(reference, part) is None
        await side.adapter.place_hold(reference, HoldRequest(fulfilment_order_id=part))
        assert (await side.adapter.fetch_order(reference)).open_fulfilment_orders[0].on_hold

    async def test_an_order_is_cancelled_and_money_goes_back(self, side: ShopSide) -> None:
        reference = await side.order()
        begun = await side.adapter.cancel_order(
            reference, f"{reference}/cancel-order#1", CancelRequest(note="rejected")
        )
        now = begun
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while now.state == "under way":
                await asyncio.sleep(PAUSE_SECONDS)
                now = await side.adapter.read_cancellation(reference, begun.job_id)
        assert now.state == "cancelled"
        order = await side.adapter.fetch_order(reference)
        assert (order.cancelled, order.payment) == (True, Payment.REFUNDED)
        await refused(side.adapter.cancel_order(reference, "key", CancelRequest()), "reference")

    async def test_a_cancellation_that_came_to_nothing(self, side: ShopSide) -> None:
        reference = await side.order()
        assert (await side.adapter.read_cancellation(reference, "")).state == "failed"
        await refused(side.adapter.read_cancellation(f"{side.name}:999999", ""), "reference")


async def capture_request(side: ShopSide, reference: str) -> CaptureRequest:
    """What is owed for the order, of what is authorised."""
    order = await side.adapter.fetch_order(reference)
    assert order.authorization is not None
    return CaptureRequest(authorization_id=order.authorization.id, amount=order.to_collect)


async def refused(work: Awaitable[object], field: str) -> None:
    """It is refused for this field of our request, and the error's text holds nothing personal."""
    with pytest.raises(Refusal) as caught:
        await work
    assert [problem.field for problem in caught.value.failure.problems] == [field]
    assert not any(text in str(caught.value) for text in PERSONAL)


def fulfilment(order: Order, number: str = "TRACK-1") -> FulfilmentRequest:
    """All of the order's first open part, under one tracking number."""
    part = order.open_fulfilment_orders[0]
    return FulfilmentRequest(
        reference=order.reference,
        fulfilment_order_id=part.id,
        lines=part.lines,
        tracking_number=number,
        tracking_page=f"https://carrier.example/{number}",
        carrier="Royal Mail",
    )
