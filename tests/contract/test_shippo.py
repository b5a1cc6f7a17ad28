"""What we say to Shippo and what the simulator says back, held to Shippo's OpenAPI description."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import httpx
import pytest

from seamline.errors import Refusal
from seamline.http import Answer, Exchange, HttpFactory
from seamline.records.parcel import LabelRequest, ParcelNumber
from seamline.systems.shippo import carrier as carrier_module
from seamline.systems.shippo.carrier import Account, connect
from tests.checked import Against, Checks
from tests.contract.judges import Hearing, Overheard
from tests.systems.carrier_suite import DECLARED, parcel_request
from tests.systems.conformance import ADDRESS
from tests.systems.vendors import Simulated

CHECKS = Checks("shippo", Against.DESCRIPTION, "Shippo's OpenAPI 2018-02-08")
NAME = "shippo-main"
REFERENCE = "shop-uk:5001"
KEY = f"{REFERENCE}/buy-label#1"


JSON = {"content-type": "application/json"}


async def test_requests_and_answers(simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]) -> None:
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
    sent = {(one.request.method, one.operation) for one in exchanges}
    assert sent == called(), "a call of the adapter was never made"
    heard = Hearing().exchanges(exchanges)
    assert heard.problems == []
    assert heard.judged.total() == len(exchanges)


def called() -> set[tuple[str, str]]:
    """Every call of the client that the adapter has: the method, and what it names the operation."""
    tree = ast.parse(inspect.getsource(carrier_module))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    ours = [one for one in calls if ast.unparse(one.func.value) == "self._client" and one.args]  # type: ignore[attr-defined]
    return {(one.func.attr.upper(), ast.literal_eval(one.args[0])) for one in ours}  # type: ignore[attr-defined]


def post(path: str, body: object) -> httpx.Request:
    """A request with a token, as the adapter would send it."""
    headers = {"Authorization": "ShippoToken x"}
    return httpx.Request("POST", f"http://simulator/shippo/{NAME}{path}", json=body, headers=headers)


PLACE = {"country": "GB"}
SHIPMENT = {"address_from": PLACE, "address_to": PLACE, "parcels": []}


@pytest.mark.parametrize(
    ("path", "body", "problem"),
    [
        ("/addresses", {"country": "GB", "zip": 12}, "['zip']: 12 is not of type 'string'"),
        ("/addresses", {"country": "GB", "postcode": "SW1A 1AA"}, "postcode: is not described"),
        ("/shipments", SHIPMENT | {"address_to": PLACE | {"postcode": "1"}}, "address_to.postcode: is not described"),
        ("/adresses", {"country": "GB"}, "Path not found"),
    ],
)
def test_a_wrong_request_is_found_answered_or_not(specs: Path, path: str, body: object, problem: str) -> None:
    for answer in (Answer(400, JSON, b'{"detail": "no"}'), None):
        heard = Hearing()
        heard.exchange(Exchange(NAME, "x", True, post(path, body), answer))
        assert any(problem in one for one in heard.problems), heard.problems


def test_of_a_world_one_exchange_of_each_kind_is_judged(specs: Path) -> None:
    overheard, later = Overheard(), Overheard()
    for place, wrong in ((overheard, "so long"), (overheard, "too long"), (overheard, 7), (later, "too long")):
        answer = Answer(400, JSON, json.dumps({"fax": wrong}).encode())
        place.hear(Exchange(NAME, "x", True, post("/addresses", PLACE), answer))
    overheard.hear(Exchange(NAME, "x", True, post("/adresses", PLACE), None))
    with pytest.raises(AssertionError) as raised:
        overheard.judge()
    told = [line.partition(": ")[0] for line in str(raised.value).splitlines()]
    assert told == ["shippo POST /addresses (400)"] * 2 + ["shippo POST /adresses (no answer)"]
    later.judge()


@pytest.mark.parametrize(
    ("status", "body", "count"),
    [
        (201, {"object_id": 7}, 1),
        (201, {"is_complete": True, "object_state": "VALID"}, 1),
        (400, {"zip": "too long"}, 1),
        (400, {"zip": ["too long"]}, 0),
        (401, {"detail": "Invalid token."}, 0),
        (503, ["down"], 1),
    ],
)
def test_a_wrong_answer_is_found(specs: Path, status: int, body: object, count: int) -> None:
    heard = Hearing()
    heard.answer(post("/addresses", PLACE), Answer(status, JSON, json.dumps(body).encode()))
    assert len(heard.problems) == count, heard.problems
