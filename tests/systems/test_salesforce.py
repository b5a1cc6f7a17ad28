"""Salesforce in the role of the CRM, and its oddities."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import Answer, Exchange, HttpFactory
from seamline.records.deal import WonRequest
from seamline.records.event import BadSignature, Delivery, EventKind, UnreadableEvent
from seamline.records.reference import effect_key, external_id_of
from seamline.systems.salesforce import ids, webhook
from seamline.systems.salesforce.client import wait
from seamline.systems.salesforce.crm import Account, SalesforceCrm, connect
from tests.simulator.shopify_client import inbox
from tests.systems.crm_suite import ASKED, PAID, POSTED, REVERSED, TODAY, CrmConformance, write_key
from tests.systems.deliveries import delivery
from tests.systems.vendors import Simulated

NAME = "crm-main"
SECRET = f"secret-{NAME}"
KEY = generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = generate_private_key(public_exponent=65537, key_size=2048)


class Side:
    """The organisation `crm-main` and its sales people."""

    name = NAME
    secrets = (SECRET, f"client-{NAME}")

    def __init__(self, adapter: SalesforceCrm, simulated: Simulated) -> None:
        self.adapter = adapter
        self.simulated = simulated

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle")

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        await self.simulated.fault(NAME, "status", status=401)

    async def heal(self) -> None:
        await self.simulated.heal()

    async def deal(self, **wanted: Any) -> str:
        return await self.simulated.deal(NAME, **wanted)

    async def change(self, reference: str, **wanted: Any) -> None:
        await self.simulated.crm(NAME, "PATCH", f"deals/{external_id_of(reference)}", wanted)

    async def delete(self, reference: str) -> None:
        await self.simulated.crm(NAME, "DELETE", f"records/{external_id_of(reference)}")

    async def lose_reply(self) -> None:
        for operation in ("composite", "Task.upsert"):
            await self.simulated.fault(NAME, "lost-reply", operation, count=1)

    async def effects(self) -> list[str]:
        return await self.simulated.effects()

    async def shown(self, reference: str) -> tuple[str, str]:
        """The invoice that the deal shows, and its status."""
        deal = await self.simulated.crm(NAME, "GET", f"records/{external_id_of(reference)}")
        return deal["Invoice_Number__c"], deal["Invoice_Status__c"]


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def account(simulated: Simulated, **more: object) -> Account:
    """The account's settings."""
    values: dict[str, object] = {
        "url": f"{simulated.url}/salesforce/{NAME}",
        "client_id": f"client-{NAME}",
        "client_secret": SECRET,
        "calls_per_second_max": 100,
    }
    return Account.model_validate(values | more)


def by_key(simulated: Simulated, key: RSAPrivateKey = KEY, **more: object) -> Account:
    """The settings for the JWT bearer flow."""
    keyed = {"client_secret": None, "private_key": pem(key), "username": f"seamline@{NAME}.example"}
    return account(simulated, **keyed | more)


@pytest.fixture
async def side(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Side]:
    """The adapter and the organisation it talks to."""
    adapter = connect(NAME, account(simulated), http)
    yield Side(adapter, simulated)
    await adapter.close()


class TestConformance(CrmConformance):
    """Salesforce fills the role."""


# -- coming in ---------------------------------------------------------------------------------------------------------


async def test_an_ended_session_is_renewed_once_for_all_callers(side: Side) -> None:
    reference = await side.deal()
    await side.adapter.fetch_deal(reference)
    await side.simulated.crm(NAME, "DELETE", "sessions")
    deals = await asyncio.gather(*(side.adapter.fetch_deal(reference) for _ in range(6)))
    assert len(deals) == 6
    assert (await side.simulated.calls(operation="token")).count("token") == 2


async def test_what_stays_refused_after_one_renewal_locks_out(side: Side) -> None:
    reference = await side.deal()
    await side.simulated.fault(NAME, "status", "Opportunity.query", status=401)
    with pytest.raises(LockedOut):
        await side.adapter.fetch_deal(reference)
    assert (await side.simulated.calls(connection=NAME))[-4:] == ["token", "Opportunity.query"] * 2


