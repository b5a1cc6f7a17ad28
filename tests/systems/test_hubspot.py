"""HubSpot in the role of marketing, and its oddities."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import Exchange, HttpFactory
from seamline.records.audience import AudienceRequest
from seamline.records.event import BadSignature, Delivery, EventKind, UnreadableEvent
from seamline.simulator.hubspot_webhooks import sign
from seamline.systems.hubspot import mapping, webhook, wire
from seamline.systems.hubspot.client import open_client
from seamline.systems.hubspot.marketing import Account, HubSpotMarketing, connect
from tests.systems.marketing_suite import ACCOUNT, DEAL, EMAIL, MAIL_KEY, STAGE_KEY, MarketingConformance, asked
from tests.systems.vendors import Simulated

NAME = "hubspot-main"
URL = f"https://door.example/webhooks/{NAME}"


class Side:
    """The account `hubspot-main` and the people in it."""

    name = NAME
    secrets = (f"hubspot-test-{NAME}",)

    def __init__(self, adapter: HubSpotMarketing, simulated: Simulated) -> None:
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

    async def people(self, method: str, path: str, body: Any = None) -> Any:
        """What people do in HubSpot's pages."""
        return await self.simulated.audience(NAME, method, path, body)

    async def company(self, stage: str = "opportunity", domain: str = "acme.example", reference: str = "") -> str:
        wanted = {"stage": stage, "domain": domain, "properties": {"seamline_reference": reference}}
        return str((await self.people("POST", "/companies", wanted))["id"])

    async def person(self, email: str = EMAIL, stage: str = "opportunity", consent: str = "given") -> str:
        wanted = {"email": email, "stage": stage, "consent": consent, "last_name": "Fielding"}
        return str((await self.people("POST", "/contacts", wanted))["id"])

    async def people_set(self, person_id: str, stage: str) -> None:
        await self.people("PATCH", f"/contacts/{person_id}", {"lifecyclestage": stage})

    async def people_say(self, person_id: str, consent: str) -> None:
        await self.people("POST", f"/contacts/{person_id}/consent", {"consent": consent})

    async def remove(self, person_id: str) -> None:
        await self.people("DELETE", f"/contacts/{person_id}")

    async def lose_reply(self) -> None:
        for operation in ("companies.update", "contacts.update", "mail.subscribe", "mail.unsubscribe"):
            await self.simulated.fault(NAME, "lost-reply", operation, count=1)

    async def effects(self) -> list[tuple[str, str]]:
        entries = await self.simulated.ledger(connection=NAME)
        return [(one["operation"], one["key"]) for one in entries if not one["operation"].endswith("-by-hand")]


def account(simulated: Simulated, **more: object) -> Account:
    """The account's settings."""
    values = {
        "url": f"{simulated.url}/hubspot/{NAME}",
        "token": f"hubspot-test-{NAME}",
        "prospect_subscription": "101",
        "calls_per_second_max": 100,
    }
    return Account.model_validate(values | more)


@pytest.fixture
async def side(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Side]:
    """The adapter and the account it talks to."""
    adapter = connect(NAME, account(simulated), http)
    side = Side(adapter, simulated)
    # A test looks around faster than a process does.
    await side.people("PUT", "/account/limits", {"searches_each_second_max": 100})
    yield side
    await adapter.close()


class TestConformance(MarketingConformance):
    """HubSpot fills the role."""


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"calls_in_window_max": 1, "window_seconds": 25}, 25),
        ({"calls_each_day_max": 0}, 3600),
    ],
)
async def test_a_limit_says_when_to_come_again(side: Side, limits: dict[str, float], seconds: float) -> None:
    await side.people("PUT", "/account/limits", limits)
    with pytest.raises(Outage) as caught:
        await side.adapter.card()
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("throttled", seconds)


async def test_too_many_searches_wait_a_second(side: Side) -> None:
    await side.people("PUT", "/account/limits", {"searches_each_second_max": 1})
    nobody = AudienceRequest(customer=ACCOUNT, domain="acme.example")
    both = asyncio.gather(*(side.adapter.find_audience(nobody) for _ in range(6)))
    with pytest.raises(Outage) as caught:
        await both
    assert caught.value.failure.retry_after_seconds == 1


async def test_a_missing_scope_locks_out(side: Side) -> None:
    await side.simulated.fault(NAME, "status", status=403)
    with pytest.raises(LockedOut):
        await side.adapter.card()


