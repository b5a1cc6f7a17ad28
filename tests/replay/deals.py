"""The paths of deals whose histories are recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from seamline.process.start import Start
from seamline.records.billing import Billing
from seamline.settings import start_for
from seamline.temporal import start_process
from tests.end_to_end.deals import ASKED, BILLING, DealWorld
from tests.end_to_end.world import Handle
from workflows.reverse_deal import ReverseDeal

LATE = {"day_seconds": 0.1, "remind_days": (-29,), "unpaid_days": 365}
Told = Callable[[DealWorld], Awaitable[Handle]]


def ruled(**rules: Any) -> Billing:
    """The quick rules with these changes."""
    return Billing.model_validate(BILLING.model_dump() | rules)


async def deal_billed(world: DealWorld) -> Handle:
    """A deal on a good day."""
    return await world.begin(await world.new_customers_deal())


async def deal_approved(world: DealWorld) -> Handle:
    """Finance amends the invoice, and somebody else approves it."""
    handle = await world.begin(await world.new_customers_deal(), billing=ruled(**ASKED))
    await world.waiting(handle)
    await world.decide(handle, wait="invoice#1", action="amend", change={"due": "2199-01-31"})
    await world.until(handle, lambda view: view.waits and view.waits[0].name == "invoice#2")
    await world.decide(handle, wait="invoice#2", action="approve", who="kim")
    return handle


async def deal_rejected(world: DealWorld) -> Handle:
    """Finance rejects it: draft and customer are taken back, and the owner gets a task."""
    handle = await world.begin(await world.new_customers_deal(), billing=ruled(**ASKED))
    await world.waiting(handle)
    await world.decide(handle, wait="invoice#1", action="reject", why="too cheap")
    return handle


async def deal_voided(world: DealWorld) -> Handle:
    """Accounting does not send it, and staff cancel: the posted invoice is voided."""
    await world.fault(world.deal_names.accounting, "invoices.email", "refuse", count=1)
    handle = await world.begin(await world.new_customers_deal())
    view = await world.waiting(handle)
    await world.decide(handle, wait=view.waits[0].name, action="cancel", why="a mistake")
    return handle


async def deal_mended(world: DealWorld) -> Handle:
    """The deal lacks its purchase order, and the customer may be somebody else: people amend both."""
    account = {"name": "Twin Kilns", "website": "https://twin.example", "purchase_order_required": True}
    base = f"books/{world.deal_names.accounting}/contacts"
    for name in ("Twin Kilns (north)", "Twin Kilns (south)"):
        await world.post(base, {"name": name, "tax_number": "GB777", "email": "bills@twin.example"})
    wanted = {"account": account | {"tax_id": "GB777"}, "contact": {"email": "bills@twin.example"}, "po_number": None}
    handle = await world.begin(await world.deal(**wanted))
    await world.waiting(handle)
    await world.decide(handle, wait="fetch-deal#1", action="amend", change={"purchase_order": "PO-7"})
    await world.until(handle, lambda view: view.waits and view.waits[0].name == "match-customer#1")
    await world.decide(handle, wait="match-customer#1", action="amend", change={"chosen": "new"})
    return handle


async def deal_in_instalments(world: DealWorld) -> Handle:
    """A deal billed in two parts, of which one is due."""
    parts = [{"amount": "500.00", "due_date": "2026-11-01"}, {"amount": "500.00", "due_date": "2199-01-01"}]
    return await world.begin(await world.new_customers_deal(instalments=parts))


async def invoice_followed(world: DealWorld) -> Handle:
    """An invoice is reminded of once, and paid."""
    done = await (await world.begin(await world.new_customers_deal(), billing=ruled(**LATE))).result()
    invoice = done["result"]
    handle = world.handle("follow-invoice", f"{world.deal_names.accounting}:{invoice['invoice_id']}")
    await world.until(handle, lambda view: "send-reminder" in [one.name for one in view.steps])
    await world.post(f"books/{world.deal_names.accounting}/payments", {"invoice": invoice["number"]})
    return handle


async def deal_reversed(world: DealWorld) -> Handle:
    """A billed deal is reopened, and finance confirms."""
    reference = await world.new_customers_deal()
    await (await world.begin(reference)).result()
    handle = await reopened(world, reference)
    await world.waiting(handle)
    await world.decide(handle, wait="reversal#1", action="approve", why="the customer left")
    return handle


async def deal_reversed_while_billed(world: DealWorld) -> Handle:
    """It is reopened while its invoice is posted and not sent: nothing is taken back before that is done."""
    await world.fault(world.deal_names.accounting, "invoices.email", "refuse", count=1)
    reference = await world.new_customers_deal()
    billed = await world.begin(reference)
    wait = (await world.waiting(billed)).waits[0].name
    handle = await reopened(world, reference)
    await world.step(handle, "ended")
    await world.decide(billed, wait=wait, action="retry")
    await world.waiting(handle)
    await world.decide(handle, wait="reversal#1", action="approve", why="the customer left")
    return handle


async def reopened(world: DealWorld, reference: str) -> Handle:
    """Sales reopen a deal: what takes it back."""
    deal = f"crms/{world.deal_names.crm}/deals/{reference.partition(':')[2]}"
    answer = await world.http.patch(f"{world.simulator.url}/_simulator/{deal}", json={"stage": "Negotiation/Review"})
    answer.raise_for_status()
    start: Start = start_for(ReverseDeal, reference, world.settings)
    identity, _ = await start_process(world.client, ReverseDeal, start)
    handle: Handle = world.client.get_workflow_handle(identity)
    return handle


DEAL_PATHS: Mapping[str, Told] = {
    path.__name__.replace("_", "-"): path
    for path in (
        deal_billed,
        deal_approved,
        deal_rejected,
        deal_voided,
        deal_mended,
        deal_in_instalments,
        invoice_followed,
        deal_reversed,
        deal_reversed_while_billed,
    )
}
