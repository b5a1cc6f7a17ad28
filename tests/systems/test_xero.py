"""Xero in the role of accounting, and its oddities."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.accounting import Accounting
from seamline.errors import LockedOut, Outage, Refusal
from seamline.http import Exchange, HttpFactory
from seamline.process.effect import Call
from seamline.records.customer import CustomerRequest
from seamline.records.event import BadSignature, EventKind, UnreadableEvent
from seamline.records.invoice import BooksRequest, PostRequest, SendRequest
from seamline.simulator.xero_webhooks import sign
from seamline.systems.xero import webhook
from seamline.systems.xero.accounting import Account, XeroAccounting, connect
from tests.systems.accounting_suite import CUSTOMER, DUE, ISSUED, AccountingConformance, key, line, request
from tests.systems.deliveries import delivery
from tests.systems.vendors import Simulated

NAME = "xero-main"
OPERATIONS = {
    "create_customer": "contacts.create",
    "draft_invoice": "invoices.create",
    "send_invoice": "invoices.email",
    "credit_invoice": "credit-notes.create",
    "allocate_credit": "allocations.create",
}


class Side:
    """The organisation `xero-main` and its people."""

    name = NAME
    secrets: tuple[str, ...] = (f"secret-{NAME}", f"refresh-{NAME}")

    def __init__(self, adapter: XeroAccounting, simulated: Simulated) -> None:
        self.adapter = adapter
        self.simulated = simulated

    async def throttle(self) -> None:
        await self.simulated.fault(NAME, "throttle", delay_seconds=30)

    async def go_down(self) -> None:
        await self.simulated.fault(NAME, "down")

    async def lock_out(self) -> None:
        await self.simulated.fault(NAME, "status", status=401)

    async def heal(self) -> None:
        await self.simulated.heal()

    async def lose_reply(self, operation: str) -> None:
        await self.simulated.fault(NAME, "lost-reply", OPERATIONS[operation], count=1)

    async def lock(self, until: date | None) -> None:
        await self.simulated.books(NAME, "PUT", "lock-dates", period=until.isoformat() if until else None)

    async def have_customer(self, **fields: Any) -> str:
        named = {"tax_number" if name == "tax_id" else name: value for name, value in fields.items()}
        return str((await self.simulated.books(NAME, "POST", "contacts", **named))["id"])

    async def archive(self, customer_id: str) -> None:
        await self.simulated.books(NAME, "POST", f"contacts/{customer_id}", archived=True)

    async def have_invoice(self, customer_id: str, text: str) -> str:
        made = await self.simulated.books(NAME, "POST", "invoices", contact=customer_id, reference=text)
        return str(made["id"])

    async def pay(self, invoice_id: str, amount: Decimal | None = None) -> None:
        sent = {} if amount is None else {"amount": str(amount)}
        await self.simulated.books(NAME, "POST", "payments", invoice=invoice_id, **sent)

    async def void(self, invoice_id: str) -> None:
        await self.simulated.books(NAME, "POST", f"invoices/{invoice_id}", status="VOIDED")

    async def promise(self, invoice_id: str, day: date) -> None:
        await self.simulated.books(NAME, "POST", f"invoices/{invoice_id}", expected=day.isoformat())

    async def effects(self, reference: str) -> list[tuple[str, str]]:
        return [(one["operation"], one["key"]) for one in await self.simulated.ledger(reference=reference)]


Connect = Callable[..., XeroAccounting]
R = TypeVar("R")


async def persist(work: Callable[[], Awaitable[R]]) -> R:
    """What the work gives once it is let in, tried again when it asks for that."""
    while True:
        try:
            return await work()
        except Outage as outage:
            await asyncio.sleep(outage.failure.retry_after_seconds or 0.1)


@pytest.fixture
async def connecting(simulated: Simulated, http: HttpFactory) -> AsyncIterator[Connect]:
    """Adapters of the organisation with these settings, closed at the end."""
    made: list[XeroAccounting] = []

    def one(factory: HttpFactory = http, **more: object) -> XeroAccounting:
        root = f"{simulated.url}/xero/{NAME}"
        values = {"url": root, "identity_url": root, "client_id": f"client-{NAME}", "client_secret": f"secret-{NAME}"}
        account = Account.model_validate({**values, "calls_per_second_max": 100, **more})
        made.append(connect(NAME, account, factory))
        return made[-1]

    yield one
    for adapter in made:
        await adapter.close()


@pytest.fixture
def side(connecting: Connect, simulated: Simulated) -> Side:
    """The adapter and the organisation it talks to."""
    return Side(connecting(), simulated)


async def quick(simulated: Simulated, **limits: float) -> None:
    """Minutes or days are shorter here."""
    await simulated.books(NAME, "PUT", "limits", **limits)


async def throttled(simulated: Simulated) -> int:
    """How many calls Xero did not let in."""
    calls = await simulated.all_calls(connection=NAME)
    return sum(call["outcome"] == "throttle" for call in calls)


class TestConformance(AccountingConformance):
    """Xero fills the role."""


# ---- limits --------------------------------------------------------------------------------------------------------


async def test_many_at_once_wait_out_the_minute_together(side: Side, simulated: Simulated, http: HttpFactory) -> None:
    await quick(simulated, a_minute=10, minute_seconds=2)
    await asyncio.gather(*(side.adapter.card() for _ in range(35)))
    assert await throttled(simulated) <= 4, "one call finds out that the minute is over, and the others wait for it"


async def test_many_deals_of_two_workers_are_billed_once_each(connecting: Connect, simulated: Simulated) -> None:
    a_minute, deals, at_once = 40, 20, 2
    await quick(simulated, a_minute=a_minute, minute_seconds=2)
    workers = [connecting(HttpFactory(), calls_at_once_max=at_once) for _ in range(2)]

    async def bill(worker: XeroAccounting, number: int) -> None:
        deal = f"crm-main:006{number}"
        account = CUSTOMER.model_copy(update={"reference": f"crm-main:001{number}", "name": f"Customer {number}"})
        asked = CustomerRequest(customer=account)
        made = await persist(lambda: worker.create_customer(key("create-customer", deal), asked))
        wanted = request(made.id, reference=deal)
        draft = await persist(lambda: worker.draft_invoice(key("draft-invoice", deal), wanted))
        post = PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE)
        await persist(lambda: worker.post_invoice(key("post-invoice", deal), post))

    await asyncio.gather(*(bill(workers[number % 2], number) for number in range(deals)))
    effects = [(one["operation"], one["key"]) for one in await simulated.ledger(connection=NAME)]
    purposes = ("create-customer", "draft-invoice", "post-invoice")
    assert sorted(effects) == sorted((one, key(one, f"crm-main:006{n}")) for one in purposes for n in range(deals))
    done = len(await simulated.calls(connection=NAME)) - await throttled(simulated)
    found_out = at_once * len(workers)
    assert 0 < await throttled(simulated) <= found_out * (done // a_minute + 1), "only calls under way, each minute"


async def test_a_long_wait_is_left_to_the_caller(side: Side, simulated: Simulated) -> None:
    await side.adapter.card()
    await quick(simulated, a_minute=1, minute_seconds=3_600)
    for _ in range(3):
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.code == "throttled"
        assert 60 < (caught.value.failure.retry_after_seconds or 0) <= 3_600
    assert await throttled(simulated) == 1


async def test_the_day_limit_waits_for_the_next_day(side: Side, simulated: Simulated) -> None:
    await side.adapter.card()
    await quick(simulated, a_day=1)
    for _ in range(3):
        with pytest.raises(Outage) as caught:
            await side.adapter.card()
        assert caught.value.failure.code == "day-limit"
        assert 86_000 < (caught.value.failure.retry_after_seconds or 0) <= 86_400
    assert await throttled(simulated) == 1
    accounting, call = Accounting(side.adapter), Call(reference="crm-main:006A", request=BooksRequest())
    healing = ActivityEnvironment()
    times = {"schedule_to_close_timeout": None, "start_to_close_timeout": timedelta(seconds=30)}
    healing.info = dataclasses.replace(healing.info, **times)
    with pytest.raises(ApplicationError) as told:
        await healing.run(accounting.books, call)
    assert not told.value.non_retryable
    assert told.value.next_retry_delay is not None
    assert told.value.next_retry_delay.total_seconds() > 86_000


async def test_too_many_at_once_try_again(connecting: Connect, simulated: Simulated) -> None:
    adapters = [connecting(HttpFactory()) for _ in range(2)]
    await adapters[0].card()
    await adapters[1].card()
    await simulated.settings(latency_milliseconds=300)
    await asyncio.gather(*(adapter.card() for adapter in adapters for _ in range(4)))
    assert await throttled(simulated) > 0


# ---- tokens --------------------------------------------------------------------------------------------------------


async def test_an_access_token_that_ends_early_is_renewed_once(side: Side, simulated: Simulated) -> None:
    await side.adapter.card()
    await simulated.books(NAME, "POST", "tokens", action="expire")
    await asyncio.gather(*(side.adapter.card() for _ in range(4)))
    assert (await simulated.calls(connection=NAME)).count("token") == 2


async def test_a_refresh_token_is_kept_for_all_workers(
    connecting: Connect, simulated: Simulated, tmp_path: Path
) -> None:
    file = tmp_path / "xero-main.json"
    by_token = {"refresh_token": f"refresh-{NAME}", "refresh_token_store": file}
    await quick(simulated, refresh_grace_seconds=0)
    workers = [connecting(HttpFactory(), **by_token) for _ in range(4)]
    await asyncio.gather(*(worker.card() for worker in workers))
    assert (await simulated.calls(connection=NAME)).count("token") == 1, "the others found the first one's token"
    for _ in range(3):
        await simulated.books(NAME, "POST", "tokens", action="expire")
        await asyncio.gather(*(worker.card() for worker in workers))
    assert (await simulated.calls(connection=NAME)).count("token") == 4
    assert file.stat().st_mode & 0o777 == 0o600
    await connecting(HttpFactory(), **by_token).card()
    assert (await simulated.calls(connection=NAME)).count("token") == 4, "a new worker goes on where they are"


async def test_a_refresh_whose_answer_is_lost_is_tried_again(
    connecting: Connect, simulated: Simulated, tmp_path: Path
) -> None:
    adapter = connecting(refresh_token=f"refresh-{NAME}", refresh_token_store=tmp_path / "token.json")
    await simulated.fault(NAME, "lost-reply", "token", count=1)
    with pytest.raises(Outage):
        await adapter.card()
    assert (await adapter.card()).authentication == "OAuth 2 refresh token, kept in a file"


async def test_a_new_consent_counts_more_than_what_is_kept(
    connecting: Connect, simulated: Simulated, tmp_path: Path
) -> None:
    file = tmp_path / "token.json"
    await connecting(refresh_token=f"refresh-{NAME}", refresh_token_store=file).card()
    await simulated.books(NAME, "POST", "tokens", action="revoke")
    with pytest.raises(LockedOut) as caught:
        await connecting(refresh_token=f"refresh-{NAME}", refresh_token_store=file).card()
    assert caught.value.failure.code == "token-refused"
    fresh = (await simulated.books(NAME, "POST", "tokens", action="consent"))["refresh_token"]
    await connecting(refresh_token=fresh, refresh_token_store=file).card()
    assert fresh not in file.read_text()


@pytest.mark.parametrize("content", ["", "{}", "no json"])
async def test_a_broken_token_file_locks_out(connecting: Connect, tmp_path: Path, content: str) -> None:
    file = tmp_path / "token.json"
    file.write_text(content)
    with pytest.raises(LockedOut) as caught:
        await connecting(refresh_token=f"refresh-{NAME}", refresh_token_store=file).card()
    assert caught.value.failure.code == "token-file"


async def test_a_folder_that_is_not_there_locks_out(connecting: Connect, tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "token.json"
    with pytest.raises(LockedOut) as caught:
        await connecting(refresh_token=f"refresh-{NAME}", refresh_token_store=file).card()
    assert str(file) in caught.value.failure.reason


def test_token_and_file_belong_together() -> None:
    with pytest.raises(ValueError, match="set both, or neither"):
        Account.model_validate({"client_id": "c", "client_secret": "s", "refresh_token": "r"})


# ---- what is sent --------------------------------------------------------------------------------------------------


def sent(exchanges: list[Exchange], operation: str) -> tuple[dict[str, Any], str]:
    """The object of the last request of this operation, and its Idempotency-Key."""
    last = [one.request for one in exchanges if one.operation == operation][-1]
    (body,) = next(iter(json.loads(last.content).values()))
    return body, last.headers.get("idempotency-key", "")


async def test_lines_that_do_not_add_up_are_sent_as_one(side: Side, exchanges: list[Exchange]) -> None:
    made = await side.adapter.create_customer(key("create-customer"), CustomerRequest(customer=CUSTOMER))
    lines = (line("A", "2", "1000", "1800.00", "360.00", discount="10"), line("B", "3", "33.33", "100.00", "20.00"))
    await side.adapter.draft_invoice(key("draft-invoice"), request(made.id, *lines, purchase_order="PO 7"))
    body, native = sent(exchanges, "draft_invoice")
    order, first, second = body["LineItems"]
    assert order == {"Description": "Purchase order: PO 7"}
    assert (first["Quantity"], first["UnitAmount"], first["DiscountRate"], first["LineAmount"]) == (2, 1000, 10, 1800)
    assert (second["Quantity"], second["UnitAmount"], second["LineAmount"]) == (1, 100, 100)
    assert "DiscountRate" not in second
    assert native.startswith(f"{key('draft-invoice')}.")


async def test_another_request_has_another_idempotency_key(side: Side, exchanges: list[Exchange]) -> None:
    made = await side.adapter.create_customer(key("create-customer"), CustomerRequest(customer=CUSTOMER))
    keys = []
    for purchase_order in ("A", "A", "B"):
        await side.adapter.draft_invoice(key("draft-invoice"), request(made.id, purchase_order=purchase_order))
        keys.append(sent(exchanges, "draft_invoice")[1])
    assert keys[0] == keys[1] != keys[2]


async def test_a_name_that_is_taken(side: Side) -> None:
    await side.have_customer(name=CUSTOMER.name)
    with pytest.raises(Refusal) as caught:
        await side.adapter.create_customer(key("create-customer"), CustomerRequest(customer=CUSTOMER))
    assert caught.value.failure.code == "name-taken"
    assert [problem.field for problem in caught.value.failure.problems] == ["customer.name"]
    assert CUSTOMER.name not in str(caught.value)


async def test_xero_mails_no_more_today(side: Side, simulated: Simulated) -> None:
    invoice = await TestConformance().posted(side)
    await quick(simulated, mails_a_day=0)
    with pytest.raises(Outage) as caught:
        await side.adapter.send_invoice(key("send-invoice"), SendRequest(invoice_id=invoice.id))
    assert (caught.value.failure.code, caught.value.failure.retry_after_seconds) == ("mail-limit", 3_600)


async def test_an_id_leads_nowhere_else(side: Side, exchanges: list[Exchange]) -> None:
    for identity in ("../Organisation", "a/b", "..", "a?b", ""):
        with pytest.raises(Refusal) as caught:
            await side.adapter.read_invoice(identity)
        assert caught.value.failure.code == "malformed-request"
    assert exchanges == []


async def test_a_key_too_long_is_refused_before_it_is_sent(side: Side, exchanges: list[Exchange]) -> None:
    with pytest.raises(Refusal):
        await side.adapter.create_customer("k" * 120, CustomerRequest(customer=CUSTOMER))
    assert {one.operation for one in exchanges} <= {"token", "tenant"}


# ---- webhooks ------------------------------------------------------------------------------------------------------


def test_a_webhook_needs_the_signature() -> None:
    body = b'{"events": []}'
    webhook.verify(f"secret-{NAME}", delivery(body, headers={"x-xero-signature": sign(NAME, body)}))
    for headers in ({}, {"x-xero-signature": sign("other", body)}, {"x-xero-signature": "ü"}):
        with pytest.raises(BadSignature):
            webhook.verify(f"secret-{NAME}", delivery(body, headers=headers))


def test_events() -> None:
    told = [
        {"eventCategory": "INVOICE", "eventType": "UPDATE", "resourceId": "i1"},
        {"eventCategory": "CONTACT", "eventType": "CREATE", "resourceId": "c1"},
        {"eventCategory": "SUBSCRIPTION", "eventType": "UPDATE"},
    ]
    invoice, contact, other = webhook.read(delivery(json.dumps({"events": told}).encode()))
    assert (invoice.kind, invoice.external_id, invoice.topic) == (EventKind.INVOICE_CHANGED, "i1", "INVOICE.UPDATE")
    assert (contact.kind, contact.external_id) == (EventKind.CUSTOMER_CHANGED, "c1")
    assert other.kind is EventKind.OTHER
    assert webhook.read(delivery(b'{"events": [], "entropy": "X"}')) == []
    wrong = (b"", b"[]", b"{}", b'{"events": {}}', b'{"events": [7]}', b"[" * 100_000)
    for body in (*wrong, b'{"events": [{"eventCategory": "INVOICE"}]}'):
        with pytest.raises(UnreadableEvent):
            webhook.read(delivery(body))
