"""Webhooks of the simulated HubSpot: who is told what, signed as HubSpot's own client checks it, tried again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hubspot.utils.signature import Signature

from tests.simulator.hubspot_client import KEY, App
from tests.simulator.shopify_client import Inbox, inbox


@pytest.fixture
async def box() -> AsyncIterator[Inbox]:
    async with inbox() as opened:
        yield opened


@pytest.fixture
def app(http: httpx.AsyncClient) -> App:
    return App(http)


async def subscribe(app: App, box: Inbox, event: str, property: str = "") -> None:
    await app.people("POST", "/account/subscriptions", {"event": event, "property": property, "url": box.url})


def told(box: Inbox) -> list[list[dict[str, Any]]]:
    """The events of each request. Every signature is right, as HubSpot's own library sees it."""
    for headers, body in box.received:
        assert Signature.is_valid(
            headers["x-hubspot-signature-v3"],
            "secret-hubspot-main",
            body.decode(),
            http_uri=box.url,
            signature_version="v3",
            timestamp=headers["x-hubspot-request-timestamp"],
        )
    return [json.loads(body) for _, body in box.received]


async def test_one_change_is_one_request_with_an_event_for_each_property(app: App, box: Inbox) -> None:
    await subscribe(app, box, "company.propertyChange", "lifecyclestage")
    await subscribe(app, box, "company.propertyChange", "city")
    await subscribe(app, box, "contact.propertyChange", "city")
    company = await app.company(stage="lead")
    await box.until(1)
    await app.set("companies", company, lifecyclestage="customer", city="Leeds", seamline_key=KEY)
    await box.until(2)
    first, second = told(box)
    assert [(one["propertyValue"], one["changeSource"]) for one in first] == [("lead", "CRM_UI")]
    assert [
        (one["subscriptionType"], one["objectId"], one["propertyName"], one["propertyValue"]) for one in second
    ] == [
        ("company.propertyChange", int(company), "lifecyclestage", "customer"),
        ("company.propertyChange", int(company), "city", "Leeds"),
    ]
    assert {(one["changeSource"], one["attemptNumber"]) for one in second} == {("INTEGRATION", 0)}
    assert len({one["eventId"] for one in first + second}) == 3


async def test_each_try_is_numbered_and_signed_anew(app: App, box: Inbox) -> None:
    await subscribe(app, box, "contact.creation")
    box.answers = [503, 400]
    await app.contact()
    await box.until(3)
    events = [one for (one,) in told(box)]
    assert [one["attemptNumber"] for one in events] == [0, 1, 2]
    assert len({one["eventId"] for one in events}) == 1
    assert len({headers["x-hubspot-request-timestamp"] for headers, _ in box.received}) == 3


async def test_a_forgotten_person_and_a_deletion_are_told(app: App, box: Inbox) -> None:
    await subscribe(app, box, "contact.deletion")
    await subscribe(app, box, "contact.privacyDeletion")
    contact = await app.contact()
    await app.http.delete(f"/_simulator/audiences/hubspot-main/contacts/{contact}", params={"forget": "true"})
    await box.until(2)
    assert {(one["subscriptionType"], one["objectId"]) for (one,) in told(box)} == {
        ("contact.deletion", int(contact)),
        ("contact.privacyDeletion", int(contact)),
    }


async def test_everything_can_be_sent_again(app: App, box: Inbox) -> None:
    await subscribe(app, box, "contact.creation")
    await app.contact()
    await box.until(1)
    assert await app.people("POST", "/account/deliveries", {"times": 2}) == {"requests": 2}
    await box.until(3)
    assert len({one["eventId"] for (one,) in told(box)}) == 1
    kept = await app.people("GET", "/account/deliveries")
    assert [one["events"] for one in kept] == ["contact.creation"] * 3