async def test_properties_that_nobody_made_are_named(side: Side) -> None:
    await side.people("PUT", "/account/limits", {"properties_not_made": ["seamline_stage", "seamline_deal"]})
    with pytest.raises(Refusal) as caught:
        await side.adapter.card()
    assert caught.value.failure.code == "property-missing"
    (problem,) = caught.value.failure.problems
    assert problem.field == "companies"
    assert problem.reason.startswith("seamline_deal, seamline_stage: make them")


async def test_a_refused_property_is_named_as_ours(side: Side) -> None:
    person = await side.person()
    now = await side.adapter.read_audience((), (person,))
    await side.simulated.fault(NAME, "refuse", "contacts.update", field="lifecyclestage", reason="is not allowed")
    with pytest.raises(Refusal) as caught:
        await side.adapter.set_stage(STAGE_KEY, now, "customer")
    assert [(one.field, one.reason) for one in caught.value.failure.problems] == [("stage", "is not allowed")]


async def test_one_that_is_refused_in_a_batch_is_told(side: Side, simulated: Simulated, http: HttpFactory) -> None:
    url, token = f"{simulated.url}/hubspot/{NAME}", f"hubspot-test-{NAME}"
    client = open_client(NAME, url, token, http, calls_per_second_max=100, calls_at_once_max=1)
    wanted = [("999", "customer"), (await side.person(), "friend")]
    inputs = [{"id": number, "properties": {"lifecyclestage": stage}} for number, stage in wanted]
    with pytest.raises(Refusal) as caught:
        await client.batch("update", "/crm/v3/objects/contacts/batch/update", inputs, write=True)
    assert [one.field for one in caught.value.failure.problems] == ["stage"]
    await client.close()


async def test_more_than_a_batch_goes_in_several(side: Side, exchanges: list[Exchange]) -> None:
    ids = [await side.company(domain=f"c{number}.example") for number in range(3)]
    many = tuple(str(number) for number in range(1000, 1100)) + tuple(ids)
    found = await side.adapter.read_audience(many, ())
    assert [one.id for one in found.companies] == ids
    sizes = [len(json.loads(one.request.content)["inputs"]) for one in exchanges if "batch" in one.request.url.path]
    assert sizes == [100, 3]


async def test_a_domain_is_searched_only_where_no_company_has_the_reference(
    side: Side, exchanges: list[Exchange]
) -> None:
    await side.company(reference=ACCOUNT)
    await side.adapter.find_audience(asked())
    assert not [one for one in exchanges if one.request.url.path.endswith("/search")]


async def test_a_stage_that_is_not_taken_is_refused(side: Side) -> None:
    person = await side.person(stage="lead")
    now = await side.adapter.read_audience((), (person,))
    await side.people_set(person, "evangelist")
    with pytest.raises(Refusal) as caught:
        await side.adapter.set_stage(STAGE_KEY, now, "customer")
    assert caught.value.failure.code == "stage-not-taken"


async def test_a_subscription_that_is_not_there_is_told_by_its_setting(
    simulated: Simulated, http: HttpFactory, side: Side
) -> None:
    person = await side.person()
    adapter = connect(NAME, account(simulated, prospect_subscription="999"), http)
    with pytest.raises(Refusal) as caught:
        await adapter.read_audience((), (person,))
    assert [one.field for one in caught.value.failure.problems] == ["prospect_subscription"]
    await adapter.close()


async def test_an_object_is_traced_by_its_id_in_hubspot(side: Side) -> None:
    company, person = await side.company(reference=ACCOUNT), await side.person()
    assert await side.adapter.references(company) == [ACCOUNT]
    assert await side.adapter.references(person) == []
    now = await side.adapter.read_audience((company,), (person,))
    await side.adapter.set_stage(STAGE_KEY, now, "customer")
    assert await side.adapter.references(company) == [ACCOUNT, DEAL]
    assert await side.adapter.references(person) == [DEAL]
    assert await side.adapter.references("../1") == []
    await side.people("PATCH", f"/companies/{company}", {"seamline_reference": "entered by hand"})
    assert await side.adapter.references(company) == [DEAL]