async def test_an_assertion_lets_in(simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]) -> None:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    await simulated.crm(NAME, "PUT", "certificate", {"certificate": public})
    adapter = connect(NAME, by_key(simulated), http)
    assert (await adapter.card()).authentication == "OAuth 2 JWT bearer"
    await adapter.close()
    assert b"client_secret" not in exchanges[0].request.content
    wrong = connect(NAME, by_key(simulated, OTHER_KEY), http)
    with pytest.raises(LockedOut) as caught:
        await wrong.card()
    await wrong.close()
    assert (caught.value.failure.code, caught.value.failure.reason) == ("no-token", "invalid assertion")


async def test_a_wrong_secret_locks_out(simulated: Simulated, http: HttpFactory) -> None:
    adapter = connect(NAME, account(simulated, client_secret="wrong-one"), http)
    with pytest.raises(LockedOut) as caught:
        await adapter.card()
    await adapter.close()
    assert caught.value.failure.code == "no-token"
    assert "wrong-one" not in f"{caught.value!r}{caught.value.failure}"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"client_secret": None}, "client_secret or private_key"),
        ({"private_key": "PEM"}, "client_secret or private_key"),
        ({"client_secret": None, "private_key": "PEM"}, "username"),
        ({"private_key": "rubbish-key"}, "private_key"),
    ],
)
async def test_settings_that_do_not_go_together_are_refused(
    simulated: Simulated, changes: dict[str, Any], named: str
) -> None:
    real = {name: pem(KEY) if value == "PEM" else value for name, value in changes.items()}
    with pytest.raises(ValidationError) as caught:
        account(simulated, **real)
    assert named in str(caught.value)
    assert "rubbish-key" not in str(caught.value)


# -- limits and errors -------------------------------------------------------------------------------------------------


async def test_the_limit_of_the_day_is_waited_out(side: Side) -> None:
    reference = await side.deal()
    await side.simulated.crm(NAME, "PUT", "settings", {"daily_requests_max": 0})
    with pytest.raises(Outage) as caught:
        await side.adapter.fetch_deal(reference)
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("day-limit", 900)
    await side.simulated.crm(NAME, "PUT", "settings", {"daily_requests_max": 100})
    await side.throttle()
    with pytest.raises(Outage) as caught:
        await side.adapter.fetch_deal(reference)
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("throttled", 5)


@pytest.mark.parametrize(
    ("reason", "error", "code"),
    [
        ("UNABLE_TO_LOCK_ROW: unable to obtain exclusive access", Outage, "locked"),
        ("DUPLICATE_VALUE: duplicate value found", Outage, "locked"),
        ("ENTITY_IS_DELETED: entity is deleted", Refusal, "not-found"),
        ("INVALID_FIELD: No such column", Refusal, "unknown-field"),
        ("Amounts are frozen for Jo Fielding", Refusal, "bad-request"),
    ],
)
async def test_what_refused_a_write_is_told(side: Side, reason: str, error: type[Outage | Refusal], code: str) -> None:
    reference = await side.deal()
    await side.simulated.fault(NAME, "refuse", "composite", reason=reason, field="Amount__c")
    with pytest.raises(error) as caught:
        await side.adapter.write_note(reference, write_key(reference), POSTED)
    failure = caught.value.failure
    assert (failure.code, failure.connection, failure.operation) == (code, NAME, "write_note")
    assert [problem.field for problem in failure.problems] == ["amount"]
    assert "Fielding" not in str(caught.value)
    assert await side.effects() == []


async def test_a_deal_deleted_meanwhile_keeps_nothing_of_the_write(side: Side, exchanges: list[Exchange]) -> None:
    reference = await side.deal()
    key = write_key(reference)
    await side.adapter.write_note(reference, key, POSTED)
    await side.delete(reference)
    with pytest.raises(Refusal) as caught:
        await side.adapter.write_note(reference, key, PAID)
    assert caught.value.failure.code == "not-found"
    assert await side.effects() == ["write-invoice"]


# -- oddities ----------------------------------------------------------------------------------------------------------


