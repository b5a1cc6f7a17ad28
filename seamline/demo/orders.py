"""The demo's stories of orders."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter

from rich.markup import escape
from rich.table import Table

from seamline.demo.answer import answered
from seamline.demo.stage import Handle, Stage, held_up, waits
from seamline.demo.story import Scenario, Told, kind_of
from seamline.local_settings import SHOP, WAREHOUSE
from seamline.process.decision import Action
from seamline.process.details import commands
from seamline.process.view import View

BIN = os.path.relpath(os.path.dirname(sys.executable))
"""Where the environment's commands are, seen from here."""
ONE_EACH = Counter({"reserve": 1, "buy-label": 1, "ship": 1, "post-fulfilment": 1, "send-mail": 1})
CALLS_TO_A_DEAD_SYSTEM_MAX = 15
DOWN_SECONDS = 20
BAD_POSTCODE, GOOD_POSTCODE = "ZZ9 9ZZ", "CB2 1RX"


async def plain(stage: Stage) -> Told:
    """An order on a good day."""
    reference = await stage.order()
    view = await stage.ended(reference)
    parcel = await stage.delivered(reference)
    state = parcel.outcome.result.get("course") if parcel.outcome else "?"
    counts = await stage.live(reference)
    ok = counts == ONE_EACH and kind_of(view) == "completed" and state == "delivered"
    return Told(ok, f"{kind_of(view)}, {_words(counts)}, parcel {state}", [reference])


async def duplicates(stage: Stage) -> Told:
    """The same webhook five times, twice at the same moment."""
    reference = await stage.order()
    again = {"topic": "orders/paid", "times": 4, "at_once": 2}
    number = reference.partition(":")[2]
    answers = await stage.post(f"shops/{SHOP}/orders/{number}/deliveries", again)
    stage.say(f"the shop sent the same event four times more; the door answered {answers['statuses']}")
    view = await stage.ended(reference)
    await stage.delivered(reference)
    runs = [one async for one in stage.client.list_workflows(f"WorkflowId = 'order-to-shipment:{reference}'")]
    counts = await stage.live(reference)
    ok = len(runs) == 1 and counts == ONE_EACH and set(answers["statuses"]) == {200}
    return Told(ok, f"{len(runs)} process, {kind_of(view)}, {_words(counts)}", [reference])


async def killed(stage: Stage) -> Told:
    """The worker dies after the carrier sold a label and before it could hear of it."""
    await stage.fault("shippo-main", "transactions.create", "lost-reply", count=1, delay_seconds=30)
    reference = await stage.order()
    await stage.happened(reference, "buy-label")
    await stage.local.worker.kill()
    stage.say("[red]the carrier sold a label; the worker was killed (SIGKILL) before the answer came[/]")
    await stage.local.start_worker()
    stage.say("a new worker runs; it asks the carrier what was bought for this order")
    view = await stage.ended(reference)
    labels = [one for one in await stage.effects(reference) if one["operation"] == "buy-label"]
    adopted = next((step.object_id for step in view.steps if step.name == "buy-label"), "")
    stage.say(f"labels in the carrier's ledger: {', '.join(one['object_id'] for one in labels)}; used: {adopted}")
    ok = len(labels) == 1 and labels[0]["object_id"] == adopted and await stage.live(reference) == ONE_EACH
    if ok:
        await stage.delivered(reference)
    return Told(ok, f"{kind_of(view)}, {len(labels)} label{'s' * (len(labels) != 1)} bought", [reference])


