"""What every system must do that fills a role: one suite a role, run for each system in one line.

A system's test module gives a fixture `side`, the adapter with the means to make things happen at the vendor's, and
inherits the role's suite: `class TestConformance(ShopConformance): ...`
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, Protocol

import pytest

from activities.carrier import CarrierSystem
from activities.inventory import InventorySystem
from activities.mail import MailSystem
from activities.shop import ShopSystem
from activities.tracing import Traceable
from seamline.errors import LockedOut, Outage, Refusal
from seamline.records.address import Address
from seamline.records.money import Money
from seamline.records.order import Delivery, Order, Payment
from seamline.records.parcel import Label, LabelRequest, LabelState, ParcelNumber, ParcelRequest, Rate, TrackingState
from seamline.records.shipping import FulfilmentRequest, MailLine, ShippedMail
from seamline.records.stock import Reservation, ShipmentState, StockLine, StockRequest
from seamline.records.system import Repeat
from seamline.records.undo import UndoState

REFERENCE = "shop-uk:5001"
ADDRESS = Address(
    name="Jo Fielding",
    street1="12 Mill Lane",
    city="Cambridge",
    region="ENG",
    postcode="CB2 1RX",
    country="GB",
    phone="+441223000000",
    email="jo.fielding@example.com",
)
PERSONAL = ("Fielding", "Mill Lane", "CB2 1RX", "jo.fielding")
WAIT_SECONDS_MAX = 10.0
PAUSE_SECONDS = 0.05


class Side(Protocol):
    """What every suite needs of the vendor's side."""

    name: str
    secrets: tuple[str, ...]

    @property
    def adapter(self) -> Traceable: ...

    async def throttle(self) -> None:
        """The vendor asks to wait, from now on."""

    async def go_down(self) -> None:
        """The vendor does not answer, from now on."""

    async def lock_out(self) -> None:
        """The vendor takes our credentials no more."""

    async def heal(self) -> None:
        """All is well again."""


class SystemConformance:
    """What holds for all roles."""

    async def test_its_card_describes_the_connection(self, side: Side) -> None:
        card = await side.adapter.card()
        assert (card.connection, card.account != "") == (side.name, True)
        assert all(isinstance(repeat, Repeat) for repeat in card.repeats.values())
        assert not any(secret in card.model_dump_json() for secret in side.secrets)

    async def test_throttling_is_an_outage(self, side: Side) -> None:
        await side.throttle()
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.connection == side.name

    async def test_what_is_down_is_an_outage_and_comes_back(self, side: Side) -> None:
        await side.go_down()
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.cause.startswith(f"{side.name} outage ")
        await side.heal()
        assert (await side.adapter.card()).connection == side.name

    async def test_refused_credentials_lock_out(self, side: Side) -> None:
        await side.lock_out()
        with pytest.raises(LockedOut) as caught:
            await side.adapter.card()
        assert not any(secret in f"{caught.value!r} {caught.value.failure}" for secret in side.secrets)


class ShopSide(Side, Protocol):
    """A shop, and its customers."""

    @property
    def adapter(self) -> ShopSystem: ...

    async def order(self, **wanted: Any) -> str:
        """An order with these wishes (by the simulator's names); its reference."""

    async def lose_reply(self) -> None:
        """The next fulfilment is made, and its answer is lost."""


class ShopConformance(SystemConformance):
    """The role shop."""

    async def test_a_plain_order(self, side: ShopSide) -> None:
        lines = [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "LAMP-OAK"}]
        order = await side.adapter.fetch_order(await side.order(lines=lines, locale="de-DE", service="express"))
        assert order.broken_rules() == []
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
        assert order.broken_rules() == []

    async def test_totals_that_do_not_add_up_are_seen(self, side: ShopSide) -> None:
        order = await side.adapter.fetch_order(await side.order(total="1.00"))
        assert [problem.field for problem in order.broken_rules()] == ["totals.total"]

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
        assert order.broken_rules() == []

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
        ]

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


