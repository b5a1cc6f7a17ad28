"""What we say to Shippo and what the simulator says back, held to Shippo's OpenAPI description."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from seamline.errors import Refusal
from seamline.http import Exchange, HttpFactory
from seamline.records.parcel import LabelRequest, ParcelNumber
from seamline.systems.shippo.carrier import Account, connect
from tests.systems.carrier_suite import DECLARED, parcel_request
from tests.systems.conformance import ADDRESS
from tests.systems.vendors import Simulated

NAME = "shippo-main"
HOST = "https://api.goshippo.com"
REFERENCE = "shop-uk:5001"
KEY = f"{REFERENCE}/buy-label#1"


@pytest.fixture(scope="session")
def api(shippo_description: dict[str, Any]) -> OpenAPI:
    """Shippo's description, ready to validate with."""
    return OpenAPI.from_dict(shippo_description, config=Config(spec_validator_cls=None))


async def test_requests_and_answers(
    api: OpenAPI, simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]
) -> None:
    sender = ADDRESS.model_copy(update={"company": "Tide & Co"}).model_dump()
    values = {"url": f"{simulated.url}/shippo/{NAME}", "token": f"shippo-test-{NAME}", "sender": sender, "test": True}
    carrier = connect(NAME, Account.model_validate(values), http)
    await simulated.settings(refund_after_seconds=60)
    await carrier.check_address(ADDRESS)
    with pytest.raises(Refusal):
        await carrier.check_address(ADDRESS.model_copy(update={"postcode": "ZZ9 9ZZ"}))
    rate = (await carrier.quote("", parcel_request())).rates[0]
    abroad = ADDRESS.model_copy(update={"country": "US", "postcode": "94117"})
    await carrier.quote("", parcel_request(address=abroad, customs=DECLARED))
    bought = await carrier.buy_label(KEY, LabelRequest(parcel=parcel_request(), rate=rate))
    label = await carrier.read_label(bought)
    await carrier.find_labels(REFERENCE, [rate.id])
    await carrier.holdings(REFERENCE)
    for known in (label.id, label.tracking_number):
        await carrier.references(known)
    await carrier.track(ParcelNumber(carrier=label.carrier, number=label.tracking_number))
    await carrier.refund_label(label)
    await carrier.card()
    await carrier.close()
    asked = {f"{one.request.method} {path_of(one)}".split(label.id)[0] for one in exchanges}
    assert {
        "POST /addresses",
        "POST /shipments",
        "POST /customs/declarations",
        "POST /transactions",
        "POST /refunds",
    } <= asked
    for exchange in exchanges:
        validate(api, exchange)


def path_of(exchange: Exchange) -> str:
    """The path below the API's root."""
    return exchange.request.url.path.removeprefix(f"/shippo/{NAME}")


def validate(api: OpenAPI, exchange: Exchange) -> None:
    """Raise what the description has against a request or its answer."""
    sent = exchange.request
    request = MockRequest(
        HOST,
        sent.method.lower(),
        path_of(exchange),
        args=dict(sent.url.params),
        headers=dict(sent.headers),
        data=sent.content or None,
        content_type="application/json",
    )
    api.validate_request(request)
    answer = exchange.answer
    api.validate_response(request, MockResponse(answer.content, answer.status, content_type=answer.media_type))


async def test_a_wrong_request_is_found(api: OpenAPI) -> None:
    request = MockRequest(
        HOST,
        "post",
        "/addresses",
        headers={"Authorization": "ShippoToken x"},
        data=b'{"zip": 12}',
        content_type="application/json",
    )
    with pytest.raises(Exception, match="Request body validation error"):
        api.validate_request(request)
