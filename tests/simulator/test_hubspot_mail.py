"""Communication preferences at the simulated HubSpot: who takes what mail, and with what legal basis."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulator.hubspot_client import KEY, App

MARKETING = "101"
PREFERENCES = "/communication-preferences/v3"
OURS = {"legalBasis": "LEGITIMATE_INTEREST_CLIENT", "legalBasisExplanation": f"Seamline {KEY}"}


@pytest.fixture
def app(http: httpx.AsyncClient) -> App:
    return App(http)


def about(subscription: str = MARKETING, **more: str) -> dict[str, str]:
    return {"emailAddress": "ann@example.com", "subscriptionId": subscription, **more}


async def statuses(app: App) -> dict[str, dict[str, Any]]:
    answer = await app.done("GET", f"{PREFERENCES}/status/email/ann@example.com")
    return {one["id"]: one for one in answer["subscriptionStatuses"]}


async def test_prospect_mail_stops_and_goes_on_with_our_key(app: App) -> None:
    await app.contact()
    names = {
        one["id"]: one["name"]
        for one in (await app.done("GET", f"{PREFERENCES}/definitions"))["subscriptionDefinitions"]
    }
    assert names[MARKETING] == "Marketing Information"
    assert (await statuses(app))[MARKETING]["legalBasis"] == "CONSENT_WITH_NOTICE"
    for _ in range(2):
        stopped = await app.done("POST", f"{PREFERENCES}/unsubscribe", about(**OURS))
    assert (stopped["status"], stopped["legalBasisExplanation"]) == ("NOT_SUBSCRIBED", f"Seamline {KEY}")
    assert {one["status"] for number, one in (await statuses(app)).items() if number != MARKETING} == {"SUBSCRIBED"}
    for _ in range(2):
        await app.done("POST", f"{PREFERENCES}/subscribe", about(**OURS))
    assert (await statuses(app))[MARKETING]["status"] == "SUBSCRIBED"
    assert await app.effects() == [
        ("stop-prospect-mail", KEY, None),
        ("resume-prospect-mail", KEY, f"subscription-{MARKETING}/1"),
    ]


async def test_who_unsubscribed_is_subscribed_again_only_with_a_legal_basis(app: App) -> None:
    await app.contact()
    await app.done("POST", f"{PREFERENCES}/unsubscribe", about())
    refused = await app.call("POST", f"{PREFERENCES}/subscribe", about())
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert "Legal Basis" in refused.json()["message"]
    assert (await app.done("POST", f"{PREFERENCES}/subscribe", about(**OURS)))["status"] == "SUBSCRIBED"


async def test_who_opted_out_of_all_mail_is_not_subscribed_by_us(app: App) -> None:
    contact = await app.contact()
    await app.done("POST", f"{PREFERENCES}/unsubscribe", about(**OURS))
    await app.people("POST", f"/contacts/{contact}/consent", {"consent": "withdrawn"})
    assert (await app.effects())[-1] == ("subscription-by-hand", KEY, f"subscription-{MARKETING}/1")
    assert await app.value("contacts", contact, "hs_email_optout") == "true"
    assert {one["sourceOfStatus"] for one in (await statuses(app)).values()} == {"PORTAL_WIDE_STATUS"}
    assert (await app.call("POST", f"{PREFERENCES}/subscribe", about(**OURS))).status_code == 400
    await app.people("POST", f"/contacts/{contact}/consent", {"consent": "given"})
    assert await app.value("contacts", contact, "hs_email_optout") is None


async def test_consent_in_doubt_is_a_subscription_without_legal_basis(app: App) -> None:
    await app.contact(consent="doubt")
    one = (await statuses(app))[MARKETING]
    assert (one["status"], one["legalBasis"]) == ("SUBSCRIBED", None)


async def test_what_is_stopped_already_is_no_effect(app: App) -> None:
    await app.contact(consent="none")
    answer = await app.done("POST", f"{PREFERENCES}/unsubscribe", about(**OURS))
    assert (answer["status"], answer["legalBasisExplanation"]) == ("NOT_SUBSCRIBED", None)
    assert await app.effects() == []


@pytest.mark.parametrize(
    "body",
    [{}, {"emailAddress": "ann@example.com"}, about("999"), about(legalBasis="BECAUSE")],
)
async def test_a_wrong_request_is_refused(app: App, body: dict[str, str]) -> None:
    answer = await app.call("POST", f"{PREFERENCES}/unsubscribe", body)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")