async def outage(stage: Stage) -> Told:
    """The carrier is away for a while, and nobody does anything."""
    since = time.time()
    await stage.fault("shippo-main", "*", "down", seconds=DOWN_SECONDS)
    stage.say(f"[red]the carrier is down for {DOWN_SECONDS} s[/]")
    references = [await stage.order() for _ in range(3)]
    handles = [stage.handle("order-to-shipment", reference) for reference in references]
    held = await asyncio.gather(*(stage.until(one, held_up, "being held up") for one in handles))
    stage.say(f"all {len(held)} are held up: {held[0].waits[0].cause}; staff are told, and need do nothing")
    views = await asyncio.gather(*(stage.ended(one) for one in references))
    calls = await stage.get("calls", connection="shippo-main", since=str(since))
    dead = [one for one in calls if one["at"] < since + DOWN_SECONDS and one["outcome"] == "down"]
    await asyncio.gather(*(stage.delivered(one) for one in references))
    counts = [await stage.live(one) for one in references]
    decisions = sum(len(view.decisions) for view in views)
    ok = all(one == ONE_EACH for one in counts) and 0 < len(dead) <= CALLS_TO_A_DEAD_SYSTEM_MAX and not decisions
    done = sum(kind_of(view) == "completed" for view in views)
    actual = f"{done} held up and completed, {len(dead)} calls to the dead system, {decisions} decisions"
    return Told(ok, actual, references)


async def refused(stage: Stage) -> Told:
    """An address that the carrier refuses."""
    reference = await stage.order(address={"zip": BAD_POSTCODE})
    handle = stage.handle("order-to-shipment", reference)
    view = await stage.until(handle, waits, "waiting")
    wait = view.waits[0]
    stage.say(f"[yellow]waits for {wait.team}[/]: {wait.cause}")
    for problem in wait.problems:
        stage.say(f"  {problem.field}: {problem.reason}")
    await _ask(stage, handle, view)
    ended = await stage.ended(reference)
    await stage.delivered(reference)
    named = any("postcode" in problem.field for problem in wait.problems)
    counts = await stage.live(reference)
    ok = named and kind_of(ended) == "completed" and counts == ONE_EACH
    who = ended.decisions[0].action if ended.decisions else "nobody"
    return Told(ok, f"waited for {wait.team} naming the postcode, then {who}: {kind_of(ended)}", [reference])


async def _ask(stage: Stage, handle: Handle, view: View) -> None:
    wait = view.waits[0]
    ours, theirs = commands(handle.id, wait, Action.AMEND, GOOD_POSTCODE)
    stage.say("release it from another terminal in this folder, with either of:")
    for line in (ours, f"{theirs} --address {stage.local.running.temporal}"):
        stage.console.print(f"{BIN}/{line}", style="bold", soft_wrap=True, highlight=False)
    decided = asyncio.create_task(
        stage.until(handle, lambda now: wait.name not in {one.name for one in now.waits}, "a decision")
    )
    if await answered(stage.console, decided):
        await decided
        return
    field = wait.problems[0].field
    await stage.command("amend", handle.id, wait.name, f"{field}={GOOD_POSTCODE}", "--why", "the customer was asked")
    stage.say(f"answered: seamline amend ... {field}={GOOD_POSTCODE!r}")
    await decided


async def cancelled(stage: Stage) -> Told:
    """Cancelled once the label was bought, before the parcel left."""
    await stage.world(autopilot=False, refund_after_seconds=2)
    before = await _balance(stage)
    reference = await stage.order()
    await stage.happened(reference, "buy-label")
    between = await _balance(stage, reference)
    await stage.until(stage.handle("order-to-shipment", reference), _waits_for_packing, "waiting to be packed")
    await stage.command("cancel", f"order-to-shipment:{reference}", "--why", "the customer changed their mind")
    stage.say("[yellow]cancelled by staff[/]: the gate first (can the parcel still be stopped?), then in reverse")
    view = await stage.ended(reference)
    after = await _balance(stage, reference)
    await stage.world(autopilot=True, refund_after_seconds=0)
    stage.console.print(_balances(before, between, after))
    operations = [one["operation"] for one in await stage.effects(reference)]
    expected = ["reserve", "buy-label", "release", "request-refund", "refund"]
    ok = operations == expected and after == before and kind_of(view) == "undone"
    left = "nothing left" if after == before else "something is left"
    return Told(ok, f"{kind_of(view)}: {', '.join(operations[2:])}; {left}", [reference])


