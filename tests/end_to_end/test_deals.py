"""Deals through the simulated Salesforce, Xero and HubSpot: what the process promises, in their ledgers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from seamline.process.view import View
from seamline.records.billing import Billing
from tests.end_to_end.deals import ASKED, BILLING, DealNames, DealWorld
from tests.end_to_end.test_deal_disturbances import ONE_EACH
from tests.end_to_end.world import Handle, World


@pytest.fixture(scope="module")
async def deals(world: World) -> AsyncIterator[DealWorld]:
    """Connections of their own for these tests."""
    one = DealWorld(world.simulator, world.client, world.http, DealNames(), workflows=False)
    await one.ready()
    async with one.working():
        yield one


def asked() -> Billing:
    """Rules by which every invoice is approved."""
    return Billing.model_validate(BILLING.model_dump() | ASKED)


async def waiting_for(deals: DealWorld, handle: Handle, name: str) -> View:
    """The view once a wait of this name is open."""
    return await deals.until(handle, lambda view: name in [one.name for one in view.waits])


async def test_a_rejected_invoice_is_billed_again_when_the_deal_is_started_again(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    handle = await deals.begin(reference, billing=asked())
    view = await deals.waiting(handle)
    await deals.decide(handle, wait=view.waits[0].name, action="reject", who="fin", why="not yet")
    assert (await deals.outcome(handle))["kind"] == "undone"
    assert await deals.operations(reference) == [
        "create-customer",
        "draft-invoice",
        "create-task",
        "delete-draft",
        "archive-customer",
    ]
    again = await deals.begin(reference)
    view = await deals.waiting(again)
    assert "is archived" in view.waits[0].reason
    archived = view.waits[0].request["candidates"][0]["id"]
    await deals.post(f"books/{deals.deal_names.accounting}/contacts/{archived}", {"archived": False})
    await deals.decide(again, wait=view.waits[0].name, action="retry", who="fin")
    assert (await deals.outcome(again))["kind"] == "completed"
    counts = Counter(await deals.operations(reference))
    assert (counts["draft-invoice"], counts["post-invoice"], counts["delete-draft"]) == (2, 1, 1)


async def test_an_amended_invoice_keeps_its_number_and_reaches_the_customer(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    handle = await deals.begin(reference, billing=asked())
    view = await deals.waiting(handle)
    for number, due in enumerate((40, 50, 40), 1):
        day = (datetime.now(UTC) + timedelta(days=due)).date().isoformat()
        await deals.decide(handle, wait=f"invoice#{number}", action="amend", who="ann", change={"due": day})
        view = await deals.until(
            handle, lambda now, name=f"invoice#{number + 1}": name in [one.name for one in now.waits]
        )
    await deals.decide(handle, wait=view.waits[0].name, action="approve", who="bob")
    outcome = await deals.outcome(handle)
    assert outcome["result"]["due"] == day
    assert await deals.counted(reference) == ONE_EACH


async def test_a_cancel_from_temporals_own_command_voids_what_was_not_sent(deals: DealWorld) -> None:
    reference = await deals.new_customers_deal()
    fault = await deals.fault(deals.deal_names.accounting, "invoices.email", "refuse", count=1)
    handle = await deals.begin(reference)
    await deals.waiting(handle)
    assert await deals.hits(fault) == 1
    await deals.command("temporal", "workflow", "cancel", "--workflow-id", handle.id)
    view = await deals.undone(handle)
    assert view.outcome is not None
    assert view.outcome.kind.value == "undone"
    counts = Counter(await deals.operations(reference))
    assert (counts["post-invoice"], counts["void-invoice"], counts["archive-customer"]) == (1, 1, 1)
    assert counts["write-invoice"] == counts["become-customer"] == 0


async def test_the_checker_agrees_with_all_of_them(world: World, deals: DealWorld) -> None:
    verdict = await world.verdict()
    assert verdict.ok, verdict.findings
