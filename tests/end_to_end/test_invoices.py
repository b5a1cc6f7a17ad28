"""What comes after the invoice, on the simulated Salesforce, Xero, HubSpot and mail server."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamline.settings import start_for
from seamline.temporal import start_process
from tests.end_to_end.deals import DealNames, DealWorld
from tests.end_to_end.world import Handle, World
from workflows.reverse_deal import ReverseDeal

LATE = {"day_seconds": 0.1, "remind_days": (-29, -27), "unpaid_days": 365}
"""A day lasts a moment; two reminders soon after an invoice was sent that is due in thirty days."""
VOIDED = Counter({"void-invoice": 1, "mark-reversed": 1, "restore-stage": 2, "resume-prospect-mail": 1})
CREDITED = VOIDED - Counter({"void-invoice": 1}) + Counter({"credit-invoice": 1})
WRITES = (
    ("accounting", "invoices.update"),
    ("crm", "composite"),
    ("marketing", "companies.update"),
    ("marketing", "contacts.update"),
    ("marketing", "mail.subscribe"),
)


@pytest.fixture(scope="module")
async def deals(world: World) -> AsyncIterator[DealWorld]:
    """Connections of these tests alone."""
    names = DealNames("crm-late", "xero-late", "hub-late", "mail-late")
    one = DealWorld(world.simulator, world.client, world.http, names, workflows=False)
    await one.ready()
    async with one.working():
        yield one


async def billed(deals: DealWorld, **billing: Any) -> tuple[str, dict[str, Any]]:
    """A deal that was billed: its reference, and what came of it."""
    reference = await deals.new_customers_deal()
    policy = start_for(ReverseDeal, reference, deals.settings).policy.billing
    outcome = await deals.outcome(await deals.begin(reference, billing=policy.model_copy(update=billing)))
    assert outcome["kind"] == "completed"
    return reference, outcome["result"]


async def reversing(deals: DealWorld, reference: str) -> Handle:
    """The reversal of the deal that sales reopened, once finance is asked."""
    external_id = reference.partition(":")[2]
    path = f"{deals.simulator.url}/_simulator/crms/{deals.deal_names.crm}/deals/{external_id}"
    (await deals.http.patch(path, json={"stage": "Negotiation/Review"})).raise_for_status()
    identity, _ = await start_process(deals.client, ReverseDeal, start_for(ReverseDeal, reference, deals.settings))
    handle = deals.client.get_workflow_handle(identity)
    view = await deals.waiting(handle)
    assert view.waits[0].name == "reversal#1"
    return handle


async def reversed_(deals: DealWorld, reference: str) -> dict[str, Any]:
    """The outcome of a reversal that finance confirmed."""
    handle = await reversing(deals, reference)
    await deals.decide(handle, wait="reversal#1", action="approve", why="the customer left")
    outcome = await deals.outcome(handle)
    assert outcome["kind"] == "completed"
    return outcome


async def undone(deals: DealWorld, reference: str) -> Counter[str]:
    """What the reversal did, by the ledger."""
    counted = await deals.counted(reference)
    return Counter({name: counted[name] for name in {*VOIDED, *CREDITED, "allocate-credit"} if counted[name]})


async def pay(deals: DealWorld, number: str, **payment: Any) -> None:
    await deals.post(f"books/{deals.deal_names.accounting}/payments", {"invoice": number, **payment})


async def status_in_the_crm(deals: DealWorld, number: str) -> str:
    """What sales see of the invoice."""
    notes = await deals.get(f"crms/{deals.deal_names.crm}/records", type="Seamline_Invoice__c")
    (status,) = [one["Status__c"] for one in notes if number in one.values()]
    return str(status)


async def test_a_payment_that_comes_after_reminders_ends_it(deals: DealWorld) -> None:
    reference, invoice = await billed(deals, **LATE)
    followed = f"{deals.deal_names.accounting}:{invoice['invoice_id']}"
    handle = deals.handle("follow-invoice", followed)
    await deals.until(handle, lambda view: [one.name for one in view.steps].count("send-reminder") == 2)
    await pay(deals, invoice["number"])
    outcome = await deals.outcome(handle)
    assert (outcome["result"]["state"], outcome["result"]["reminders"]) == ("paid", 2)
    assert await deals.counted(followed) == Counter({"send-mail": 2})
    assert await status_in_the_crm(deals, invoice["number"]) == "paid"
    assert (await deals.counted(reference))["write-invoice"] == 1


async def test_a_reopened_deal_is_taken_back_everywhere(deals: DealWorld) -> None:
    reference, invoice = await billed(deals)
    await reversed_(deals, reference)
    assert await undone(deals, reference) == VOIDED
    assert await status_in_the_crm(deals, invoice["number"]) == "reversed"
    followed = deals.handle("follow-invoice", f"{deals.deal_names.accounting}:{invoice['invoice_id']}")
    assert (await deals.outcome(followed))["result"]["ended"] == "taken back"
    assert (await undone(deals, reference))["mark-reversed"] == 1


async def test_a_paid_invoice_is_credited(deals: DealWorld) -> None:
    reference, invoice = await billed(deals)
    await pay(deals, invoice["number"])
    outcome = await reversed_(deals, reference)
    assert await undone(deals, reference) == CREDITED
    assert invoice["number"] in outcome["manual"][0]


async def test_a_part_paid_invoice_is_credited_and_its_rest_settled(deals: DealWorld) -> None:
    reference, invoice = await billed(deals)
    await pay(deals, invoice["number"], amount="10.00")
    lost = [
        await deals.fault(deals.deal_names.accounting, operation, kind="lost-reply", count=1)
        for operation in ("credit-notes.create", "allocations.create")
    ]
    await reversed_(deals, reference)
    assert [await deals.hits(fault) for fault in lost] == [1, 1]
    assert await undone(deals, reference) == CREDITED + Counter({"allocate-credit": 1})


@pytest.mark.parametrize(("role", "operation"), WRITES)
async def test_a_lost_reply_takes_nothing_back_twice(deals: DealWorld, role: str, operation: str) -> None:
    reference, _ = await billed(deals)
    handle = await reversing(deals, reference)
    fault = await deals.fault(getattr(deals.deal_names, role), operation, kind="lost-reply", count=1)
    await deals.decide(handle, wait="reversal#1", action="approve", why="the customer left")
    assert (await deals.outcome(handle))["kind"] == "completed"
    assert await deals.hits(fault) == 1
    assert await undone(deals, reference) == VOIDED


async def test_the_checker_agrees(deals: DealWorld) -> None:
    verdict = await deals.verdict()
    assert verdict.ok, verdict.findings