async def test_everything_is_read_however_small_the_pages(side: Side) -> None:
    await side.simulated.crm(NAME, "PUT", "settings", {"page_size": 2})
    lines = [{"product": f"P-{number}"} for number in range(5)]
    reference = await side.deal(lines=lines)
    for number in range(1, 4):
        await side.adapter.write_note(reference, write_key(reference, number), POSTED)
    deal = await side.adapter.fetch_deal(reference)
    assert [one.sku for one in deal.lines] == [f"P-{number}" for number in range(5)]
    assert len(deal.invoices) == 3


async def test_one_deal_has_one_reference(side: Side) -> None:
    reference = await side.deal()
    long = external_id_of(reference)
    for other in (long[:15], long.swapcase(), long[:17] + "5", "001" + long[3:15]):
        with pytest.raises(Refusal) as caught:
            await side.adapter.fetch_deal(f"{NAME}:{other}")
        assert caught.value.failure.code == "not-found"
    with pytest.raises(Refusal) as caught:
        await side.adapter.fetch_deal(f"{NAME}:{long[:15]}")
    assert long in caught.value.failure.problems[0].reason


async def test_the_deal_shows_the_invoice_that_stands(side: Side) -> None:
    reference = await side.deal()
    second = POSTED.model_copy(update={"number": "INV-0002"})
    await side.adapter.write_note(reference, write_key(reference), POSTED)
    await side.adapter.write_note(reference, write_key(reference), REVERSED)
    assert await side.shown(reference) == ("INV-0001", "reversed")
    await side.adapter.write_note(reference, write_key(reference, 2), second)
    assert await side.shown(reference) == ("INV-0002", "posted")
    await side.adapter.write_note(reference, write_key(reference), REVERSED)
    assert await side.shown(reference) == ("INV-0002", "posted")


async def test_what_becomes_of_an_older_invoice_is_not_shown_and_never_conflicts(side: Side) -> None:
    reference = await side.deal()
    await side.adapter.write_note(reference, write_key(reference), POSTED)
    await side.change(reference, invoice_number="BY-HAND-7", invoice_status="posted")
    await side.adapter.write_note(reference, write_key(reference), PAID)
    await side.adapter.write_note(reference, write_key(reference), REVERSED)
    assert await side.shown(reference) == ("BY-HAND-7", "posted")
    assert await side.effects() == ["write-invoice", "mark-reversed"]


async def test_a_task_stays_as_people_left_it(side: Side) -> None:
    reference = await side.deal()
    key = effect_key(reference, "create-task")
    task = await side.adapter.create_task(reference, key, ASKED)
    people = {"Subject": "Called them", "Status": "Completed"}
    await side.simulated.crm(NAME, "PATCH", f"records/{task.id}", people)
    assert await side.adapter.create_task(reference, key, ASKED) == task
    kept = await side.simulated.crm(NAME, "GET", f"records/{task.id}")
    deal = await side.simulated.crm(NAME, "GET", f"records/{external_id_of(reference)}")
    assert {name: kept[name] for name in people} == people
    assert (kept["OwnerId"], kept["WhatId"]) == (deal["OwnerId"], deal["Id"])


async def test_an_instalment_without_a_proper_number_stops_no_other(side: Side) -> None:
    parts = [{"due_date": "2026-11-21", "amount": "400"}] * 3
    reference = await side.deal(instalments=parts)
    instalments = await side.simulated.crm(NAME, "GET", "records?type=Seamline_Instalment__c")
    for one, number in zip(instalments, (None, -1), strict=False):
        await side.simulated.crm(NAME, "PATCH", f"records/{one['Id']}", {"Number__c": number})
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    found = await side.adapter.find_won(WonRequest(since=tomorrow, today=TODAY))
    assert [one.reference for one in found.deals] == [f"{reference}.3"]
    with pytest.raises(Refusal) as caught:
        await side.adapter.fetch_deal(reference)
    places = [problem.field for problem in caught.value.failure.problems]
    assert places[0].startswith("Seamline_Instalments__r.records.")


def test_the_pause_that_salesforce_asks_for_is_kept() -> None:
    busy = Answer(503, {"retry-after": "7"}, b"[]")
    assert wait(busy) == 7


