"""Shippo's own Python client does its ordinary work against the simulated Shippo."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from shippo import Shippo
from shippo.models import components, errors, operations

from seamline.simulator.server import Simulator
from tests.checked import Against, Checks
from tests.simulator.carrier import ADDRESS, CONNECTION, DECLARATION, ITEM, KEY, parcel
from tests.simulator.carrier import operations as in_ledger

CHECKS = Checks(
    "shippo",
    Against.CLIENT,
    "shippo 3.9, with the simulator",
    frozenset({"check_address", "quote", "buy_label", "look", "moved", "refund_label"}),
)


@pytest.fixture
def shippo(simulator: Simulator) -> Shippo:
    """The client, with the account's token."""
    token = f"ShippoToken shippo-test-{CONNECTION}"
    url = f"{simulator.url}/shippo/{CONNECTION}"
    return Shippo(api_key_header=token, shippo_api_version="2018-02-08", server_url=url)


def shipment(**changes: Any) -> components.ShipmentCreateRequest:
    """What is asked of a quote."""
    size = {**parcel(), "distance_unit": components.DistanceUnitEnum.CM, "mass_unit": components.WeightUnitEnum.G}
    address = components.AddressCreateRequest(**ADDRESS)
    values = {"address_from": address, "address_to": address, "parcels": [components.ParcelCreateRequest(**size)]}
    return components.ShipmentCreateRequest(**values | {"metadata": KEY, "async_": False} | changes)


def buy(shippo: Shippo, rate: components.Rate, **more: Any) -> components.Transaction:
    """The label at this rate."""
    wanted = components.TransactionCreateRequest(rate=rate.object_id, metadata=KEY, async_=False, **more)
    return shippo.transactions.create(wanted)


async def test_an_address_is_checked(shippo: Shippo) -> None:
    for postcode, valid in (("SW1A 1AA", True), ("ZZ9 9ZZ", False)):
        wanted = components.AddressCreateRequest(**ADDRESS | {"zip": postcode}, validate=True)
        made = await asyncio.to_thread(shippo.addresses.create, wanted)
        assert made.validation_results is not None
        assert (made.validation_results.is_valid, bool(made.validation_results.messages)) == (valid, not valid)


async def test_a_label_is_bought_followed_and_given_back(shippo: Shippo, http: httpx.AsyncClient) -> None:
    await asyncio.to_thread(_buy_and_give_back, shippo)
    assert (await in_ledger(http))[:2] == ["buy-label", "request-refund"]


def _buy_and_give_back(shippo: Shippo) -> None:
    quoted = shippo.shipments.create(shipment())
    assert (quoted.status, quoted.metadata) == (components.ShipmentStatus.SUCCESS, KEY)
    rate = min(quoted.rates, key=lambda one: float(one.amount))
    assert shippo.rates.get(rate.object_id).servicelevel == rate.servicelevel
    label = buy(shippo, rate, label_file_type=components.LabelFileTypeEnum.PDF)
    assert label.status is components.TransactionStatusEnum.SUCCESS
    assert label.label_url
    assert label.tracking_number
    assert shippo.transactions.get(label.object_id).tracking_number == label.tracking_number
    listed = shippo.transactions.list(operations.ListTransactionsRequest(rate=rate.object_id))
    assert [one.object_id for one in listed.results] == [label.object_id]
    track = shippo.tracking_status.get(label.tracking_number, "hermes_uk")
    assert track.tracking_number == label.tracking_number
    refund = shippo.refunds.create(label.object_id)
    assert refund.transaction == label.object_id
    assert shippo.refunds.get(refund.object_id).transaction == label.object_id


async def test_goods_pass_customs(shippo: Shippo) -> None:
    words = {
        "contents_type": components.CustomsDeclarationContentsTypeEnum.MERCHANDISE,
        "non_delivery_option": components.CustomsDeclarationNonDeliveryOptionEnum.RETURN,
        "incoterm": components.CustomsDeclarationIncotermEnum.DDU,
    }
    items = [components.CustomsItemCreateRequest(**ITEM | {"mass_unit": components.WeightUnitEnum.G})]
    declared = components.CustomsDeclarationCreateRequest(**DECLARATION | words | {"items": items})
    made = await asyncio.to_thread(shippo.customs_declarations.create, declared)
    assert (await asyncio.to_thread(shippo.customs_declarations.get, made.object_id)).items == made.items
    abroad = components.AddressCreateRequest(**ADDRESS | {"country": "US", "zip": "94117"})
    wanted = shipment(address_to=abroad, customs_declaration=made.object_id)
    quoted = await asyncio.to_thread(shippo.shipments.create, wanted)
    assert quoted.rates
    assert quoted.customs_declaration is not None
    assert quoted.customs_declaration.object_id == made.object_id


async def test_what_is_refused_says_why(shippo: Shippo) -> None:
    with pytest.raises(errors.SDKError) as unknown:
        await asyncio.to_thread(shippo.refunds.create, "0" * 32)
    assert (unknown.value.status_code, "not found" in unknown.value.body) == (400, True)
    nobody = shipment(address_to=components.AddressCreateRequest(**ADDRESS | {"country": "KP"}))
    quoted = await asyncio.to_thread(shippo.shipments.create, nobody)
    assert (quoted.rates, [one.text for one in quoted.messages or ()]) == (
        [],
        ["No carrier offers a rate for this shipment."],
    )
    heavy = shipment()
    heavy.parcels[0].weight = "31000"
    rate = (await asyncio.to_thread(shippo.shipments.create, heavy)).rates[0]
    label = await asyncio.to_thread(buy, shippo, rate)
    assert label.status is components.TransactionStatusEnum.ERROR
    assert [one.text for one in label.messages or ()]