async def test_the_legal_basis_is_what_it_was_before(side: Side) -> None:
    person = await side.person()
    await side.adapter.stop_prospect_mail(MAIL_KEY, (person,))
    (stopped,) = [one for one in (await side.people("GET", "/contacts"))[0]["mail"] if one["id"] == "101"]
    assert MAIL_KEY in stopped["legalBasisExplanation"]
    await side.adapter.resume_prospect_mail(MAIL_KEY, (person,))
    (mail,) = [one for one in (await side.people("GET", "/contacts"))[0]["mail"] if one["id"] == "101"]
    assert (mail["legalBasis"], mail["legalBasisExplanation"]) == ("CONSENT_WITH_NOTICE", "Signed up on our website.")


@pytest.mark.parametrize(
    ("explanation", "noted"),
    [
        ("", None),
        ("Unsubscribed by phone.", None),
        ("Seamline a:1/x#1 before : ", mapping.Stopped("a:1/x#1", "", "")),
        ("Seamline a:1/x#1 before NON_GDPR: by\nmail", mapping.Stopped("a:1/x#1", "NON_GDPR", "by\nmail")),
    ],
)
def test_a_note_is_read_back(explanation: str, noted: mapping.Stopped | None) -> None:
    mail = wire.Status(id="101", status="NOT_SUBSCRIBED", legalBasisExplanation=explanation)
    assert mapping.stopped(mail) == noted
    assert mapping.stopped(mail.model_copy(update={"status": "SUBSCRIBED"})) is None


# -- webhooks ----------------------------------------------------------------------------------------------------------


def signed(body: bytes, *, seconds_ago: float = 0, url: str = URL, connection: str = NAME) -> Delivery:
    """A webhook as HubSpot sends it."""
    timestamp = str(round((time.time() - seconds_ago) * 1000))
    signature = sign(connection, URL, body.decode(), timestamp)
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": timestamp}
    return Delivery(url, headers, {}, body)


def event(**changes: Any) -> dict[str, Any]:
    """A person opts out of all mail."""
    plain = {"eventId": 1, "subscriptionId": 2, "occurredAt": 3, "attemptNumber": 0, "objectId": 101}
    about = {"subscriptionType": "contact.propertyChange", "propertyName": "hs_email_optout", "propertyValue": "true"}
    return plain | about | changes


def told(*events: Any) -> Delivery:
    return signed(json.dumps(events).encode())


def test_a_webhook_is_of_these_minutes_and_signed_for_this_address() -> None:
    webhook.verify(f"secret-{NAME}", signed(b"[]"))
    webhook.verify(f"secret-{NAME}", signed(b"[]", seconds_ago=290))


@pytest.mark.parametrize(
    "wrong",
    [
        signed(b"[]", seconds_ago=310),
        signed(b"[]", seconds_ago=-3600),
        signed(b"[]", url="https://elsewhere.example/webhooks/hubspot-main"),
        signed(b"[]", connection="hubspot-two"),
        Delivery(URL, signed(b"[]").headers, {}, b"[1]"),
        Delivery(URL, {}, {}, b"[]"),
        Delivery(URL, {"x-hubspot-signature-v3": "x"}, {}, b"[]"),
        Delivery(URL, {"x-hubspot-signature-v3": "é", "x-hubspot-request-timestamp": "²"}, {}, b"[]"),
    ],
)
def test_any_other_webhook_is_refused(wrong: Delivery) -> None:
    with pytest.raises(BadSignature) as caught:
        webhook.verify(f"secret-{NAME}", wrong)
    assert "X-HubSpot" in str(caught.value)
    assert f"secret-{NAME}" not in str(caught.value)


def test_events_are_read_one_by_one() -> None:
    forgotten = event(subscriptionType="contact.privacyDeletion", objectId=7)
    stage = event(propertyName="lifecyclestage")
    read = webhook.read(told(event(), forgotten, stage))
    assert [(one.kind, one.external_id) for one in read] == [
        (EventKind.CONSENT_CHANGED, "101"),
        (EventKind.CONSENT_CHANGED, "7"),
        (EventKind.OTHER, ""),
    ]


def test_every_try_of_an_event_is_the_same_event() -> None:
    first, again, other = (webhook.read(told(one))[0] for one in (event(), event(attemptNumber=3), event(eventId=9)))
    assert first.delivery_id == again.delivery_id != other.delivery_id


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"no JSON", "JSON"),
        (b"{}", "list"),
        (b"[3]", "0.subscriptionType"),
        (json.dumps([event(), event(objectId="x")]).encode(), "1.objectId"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, named: str) -> None:
    with pytest.raises(UnreadableEvent, match=named):
        webhook.read(signed(body))
