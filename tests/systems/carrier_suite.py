"""What every system must do that fills the role carrier."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Protocol

import pytest

from activities.carrier import CarrierSystem
from seamline.errors import Outage, Refusal
from seamline.records.address import Address
from seamline.records.customs import Customs, CustomsLine
from seamline.records.money import Money
from seamline.records.parcel import Label, LabelRequest, LabelState, ParcelNumber, ParcelRequest, Rate, TrackingState
from tests.systems.conformance import (
    ADDRESS,
    PAUSE_SECONDS,
    PERSONAL,
    REFERENCE,
    WAIT_SECONDS_MAX,
    Side,
    SystemConformance,
)

DECLARED = Customs(
    incoterm="DAP",
    lines=(
        CustomsLine(
            description="Enamel mug",
            sku="MUG-BLUE",
            hs_code="732394",
            origin="PL",
            quantity=2,
            value=Money(amount=Decimal("29.00"), currency="GBP"),
            weight_grams=760,
        ),
    ),
)


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

    async def test_goods_for_another_country_are_declared(self, side: CarrierSide) -> None:
        abroad = ADDRESS.model_copy(update={"country": "US", "postcode": "94117", "city": "San Francisco"})
        for customs, states in ((DECLARED, (LabelState.BOUGHT, LabelState.QUEUED)), (None, ())):
            request = parcel_request(address=abroad, customs=customs)
            (rate, *_) = await self.rates(side, request)
            wanted = LabelRequest(parcel=request, rate=rate)
            if states:
                assert (await side.adapter.buy_label(self.key, wanted)).state in states
                continue
            with pytest.raises(Refusal) as caught:
                await side.adapter.buy_label(self.key, wanted)
            assert caught.value.failure.code == "label-refused"

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

    async def test_a_label_is_known_by_its_id_and_its_number(self, side: CarrierSide) -> None:
        rate = (await self.rates(side))[0]
        request = LabelRequest(parcel=parcel_request(), rate=rate)
        label = await side.adapter.read_label(await side.adapter.buy_label(self.key, request))
        for known in (label.id, label.tracking_number):
            assert list(await side.adapter.references(known)) == [REFERENCE]

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


def parcel_request(
    address: Address = ADDRESS, weight_grams: int = 900, customs: Customs | None = None
) -> ParcelRequest:
    """A parcel to Cambridge."""
    value = Money(amount=Decimal("29.00"), currency="GBP")
    return ParcelRequest(reference=REFERENCE, address=address, weight_grams=weight_grams, value=value, customs=customs)
