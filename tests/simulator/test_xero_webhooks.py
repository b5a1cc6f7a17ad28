"""Webhooks of the simulated Xero: the intent to receive, what is told, signed and tried again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.simulator.shopify_client import Inbox, inbox
from tests.simulator.xero_client import CONNECTION, App


@pytest.fixture
async def box() -> AsyncIterator[Inbox]:
    async with inbox() as opened:
        yield opened


@pytest.fixture
async def app(http: httpx.AsyncClient) -> App:
    return await App(http).log_in()


def signed(headers: dict[str, str], body: bytes) -> bool:
    digest = hmac.new(f"secret-{CONNECTION}".encode(), body, hashlib.sha256).digest()
    return headers["x-xero-signature"] == base64.b64encode(digest).decode()


async def subscribe(app: App, box: Inbox, *answers: int) -> httpx.Response:
    box.answers = list(answers)
    return await app.http.post(f"/_simulator/books/{CONNECTION}/subscriptions", json={"url": box.url})


async def test_the_address_shows_its_intent_to_receive(app: App, box: Inbox) -> None:
    assert (await subscribe(app, box, 200, 401)).status_code == 201
    assert [signed(*one) for one in box.received] == [True, False]
    bodies = [json.loads(body) for _, body in box.received]
    assert [(one["events"], one["lastEventSequence"]) for one in bodies] == [([], 0), ([], 0)]


@pytest.mark.parametrize("answers", [(200, 200), (500,), (401, 401)])
async def test_an_address_that_does_not_check_is_refused(app: App, box: Inbox, answers: tuple[int, ...]) -> None:
    answer = await subscribe(app, box, *answers)
    assert (answer.status_code, "intent to receive" in answer.text) == (409, True)
    await app.contact()
    assert await app.people("GET", "deliveries") == []


async def test_what_happens_is_told_by_id_but_payments_are_not(app: App, box: Inbox) -> None:
    await subscribe(app, box, 200, 401)
    contact = await app.contact()
    invoice = await app.change(await app.invoice(contact), Status="AUTHORISED")
    await app.people("POST", "payments", {"invoice": invoice["InvoiceID"]})
    await box.until(6)
    assert all(signed(*one) for one in box.received[2:])
    told = sorted((json.loads(body) for _, body in box.received[2:]), key=lambda one: one["firstEventSequence"])
    events: list[dict[str, Any]] = [one["events"][0] for one in told]
    assert [(one["eventCategory"], one["eventType"], one["resourceId"]) for one in events] == [
        ("CONTACT", "CREATE", contact),
        ("INVOICE", "CREATE", invoice["InvoiceID"]),
        ("INVOICE", "UPDATE", invoice["InvoiceID"]),
        ("INVOICE", "UPDATE", invoice["InvoiceID"]),
    ]
    assert {one["tenantId"] for one in events} == {app.headers["xero-tenant-id"]}
    shown = await app.http.get(events[0]["resourceUrl"], headers=app.headers)
    assert shown.json()["Contacts"][0]["ContactID"] == contact


async def test_it_is_told_again_until_it_is_taken(app: App, box: Inbox) -> None:
    await subscribe(app, box, 200, 401, 503, 202)
    await app.contact()
    await box.until(5)
    assert len({body for _, body in box.received[2:]}) == 1
