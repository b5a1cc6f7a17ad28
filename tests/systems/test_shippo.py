"""Shippo in the role of the carrier, and its oddities."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from seamline.errors import Outage, Refusal
from seamline.http import Exchange, HttpFactory
from seamline.records.event import BadSignature, EventKind, UnreadableEvent
from seamline.records.parcel import LabelRequest, ParcelNumber
from seamline.systems.shippo import mapping, webhook
from seamline.systems.shippo.carrier import Account, ShippoCarrier, connect
from tests.systems.carrier_suite import CarrierConformance, parcel_request
from tests.systems.conformance import ADDRESS
from tests.systems.deliveries import delivery
from tests.systems.vendors import Simulated

NAME = "shippo-main"
SENDER = {"company": "Tide & Co", "street1": "1 Quay", "city": "London", "postcode": "SE1 2AA", "country": "GB"}


class Side:
    """The account `shippo-main` and its carriers."""

    name = NAME
    secrets = (f"shippo-test-{NAME}",)

    def __init__(self, adapter: ShippoCarrier, simulated: Simulated) -> None:
        self.adapter = adapter
        self.simulated = simulated

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle", delay_seconds=7)

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        await self.simulated.fault(NAME, "status", status=401)

    async def heal(self) -> None:
        await self.simulated.heal()

    async def move(self, number: str, state: str) -> None:
        await self.simulated.parcel(number, state)

    async def queue_labels(self, seconds: float) -> None:
        await self.simulated.settings(label_queued_seconds=seconds)

    async def hold_refunds(self, seconds: float) -> None:
        await self.simulated.settings(refund_after_seconds=seconds)

    async def lose_reply(self) -> None:
        await self.simulated.fault(NAME, "lost-reply", "transactions.create", count=1)


def account(simulated: Simulated, **more: object) -> Account:
    """The account's settings."""
    values = {
        "url": f"{simulated.url}/shippo/{NAME}",
        "token": f"shippo-test-{NAME}",
        "sender": SENDER,
        "test": True,
        "calls_per_second_max": 100,
    }
    return Account.model_validate(values | more)


@pytest.fixture
async def side(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Side]:
    """The adapter and the account it talks to."""
    adapter = connect(NAME, account(simulated), http)
    yield Side(adapter, simulated)
    await adapter.close()


class TestConformance(CarrierConformance):
    """Shippo fills the role."""


async def test_retry_after_is_kept(side: Side) -> None:
    await side.throttle()
    with pytest.raises(Outage) as caught:
        await side.adapter.card()
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("throttled", 7)


async def test_a_test_token_is_refused_where_labels_must_ship(simulated: Simulated, http: HttpFactory) -> None:
    adapter = connect(NAME, account(simulated, test=False), http)
    with pytest.raises(Refusal) as caught:
        await adapter.quote("", parcel_request())
    assert (caught.value.failure.code, caught.value.failure.connection) == ("test-token", NAME)
    await adapter.close()


async def test_the_box_and_the_sender_are_settings(
    simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]
) -> None:
    box = {"length_cm": 12.5, "width_cm": 10, "height_cm": 4, "empty_grams": 80}
    adapter = connect(NAME, account(simulated, box=box), http)
    await adapter.quote("", parcel_request(weight_grams=900))
    await adapter.close()
    sent = json.loads(exchanges[-1].request.content)
    (parcel,) = sent["parcels"]
    assert (parcel["length"], parcel["weight"], parcel["mass_unit"]) == ("12.5", "980", "g")
    assert (sent["address_from"]["company"], sent["metadata"]) == ("Tide & Co", "shop-uk:5001")


async def test_a_bad_request_names_our_field(side: Side, simulated: Simulated) -> None:
    await simulated.fault(NAME, "refuse", "transactions.get", field="zip", reason="Enter a valid ZIP.")
    rate = (await side.adapter.quote("", parcel_request())).rates[0]
    label = await side.adapter.buy_label("shop-uk:5001/buy-label#1", LabelRequest(parcel=parcel_request(), rate=rate))
    with pytest.raises(Refusal) as caught:
        await side.adapter.read_label(label)
    (problem,) = caught.value.failure.problems
    assert (problem.field, problem.reason) == ("postcode", "Enter a valid ZIP.")
    assert "Enter" not in str(caught.value)


async def test_labels_beyond_a_page_are_found(side: Side) -> None:
    rate = (await side.adapter.quote("", parcel_request())).rates[0]
    request = LabelRequest(parcel=parcel_request(), rate=rate)
    for number in range(105):
        await side.adapter.buy_label(f"shop-uk:5001/buy-label#{number}", request)
    assert len(await side.adapter.find_labels("shop-uk:5001", [rate.id])) == 105


@pytest.mark.parametrize("number", ["../addresses", "a/b", "..", "a?b"])
async def test_a_number_leads_nowhere_else(side: Side, number: str) -> None:
    with pytest.raises(Refusal) as caught:
        await side.adapter.track(ParcelNumber(carrier="usps", number=number))
    assert caught.value.failure.code == "bad-number"


async def test_a_key_too_long_is_refused_before_it_is_sent(side: Side, exchanges: list[Exchange]) -> None:
    rate = (await side.adapter.quote("", parcel_request())).rates[0]
    with pytest.raises(Refusal):
        await side.adapter.buy_label("k" * 101, LabelRequest(parcel=parcel_request(), rate=rate))
    assert exchanges[-1].operation == "quote"


@pytest.mark.parametrize(
    ("provider", "code"),
    [("USPS", "usps"), ("Royal Mail", "royal_mail"), ("Evri UK", "hermes_uk"), ("DPD UK", "dpd_uk")],
)
def test_carrier_codes(provider: str, code: str) -> None:
    assert mapping.carrier_code(provider) == code


def test_empty_fields_are_left_out_of_an_address() -> None:
    assert "company" not in mapping.ADDRESS.write(ADDRESS)
    assert mapping.ADDRESS.write(ADDRESS)["zip"] == "CB2 1RX"


def test_a_webhook_needs_the_token() -> None:
    webhook.verify("s3cret", delivery(query={"token": "s3cret"}))
    for query in ({}, {"token": "other"}, {"token": "ü"}):
        with pytest.raises(BadSignature):
            webhook.verify("s3cret", delivery(query=query))


def test_events() -> None:
    (moved,) = webhook.read(delivery(b'{"event": "track_updated", "data": {"metadata": "shop-uk:5001.2/buy-label#1"}}'))
    assert (moved.kind, moved.reference) == (EventKind.PARCEL_MOVED, "shop-uk:5001.2")
    (changed,) = webhook.read(
        delivery(b'{"event": "transaction_updated", "data": {"metadata": "Order 7", "object_id": "t1"}}')
    )
    assert (changed.kind, changed.reference) == (EventKind.LABEL_CHANGED, "")
    (other,) = webhook.read(delivery(b'{"event": "batch_created"}'))
    assert other.kind is EventKind.OTHER
    without_data = (b'{"event": "track_updated"}', b'{"event": "track_updated", "data": []}')
    for body in (b"", b"[]", b"{}", b"[" * 100_000, *without_data):
        with pytest.raises(UnreadableEvent):
            webhook.read(delivery(body))