async def risky(stage: Stage) -> Told:
    """The shop rates an order as risky, and its payment is authorised only."""
    fact = "the card was issued in another country"
    await stage.world(hand_over_after_seconds=4)
    reference = await stage.order(risk="INVESTIGATE", risk_facts=[fact], financial_status="AUTHORIZED")
    view = await stage.until(stage.handle("order-to-shipment", reference), waits, "waiting")
    wait = view.waits[0]
    held = await stage.live(reference)
    stage.say(f"[yellow]waits for {wait.team}[/]: {escape(wait.reason)}; the shop holds the order meanwhile")
    await stage.command("approve", f"order-to-shipment:{reference}", wait.name, "--why", "a known customer")
    stage.say("answered: seamline approve ...; the hold is released, and the payment captured once it is packed")
    ended = await stage.ended(reference)
    await stage.delivered(reference)
    await stage.world(hand_over_after_seconds=0.5)
    operations = [one["operation"] for one in await stage.effects(reference)]
    counts = Counter(operations)
    first = operations.index("capture") < operations.index("ship") if "capture" in operations else False
    ok = held == Counter({"hold": 1}) and counts == ONE_EACH + Counter({"hold": 1, "release-hold": 1, "capture": 1})
    taken = f"captured {counts['capture']} time, {'before' if first else 'after'} the parcel left"
    return Told(ok and first, f"waited for {wait.team}, then {kind_of(ended)}; {taken}", [reference])


async def short(stage: Stage) -> Told:
    """More is sold than is there; then a delivery comes."""
    await stage.erp.stock(WAREHOUSE, "JUG-TALL", 1)
    reference = await stage.order(lines=[{"sku": "JUG-TALL", "title": "Tall jug", "quantity": 2}])
    view = await stage.until(stage.handle("order-to-shipment", reference), waits, "waiting")
    wait = view.waits[0]
    stage.say(f"[yellow]waits for {wait.team}[/]: {escape(wait.reason)}; they can choose {', '.join(wait.choices)}")
    await stage.erp.stock(WAREHOUSE, "JUG-TALL", 3)
    stage.say("nobody has answered, and a delivery comes: it goes on by itself")
    ended = await stage.ended(reference)
    await stage.delivered(reference)
    counts, left = await stage.live(reference), await stage.erp.pieces(WAREHOUSE, "JUG-TALL")
    ok = counts == ONE_EACH and left == 2
    return Told(
        ok, f"asked {wait.team}, then {kind_of(ended)}: {_words(counts)}, {left} left on the shelf", [reference]
    )


def _waits_for_packing(view: View) -> bool:
    return view.steps[-1].name == "packed"


async def _balance(stage: Stage, reference: str = "") -> dict[str, str]:
    """Stock and money: what is on the shelf, and what labels of this order have cost so far."""
    shelf = await stage.erp.pieces(WAREHOUSE, "MUG-BLUE")
    effects = await stage.effects(reference) if reference else []
    sign = {"buy-label": 1, "refund": -1}
    spent = sum(sign.get(one["operation"], 0) * float(one["amount"] or 0) for one in effects)
    return {"MUG-BLUE on the shelf": str(shelf), "spent on labels": f"{spent:.2f}"}


def _balances(before: dict[str, str], between: dict[str, str], after: dict[str, str]) -> Table:
    table = Table("", "before", "label bought", "after the undo", box=None, pad_edge=True)
    for name in before:
        table.add_row(name, before[name], between[name], after[name])
    return table


def _words(counts: Counter[str]) -> str:
    if counts == ONE_EACH:
        return "one effect each"
    return ", ".join(f"{count} {operation}" for operation, count in counts.items()) or "no effect"


STORIES = (
    Scenario("a plain paid order", "one effect each, delivered", plain),
    Scenario("its webhook comes five times", "one process, one effect each", duplicates),
    Scenario("the worker is killed after a label was sold", "one label, found and adopted", killed),
    Scenario(
        "the carrier is down for 20 s",
        f"three held up, at most {CALLS_TO_A_DEAD_SYSTEM_MAX} calls, all complete by themselves",
        outage,
    ),
    Scenario("a postcode that the carrier refuses", "waits with the field named, staff mend it", refused),
    Scenario("cancelled after the label was bought", "refund requested and confirmed, stock released", cancelled),
    Scenario("a risky order, authorised only", "held until fraud approves; money captured once", risky),
    Scenario("goods that are short", "people are asked; stock that comes is reserved by itself", short),
)