class InventorySide(Side, Protocol):
    """An inventory, and its warehouse."""

    @property
    def adapter(self) -> InventorySystem: ...

    async def free(self, sku: str) -> int:
        """How many pieces are not held for anybody."""

    async def set_free(self, sku: str, pieces: int) -> None:
        """Let there be so many."""

    async def warehouse(self, reservation: Reservation, *states: str) -> None:
        """The warehouse moves the goods: picked, packed, done."""

    async def miss_assignments(self, count: int) -> None:
        """The next tries to assign stock do nothing."""

    async def lose_reply(self) -> None:
        """The next reservation is made, and its answer is lost."""


class InventoryConformance(SystemConformance):
    """The role inventory."""

    async def reserved(self, side: InventorySide, request: StockRequest | None = None) -> Reservation:
        """Stock held for the request."""
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", request or stock_request())
        return await side.adapter.advance_reservation(made)

    async def test_stock_is_held_and_found(self, side: InventorySide) -> None:
        before = await side.free("MUG-BLUE")
        assert await side.adapter.find_reservations(REFERENCE) == []
        reservation = await self.reserved(side)
        assert (reservation.state, reservation.key) == (ShipmentState.ASSIGNED, f"{REFERENCE}/reserve#1")
        assert await side.free("MUG-BLUE") == before - 2
        (found,) = await side.adapter.find_reservations(REFERENCE)
        assert (found.id, found.key, found.shipment_id) == (reservation.id, reservation.key, reservation.shipment_id)
        assert [(line.sku, line.quantity, line.unit_price) for line in found.lines] == [
            (line.sku, line.quantity, line.unit_price) for line in stock_request().lines
        ]

    async def test_advancing_again_is_harmless(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        before = await side.free("MUG-BLUE")
        again = await side.adapter.advance_reservation(reservation)
        assert (again.state, await side.free("MUG-BLUE")) == (ShipmentState.ASSIGNED, before)

    async def test_a_reservation_whose_answer_was_lost_is_found(self, side: InventorySide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        (found,) = await side.adapter.find_reservations(REFERENCE)
        assert (found.key, found.state) == (f"{REFERENCE}/reserve#1", ShipmentState.DRAFT)
        assert (await side.adapter.advance_reservation(found)).state is ShipmentState.ASSIGNED

    async def test_assignment_is_tried_again(self, side: InventorySide) -> None:
        await side.miss_assignments(2)
        assert (await self.reserved(side)).state is ShipmentState.ASSIGNED

    async def test_short_stock_is_refused_by_line(self, side: InventorySide) -> None:
        await side.set_free("LAMP-OAK", 1)
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request(LAMP_OAK=4, MUG_BLUE=1))
        with pytest.raises(Refusal) as caught:
            await side.adapter.advance_reservation(made)
        assert caught.value.failure.code == "short-stock"
        assert [problem.field for problem in caught.value.failure.problems] == ["lines.0.quantity"]
        assert (await side.adapter.cancel_reservation(made)).state is UndoState.UNDONE
        assert (await side.free("LAMP-OAK"), await side.free("MUG-BLUE")) == (1, 100)

    async def test_unknown_articles_are_refused_by_line(self, side: InventorySide) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.create_reservation("key", stock_request(MUG_BLUE=1, NO_SUCH=1, NOR_THIS=1))
        assert [problem.field for problem in caught.value.failure.problems] == ["lines.1.sku", "lines.2.sku"]
        assert await side.adapter.find_reservations(REFERENCE) == []

    @pytest.mark.parametrize("states", [(), ("picked",), ("picked", "packed")])
    async def test_it_is_taken_back_from_every_state(self, side: InventorySide, states: tuple[str, ...]) -> None:
        before = await side.free("MUG-BLUE")
        reservation = await self.reserved(side)
        await side.warehouse(reservation, *states)
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.UNDONE
        assert await side.free("MUG-BLUE") == before
        assert await side.adapter.find_reservations(REFERENCE) == []
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.UNDONE

    async def test_a_draft_is_taken_back(self, side: InventorySide) -> None:
        made = await side.adapter.create_reservation(f"{REFERENCE}/reserve#1", stock_request())
        assert (await side.adapter.cancel_reservation(made)).state is UndoState.UNDONE
        assert await side.adapter.find_reservations(REFERENCE) == []

    async def test_what_has_left_is_not_taken_back(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        await side.warehouse(reservation, "picked", "packed", "done")
        assert (await side.adapter.cancel_reservation(reservation)).state is UndoState.TOO_LATE
        assert (await side.adapter.read_reservation(reservation)).state is ShipmentState.DONE

    async def test_the_warehouse_is_followed(self, side: InventorySide) -> None:
        reservation = await self.reserved(side)
        for state in ("picked", "packed", "done"):
            await side.warehouse(reservation, state)
            assert (await side.adapter.read_reservation(reservation)).state.value == state
        held = {one.kind: one for one in await side.adapter.holdings(REFERENCE)}
        assert held["shipment"].state == "done"

    async def test_a_second_reservation_of_one_order(self, side: InventorySide) -> None:
        first = await self.reserved(side)
        await side.adapter.cancel_reservation(first)
        moved = ADDRESS.model_copy(update={"street1": "14 Mill Lane"})
        second = await self.reserved(side, stock_request().model_copy(update={"address": moved}))
        assert [one.id for one in await side.adapter.find_reservations(REFERENCE)] == [second.id]


def stock_request(**pieces: int) -> StockRequest:
    """What to hold; two mugs and a shirt unless said otherwise (names with `_` for `-`)."""
    price = Money(amount=Decimal("14.50"), currency="GBP")
    wanted = pieces or {"MUG_BLUE": 2, "TEE_M": 1}
    lines = tuple(StockLine(sku=k.replace("_", "-"), quantity=count, unit_price=price) for k, count in wanted.items())
    return StockRequest(reference=REFERENCE, number="#5001", currency="GBP", address=ADDRESS, lines=lines)


class CarrierSide(Side, Protocol):
    """A carrier, and its roads."""

    @property
    def adapter(self) -> CarrierSystem: ...

    async def move(self, number: str, state: str) -> None:
        """The parcel is now in TRANSIT, DELIVERED, RETURNED, FAILURE."""

    async def queue_labels(self, seconds: float) -> None:
        """Labels take so long to be made."""

    async def hold_refunds(self, seconds: float) -> None:
        """Refunds take so long to be confirmed."""

    async def lose_reply(self) -> None:
        """The next label is sold, and its answer is lost."""


class CarrierConformance(SystemConformance):
    """The role carrier."""

    key = f"{REFERENCE}/buy-label#1"

    async def rates(self, side: CarrierSide, request: ParcelRequest | None = None) -> tuple[Rate, ...]:
        """What the carriers ask."""
        return (await side.adapter.quote("", request or parcel_request())).rates

    async def reached(self, side: CarrierSide, label: Label, state: LabelState) -> Label:
        """The label once it is in this state."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while label.state is not state:
                await asyncio.sleep(PAUSE_SECONDS)
                label = await side.adapter.read_label(label)
        return label

    async def test_an_address_is_checked(self, side: CarrierSide) -> None:
        sloppy = ADDRESS.model_copy(update={"postcode": "cb21rx "})
        checked = await side.adapter.check_address(sloppy)
        assert (checked.address.postcode, checked.address.name) == ("CB2 1RX", "Jo Fielding")
        assert checked.address.email == ADDRESS.email

    async def test_a_bad_postcode_is_refused_by_field(self, side: CarrierSide) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.check_address(ADDRESS.model_copy(update={"postcode": "ZZ99 9ZZ9"}))
        assert [problem.field for problem in caught.value.failure.problems] == ["postcode"]
        assert not any(text in str(caught.value) for text in PERSONAL)

    async def test_rates_are_quoted(self, side: CarrierSide) -> None:
        rates = await self.rates(side)
        assert len(rates) > 1
        assert all(rate.price.amount > 0 and rate.days and rate.service and rate.carrier for rate in rates)
        assert {rate.id for rate in rates}.isdisjoint({rate.id for rate in await self.rates(side)})

    async def test_a_parcel_nobody_carries_is_refused(self, side: CarrierSide) -> None:
        nowhere = parcel_request(address=ADDRESS.model_copy(update={"country": "KP", "postcode": "1"}))
        with pytest.raises(Refusal) as caught:
            await self.rates(side, nowhere)
        assert caught.value.failure.code == "no-rates"

    async def test_a_label_is_bought_and_found(self, side: CarrierSide) -> None:
        rate = (await self.rates(side))[0]
        assert await side.adapter.find_labels(REFERENCE, [rate.id]) == []
        bought = await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        label = await side.adapter.read_label(bought)
        assert (label.state, label.key, label.rate_id) == (LabelState.BOUGHT, self.key, rate.id)
        assert (label.carrier, label.service, label.price) == (rate.carrier, rate.service, rate.price)
        assert label.tracking_number
        assert label.tracking_page
        assert await side.adapter.find_labels(REFERENCE, [rate.id]) == [label]
        assert await side.adapter.find_labels(REFERENCE, [(await self.rates(side))[0].id]) == []

    async def test_a_label_is_found_by_its_reference(self, side: CarrierSide) -> None:
        rate = (await self.rates(side))[0]
        label = await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        other = ParcelRequest.model_validate(parcel_request().model_dump() | {"reference": "shop-uk:50011"})
        await side.adapter.buy_label("shop-uk:50011/buy-label#1", LabelRequest(parcel=other, rate=rate))
        (held,) = await side.adapter.holdings(REFERENCE)
        assert (held.kind, held.id, held.key, held.amount) == ("label", label.id, self.key, str(rate.price))

    async def test_a_label_whose_answer_was_lost_is_found(self, side: CarrierSide) -> None:
        rate = (await self.rates(side))[0]
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        (found,) = await side.adapter.find_labels(REFERENCE, [rate.id])
        assert (found.key, found.price) == (self.key, rate.price)

    async def test_a_label_that_takes_its_time(self, side: CarrierSide) -> None:
        await side.queue_labels(0.3)
        rate = (await self.rates(side))[0]
        label = await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        assert label.state is LabelState.QUEUED
        label = await self.reached(side, label, LabelState.BOUGHT)
        assert label.price == rate.price

    async def test_a_label_the_carrier_will_not_sell(self, side: CarrierSide) -> None:
        heavy = parcel_request(weight_grams=31_000)
        rate = (await self.rates(side, heavy))[0]
        with pytest.raises(Refusal) as caught:
            await side.adapter.buy_label(self.key, LabelRequest(parcel=heavy, rate=rate))
        assert [problem.field for problem in caught.value.failure.problems] == ["parcel.weight_grams"]
        bad = parcel_request(address=ADDRESS.model_copy(update={"postcode": "ZZ9 9ZZ"}))
        rate = (await self.rates(side, bad))[0]
        with pytest.raises(Refusal) as caught:
            await side.adapter.buy_label(self.key, LabelRequest(parcel=bad, rate=rate))
        assert [problem.field for problem in caught.value.failure.problems] == ["parcel.address.postcode"]
        (failed,) = await side.adapter.find_labels(REFERENCE, [rate.id])
        assert failed.state is LabelState.FAILED

    async def test_a_label_is_refunded_once(self, side: CarrierSide) -> None:
        await side.hold_refunds(0.5)
        rate = (await self.rates(side))[0]
        label = await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        assert (await side.adapter.refund_label(label)).state is LabelState.REFUND_REQUESTED
        assert (await side.adapter.refund_label(label)).state is LabelState.REFUND_REQUESTED
        refunded = await self.reached(side, label, LabelState.REFUNDED)
        assert (await side.adapter.refund_label(refunded)).state is LabelState.REFUNDED
        (found,) = await side.adapter.find_labels(REFERENCE, [rate.id])
        assert found.state is LabelState.REFUNDED

    async def test_a_parcel_is_followed(self, side: CarrierSide) -> None:
        rate = (await self.rates(side))[0]
        bought = await side.adapter.buy_label(self.key, LabelRequest(parcel=parcel_request(), rate=rate))
        label = await side.adapter.read_label(bought)
        parcel = ParcelNumber(carrier=label.carrier, number=label.tracking_number)
        assert (await side.adapter.track(parcel)).state is TrackingState.PRE_TRANSIT
        for state in ("TRANSIT", "DELIVERED"):
            await side.move(label.tracking_number, state)
            tracking = await side.adapter.track(parcel)
            assert (tracking.state, tracking.at is not None) == (TrackingState[state], True)
        unseen = ParcelNumber(carrier=label.carrier, number="UNSEEN")
        assert (await side.adapter.track(unseen)).state is TrackingState.UNKNOWN


def parcel_request(address: Address = ADDRESS, weight_grams: int = 900) -> ParcelRequest:
    """A parcel to Cambridge."""
    value = Money(amount=Decimal("29.00"), currency="GBP")
    return ParcelRequest(reference=REFERENCE, address=address, weight_grams=weight_grams, value=value)


class MailSide(Side, Protocol):
    """A mail server, and the letter box."""

    @property
    def adapter(self) -> MailSystem: ...

    async def received(self) -> list[dict[str, Any]]:
        """The mails that arrived: message_id, to, subject, text, html, reference, key."""

    async def lose_reply(self) -> None:
        """The next mail is taken, and the answer is lost."""


class MailConformance(SystemConformance):
    """The role mail."""

    key = f"{REFERENCE}/send-shipped#1"

    async def test_a_mail_arrives_in_text_and_html(self, side: MailSide) -> None:
        sent = await side.adapter.send_shipped(self.key, shipped_mail())
        (mail,) = await side.received()
        assert mail["message_id"] == sent.message_id
        assert (mail["to"], mail["reference"], mail["key"]) == (["jo.fielding@example.com"], REFERENCE, self.key)
        for body in (mail["text"], mail["html"]):
            assert "TRACK-1" in body
            assert "Enamel mug" in body
        assert "#5001" in mail["subject"]

    async def test_html_is_escaped(self, side: MailSide) -> None:
        await side.adapter.send_shipped(self.key, shipped_mail(name="<script>alert(1)</script>"))
        (mail,) = await side.received()
        assert "<script>" not in mail["html"]
        assert "<script>" in mail["text"]

    @pytest.mark.parametrize(("locale", "words"), [("de-AT", "Sendungsnummer"), ("en", "Tracking"), ("fr", "Tracking")])
    async def test_it_speaks_the_customers_language(self, side: MailSide, locale: str, words: str) -> None:
        await side.adapter.send_shipped(self.key, shipped_mail(locale=locale))
        (mail,) = await side.received()
        assert words in mail["text"]
        assert words in mail["html"]

    async def test_one_key_is_one_message_id(self, side: MailSide) -> None:
        first = await side.adapter.send_shipped(self.key, shipped_mail())
        assert (await side.adapter.send_shipped(self.key, shipped_mail())).message_id == first.message_id
        second = await side.adapter.send_shipped(f"{REFERENCE}/send-shipped#2", shipped_mail())
        assert second.message_id != first.message_id

    async def test_a_lost_answer_is_an_outage(self, side: MailSide) -> None:
        await side.lose_reply()
        with pytest.raises(Outage):
            await side.adapter.send_shipped(self.key, shipped_mail())
        sent = await side.adapter.send_shipped(self.key, shipped_mail())
        assert {mail["message_id"] for mail in await side.received()} == {sent.message_id}

    @pytest.mark.parametrize("to", ["nobody@refused.example", "no address", "", "a@b@c", "jo\nBcc: x@example.com"])
    async def test_a_bad_address_is_refused(self, side: MailSide, to: str) -> None:
        with pytest.raises(Refusal) as caught:
            await side.adapter.send_shipped(self.key, shipped_mail(to=to))
        assert [problem.field for problem in caught.value.failure.problems] == ["to"]
        assert await side.received() == []

    async def test_a_busy_mailbox_is_an_outage(self, side: MailSide) -> None:
        with pytest.raises(Outage):
            await side.adapter.send_shipped(self.key, shipped_mail(to="jo@busy.example"))


def shipped_mail(**changes: Any) -> ShippedMail:
    """The mail about a parcel."""
    values: dict[str, Any] = {
        "reference": REFERENCE,
        "to": "jo.fielding@example.com",
        "name": "Jo Fielding",
        "number": "#5001",
        "carrier": "Royal Mail",
        "tracking_number": "TRACK-1",
        "tracking_page": "https://carrier.example/TRACK-1",
        "lines": (MailLine(title="Enamel mug, blue", quantity=2),),
    }
    return ShippedMail.model_validate(values | changes)
