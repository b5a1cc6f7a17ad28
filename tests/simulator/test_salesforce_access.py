"""Tokens of the simulated Salesforce, and what its Flow tells."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.simulator.crm_client import CONNECTION, Crm, error
from tests.simulator.shopify_client import Inbox, inbox

KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = generate_private_key(public_exponent=65537, key_size=2048)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def crm(http: httpx.AsyncClient) -> Crm:
    return Crm(http)


@pytest.fixture
async def box() -> AsyncIterator[Inbox]:
    async with inbox() as opened:
        yield opened


def public_pem(key: RSAPrivateKey = KEY) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def certificate_pem() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "seamline")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def assertion(key: RSAPrivateKey = KEY, **changes: Any) -> str:
    claims = {
        "iss": f"client-{CONNECTION}",
        "sub": f"seamline@{CONNECTION}.example",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    claims |= changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, key, "RS256")


async def by_assertion(crm: Crm, text: str) -> httpx.Response:
    form = {"grant_type": JWT_BEARER, "assertion": text}
    answer = await crm.http.post(f"{crm.path}/services/oauth2/token", data=form)
    crm.token = answer.json().get("access_token", "")
    return answer


async def test_client_credentials_give_a_token(crm: Crm) -> None:
    answer = (await crm.login()).json()
    assert (answer["token_type"], answer["scope"]) == ("Bearer", "api")
    assert answer["instance_url"] == f"{str(crm.http.base_url).rstrip('/')}{crm.path}"
    assert (await crm.call("GET", "sobjects")).status_code == 200
    basic = httpx.BasicAuth(f"client-{CONNECTION}", f"secret-{CONNECTION}")
    form = {"grant_type": "client_credentials"}
    assert (await crm.http.post(f"{crm.path}/services/oauth2/token", data=form, auth=basic)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_id": "x"}, "invalid_client_id"),
        ({"client_secret": "x"}, "invalid_client"),
    ],
)
async def test_wrong_credentials_are_refused(crm: Crm, changes: dict[str, str], code: str) -> None:
    answer = await crm.login(**changes)
    assert (answer.status_code, answer.json()["error"]) == (400, code)


@pytest.mark.parametrize("pem", [public_pem, certificate_pem])
async def test_an_assertion_gives_a_token(crm: Crm, pem: Any) -> None:
    assert (await by_assertion(crm, assertion())).json()["error"] == "invalid_client_id"
    registered = await crm.http.put(f"{crm.people}/certificate", json={"certificate": pem()})
    assert registered.status_code == 204
    assert (await by_assertion(crm, assertion())).status_code == 200
    assert (await crm.call("GET", "sobjects")).status_code == 200


@pytest.mark.parametrize(
    ("text", "code", "description"),
    [
        (lambda: assertion(OTHER_KEY), "invalid_grant", "invalid assertion"),
        (lambda: "no token", "invalid_grant", "invalid assertion"),
        (lambda: jwt.encode({"iss": "x"}, "s" * 32, "HS256"), "invalid_grant", "invalid assertion"),
        (lambda: assertion(sub=None), "invalid_grant", "invalid assertion"),
        (lambda: assertion(exp=int(time.time()) + 3600), "invalid_grant", "invalid assertion"),
        (lambda: assertion(exp=int(time.time()) - 60), "invalid_grant", "assertion has expired"),
        (lambda: assertion(aud="https://example.com"), "invalid_grant", "audience is invalid"),
        (lambda: assertion(iss="client-other"), "invalid_client_id", "client identifier invalid"),
        (lambda: assertion(sub="x@y.example"), "invalid_grant", "user hasn't approved this consumer"),
    ],
)
async def test_a_wrong_assertion_is_refused(crm: Crm, text: Any, code: str, description: str) -> None:
    await crm.http.put(f"{crm.people}/certificate", json={"certificate": public_pem()})
    answer = await by_assertion(crm, text())
    assert (answer.status_code, answer.json()) == (400, {"error": code, "error_description": description})


async def test_sessions_end(crm: Crm) -> None:
    await crm.login()
    assert (await crm.http.delete(f"{crm.people}/sessions")).json() == {"ended": 1}
    assert error(await crm.call("GET", "sobjects")) == (401, "INVALID_SESSION_ID", None)
    outcomes = [one["outcome"] for one in (await crm.http.get("/_simulator/calls")).json()]
    assert outcomes == ["done", "unauthorised"]
    await crm.login()
    assert (await crm.call("GET", "sobjects")).status_code == 200


# -- the Flow ----------------------------------------------------------------------------------------------------------


async def subscribe(crm: Crm, box: Inbox) -> None:
    assert (await crm.http.post(f"{crm.people}/subscriptions", json={"url": box.url})).status_code == 201


def told(box: Inbox) -> list[str]:
    return [json.loads(body)["event"] for _, body in box.received]


async def test_a_won_deal_is_told_once_and_signed(crm: Crm, box: Inbox) -> None:
    await subscribe(crm, box)
    await subscribe(crm, box)
    await crm.deal(stage="Qualification")
    deal = await crm.deal()
    await box.until(1)
    ((headers, body),) = box.received
    signed = f"{headers['x-seamline-timestamp']}.".encode() + body
    digest = hmac.new(f"secret-{CONNECTION}".encode(), signed, hashlib.sha256).digest()
    assert headers["x-seamline-signature"] == base64.b64encode(digest).decode()
    assert abs(int(headers["x-seamline-timestamp"]) - time.time()) < 60
    event = json.loads(body)
    assert (event["event"], event["id"]) == ("opportunity-won", deal)
    assert set(event) == {"event", "id", "organizationId", "eventId", "systemModstamp"}


async def test_what_becomes_of_a_won_deal_is_told(crm: Crm, box: Inbox) -> None:
    deal = await crm.deal()
    await subscribe(crm, box)
    await crm.call("PATCH", f"sobjects/Opportunity/{deal}", {"Invoice_Number__c": "INV-1"})
    await crm.change(deal, po_number="PO-1", lines=[{"quantity": 2}])
    await crm.change(deal, stage="Negotiation/Review")
    await crm.change(deal, po_number="PO-2")
    await crm.change(deal, stage="Closed Won")
    await crm.http.delete(f"{crm.people}/records/{deal}")
    await box.until(4)
    expected = ["opportunity-changed", "opportunity-reopened", "opportunity-won", "opportunity-reopened"]
    assert sorted(told(box)) == sorted(expected)
    listed = (await crm.http.get(f"{crm.people}/deliveries")).json()
    assert [one["event"] for one in listed] == expected
    assert {one["id"] for one in listed} == {deal}


async def test_it_is_told_again_until_it_is_taken(crm: Crm, box: Inbox) -> None:
    await subscribe(crm, box)
    box.answers = [503]
    await crm.deal()
    await box.until(2)
    assert len({body for _, body in box.received}) == 1


async def test_a_delivery_comes_twice_or_late_on_demand(crm: Crm, box: Inbox) -> None:
    await subscribe(crm, box)
    deal = await crm.deal()
    await box.until(1)
    wanted = {"times": 3, "at_once": 2, "age_seconds": 600}
    answer = await crm.http.post(f"{crm.people}/deals/{deal}/deliveries", json=wanted)
    assert answer.json() == {"statuses": [200, 200, 200]}
    assert len({body for _, body in box.received}) == 1
    assert time.time() - int(box.received[-1][0]["x-seamline-timestamp"]) > 590


async def test_nothing_is_told_with_the_flow_off(crm: Crm, box: Inbox) -> None:
    await subscribe(crm, box)
    await crm.http.put(f"{crm.people}/settings", json={"flow": False})
    await crm.deal()
    assert (await crm.http.get(f"{crm.people}/deliveries")).json() == []
    assert len(await crm.query("SELECT Id FROM Opportunity WHERE IsWon = true")) == 1