async def test_an_address_in_lines_and_a_description_of_its_own(side: Side) -> None:
    reference = await side.deal(
        account={"name": "Lines Ltd", "street": "Unit 3\r\nThe Yard\nWharf Road", "country_code": "GB"},
        lines=[{"description": "Twelve months"}, {"name": "Plan"}],
    )
    deal = await side.adapter.fetch_deal(reference)
    assert deal.customer
    assert (deal.customer.address.street1, deal.customer.address.street2) == ("Unit 3", "The Yard, Wharf Road")
    assert [one.description for one in deal.lines] == ["Twelve months", "Plan"]


async def test_no_secret_leaves_in_an_address(side: Side, exchanges: list[Exchange]) -> None:
    await side.adapter.card()
    assert exchanges
    assert not any(SECRET in str(one.request.url) for one in exchanges)


def test_ids() -> None:
    # Published pairs of both forms.
    assert ids.full_id("001R00000064wdt") == ids.full_id("001R00000064wdtIAA") == "001R00000064wdtIAA"
    assert ids.full_id("0013000000CEVTj") == "0013000000CEVTjAAP"
    assert [ids.full_id(text) for text in ("", "001", "001R00000064wdtIAB", "001R0000006-wdt")] == [""] * 4


# -- the Flow ----------------------------------------------------------------------------------------------------------


def told(body: bytes, *, age_seconds: float = 0, secret: str = SECRET, **changes: str) -> Delivery:
    """A message as docs/salesforce.md says that the Flow signs it."""
    timestamp = f"{time.time() - age_seconds:.0f}"
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).digest()
    headers = {"X-Seamline-Timestamp": timestamp, "X-Seamline-Signature": base64.b64encode(signature).decode()}
    return delivery(body, headers=headers | changes)


def test_a_fresh_signed_message_is_taken() -> None:
    webhook.verify(SECRET, told(b"{}"))
    webhook.verify(SECRET, told(b"{}", age_seconds=280))
    webhook.verify(SECRET, told(b"{}", age_seconds=-280))


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"secret": "other"}, "X-Seamline-Signature"),
        ({"age_seconds": 320}, "X-Seamline-Timestamp"),
        ({"age_seconds": -320}, "X-Seamline-Timestamp"),
        ({"X-Seamline-Timestamp": "1"}, "X-Seamline-Signature"),
        ({"X-Seamline-Timestamp": "now"}, "X-Seamline-Timestamp"),
        ({"X-Seamline-Timestamp": ""}, "X-Seamline-Timestamp"),
        ({"X-Seamline-Signature": "ü"}, "X-Seamline-Signature"),
        ({"X-Seamline-Signature": ""}, "X-Seamline-Signature"),
    ],
)
def test_what_is_not_signed_or_not_fresh_is_refused(how: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSignature, match=named):
        webhook.verify(SECRET, told(b"{}", **how))


def test_events() -> None:
    short = "006Sm0000000010"
    for name, kind in (
        ("opportunity-won", EventKind.DEAL_WON),
        ("opportunity-reopened", EventKind.DEAL_REOPENED),
        ("opportunity-changed", EventKind.DEAL_CHANGED),
    ):
        (event,) = webhook.read(delivery(json.dumps({"event": name, "id": short}).encode()))
        assert (event.kind, event.topic, event.external_id) == (kind, name, ids.full_id(short))
    (other,) = webhook.read(delivery(b'{"event": "lead-converted"}'))
    assert other.kind is EventKind.OTHER
    for body in (b"", b"[]", b"{}", b'{"event": 1}', b'{"event": "opportunity-won"}', b"[" * 100_000):
        with pytest.raises(UnreadableEvent):
            webhook.read(delivery(body))
    with pytest.raises(UnreadableEvent, match="id: is not"):
        webhook.read(delivery(b'{"event": "opportunity-won", "id": "001R00000064wdtIAA"}'))


async def test_what_the_simulated_flow_sends_is_taken(simulated: Simulated) -> None:
    async with inbox() as box:
        await simulated.crm(NAME, "POST", "subscriptions", {"url": box.url})
        reference = await simulated.deal(NAME)
        await box.until(1)
    ((headers, body),) = box.received
    message = delivery(body, headers=headers)
    webhook.verify(SECRET, message)
    (event,) = webhook.read(message)
    assert (event.kind, event.external_id) == (EventKind.DEAL_WON, external_id_of(reference))
