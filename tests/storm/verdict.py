"""What a storm is judged by: the independent checker, and statements of its own, from ledger, calls and histories."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seamline.process.decision import Action
from seamline.simulator.checker import Verdict, audit
from seamline.simulator.checker_ledger import Finding
from tests.storm.limits import Counted, Workers, busiest_windows, calls_while_down, calls_while_stopped
from tests.storm.odds import CARRIER, ERP, NORTH_CARRIER, NORTH_ERP
from tests.storm.past import Past, read_pasts
from tests.storm.plan import Plan
from tests.storm.scene import PROCESS, Scene
from tests.storm.who import Who

SETTLED_SECONDS_MAX = 15
ONCE = ("reserve", "buy-label", "ship", "post-fulfilment")
PLACES = {"reserve": (ERP, NORTH_ERP), "buy-label": (CARRIER, NORTH_CARRIER)}
"""Where it is to be done, for what leaves from the first location and from the second."""


@dataclass
class Judgement:
    """All findings of a storm, and what the histories and calls add to its figures."""

    findings: list[Finding]
    verdict: Verdict
    pasts: Sequence[Past]
    failed_tasks: Counter[str]
    timed_out_tasks: int
    events_per_completed: float
    outages: Sequence[Counted]
    windows: Sequence[Counted]

    @property
    def ok(self) -> bool:
        """Whether every promise held."""
        return not self.findings


async def judge(scene: Scene, plan: Plan, still_open: Sequence[str]) -> Judgement:
    """Judge a storm that has settled; `still_open` are the processes that did not end in time."""
    verdict = await _audit(scene)
    pasts = await read_pasts(scene)
    effects = await scene.simulator("GET", "effects")
    calls = await scene.simulator("GET", "calls")
    workers = Workers(len(scene.local.workers), scene.figures.worker_starts)
    outages = [calls_while_down(outage, calls, workers) for outage in scene.figures.outages]
    windows = list(busiest_windows(calls, workers))
    findings = [
        *[one for one in verdict.findings if not await _is_left_to_people(one, scene)],
        *_lost(scene.accepted, pasts),
        *[await _stuck(scene, workflow_id) for workflow_id in still_open],
        *(_finding(_reference(one), "not-resumed", f"{one}: {said}") for one, said in scene.not_resumed.items()),
        *_ended_badly(pasts),
        *_failed_tasks(pasts),
        *wrong_place(plan, effects),
        *wrong_hands(plan.who, effects),
        *_twice_ever({past.reference for past in pasts if past.amended} | scene.edited, effects),
        *(_finding(one.connection, "outage", f"calls while down: {one}") for one in outages if one.share > 1),
        *(
            _finding(one.connection, "stopped", f"{made} calls while it was stopped")
            for one in scene.figures.stops
            if (made := calls_while_stopped(one, calls))
        ),
        *(_finding(one.connection, "rate", f"calls in a window: {one}") for one in windows if one.share > 1),
    ]
    done = [
        len(past.history.events)
        for past in pasts
        if past.id.startswith(PROCESS) and past.last and past.status == "COMPLETED"
    ]
    return Judgement(
        findings=findings,
        verdict=verdict,
        pasts=pasts,
        failed_tasks=sum((past.failed_tasks for past in pasts), Counter[str]()),
        timed_out_tasks=sum(past.timed_out_tasks for past in pasts),
        events_per_completed=sum(done) / len(done) if done else 0,
        outages=outages,
        windows=windows,
    )


def save_histories(judgement: Judgement, folder: Path) -> list[Path]:
    """Write the history of every process that a finding names, and the findings themselves."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "findings.json"
    report.write_text(json.dumps([one.model_dump() for one in judgement.findings], indent=1))
    named = {one.reference.partition(".")[0] for one in judgement.findings}
    files = [report]
    for past in judgement.pasts:
        if past.reference in named:
            resumed = "" if past.last else f"_{past.history.run_id}"
            files.append(folder / f"{past.id.replace(':', '_')}{resumed}.json")
            files[-1].write_text(past.history.to_json())
    return files


async def _audit(scene: Scene) -> Verdict:
    """What the checker says once the list of processes, which lags behind, has settled too."""
    deadline = asyncio.get_running_loop().time() + SETTLED_SECONDS_MAX
    while True:
        verdict = await audit(scene.local.running.simulator, scene.client, settled=True)
        if verdict.ok or asyncio.get_running_loop().time() > deadline:
            return verdict
        await asyncio.sleep(1)


# ---- statements ---------------------------------------------------------------------------------------------------


async def _is_left_to_people(finding: Finding, scene: Scene) -> bool:
    """Whether it is the money of an order that was cancelled or cut in the shop once its goods had left, and told.

    Who asks the carrier for a label's money by hand is told there what comes of it. What is added to an order that is
    over already nobody sees.
    """
    if finding.rule == "unshipped":
        return finding.reference in scene.edited
    if finding.rule == "rejected-untold":
        return any(label in finding.detail for label in scene.labels_refunded)
    if finding.rule != "money" or finding.reference not in scene.changed_in_shop:
        return False
    view = await scene.view(f"{PROCESS}:{finding.reference}")
    return view is not None and bool(view.manual or any(one.action is Action.SKIP for one in view.decisions))


def _lost(accepted: Iterable[str], pasts: Sequence[Past]) -> Iterator[Finding]:
    known = {past.id for past in pasts}
    for workflow_id in sorted(accepted):
        if workflow_id not in known:
            told = f"the door acknowledged the start of {workflow_id} and Temporal has no such process"
            yield _finding(_reference(workflow_id), "lost", told)


async def _stuck(scene: Scene, workflow_id: str) -> Finding:
    view = await scene.view(workflow_id)
    held = "; ".join(f"{one.name} {one.cause} ({one.team})" for one in view.waits) if view else "it does not answer"
    step = f"at {view.steps[-1].name}" if view and view.steps else ""
    return _finding(_reference(workflow_id), "not-settled", f"{workflow_id} {held or 'waits for nothing'} {step}")


def _ended_badly(pasts: Sequence[Past]) -> Iterator[Finding]:
    for past in pasts:
        if past.last and past.status not in ("COMPLETED", "CANCELED", "RUNNING"):
            yield _finding(past.reference, "ended-badly", f"{past.id} is {past.status}")


def _failed_tasks(pasts: Sequence[Past]) -> Iterator[Finding]:
    for past in pasts:
        for cause, count in past.failed_tasks.items():
            yield _finding(past.reference, "failed-task", f"{past.id}: {count} times {cause}")


def wrong_place(plan: Plan, effects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What leaves from a location is held by its warehouse, and travels by its account with the carrier."""
    north = {order.reference for order in plan.orders if order.leaves_north}
    others = {order.reference for order in plan.orders} - north
    for one in effects:
        order = one["reference"].partition(".")[0]
        if one["operation"] in PLACES and order in north | others and one["reference"] == order:
            served = PLACES[one["operation"]][order in north]
            if one["connection"] != served:
                told = f"{one['operation']} at {one['connection']} instead of {served}"
                yield _finding(order, "wrong-place", told)


def wrong_hands(who: Who, effects: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Nothing is done by us that others do for a shop, nor by it what we do, nor for what is only observed."""
    for one in effects:
        reference, operation, key = one["reference"], one["operation"], one["key"] or ""
        order = "-R" not in reference
        shop_mails = who.rule(reference, "mails") == "shop"
        wrong = {
            "buy-label": order and bool(key) and who.others_label(reference),
            "send-mail": shop_mails and key.endswith("/send-shipped#1"),
            "shop-mail": not shop_mails,
            "set-stock": not who.shared or who.rule(f"{one['connection']}:", "stock") == "shop",
        }
        if wrong.get(operation):
            told = f"{operation} at {one['connection']}, which is for others to do"
            yield _finding(reference, "wrong-hands", told)
        if bool(key) and reference.partition(":")[0] in who.observed:
            yield _finding(reference, "observed-acted", f"{operation} at {one['connection']}")


def _twice_ever(changed: Container[str], effects: Sequence[dict[str, Any]]) -> Iterator[Finding]:
    """Where nobody changed anything, there was never a second effect, also none that was taken back.

    The shop is told of each part of an order, under the order's own reference.
    """
    reserved = {one["reference"] for one in effects if one["operation"] == "reserve"}
    parts = Counter(reference.partition(".")[0] for reference in reserved)
    counts = Counter((one["reference"], one["operation"], _number(one["key"])) for one in effects)
    for (reference, operation, number), count in counts.items():
        once = parts[reference] if operation == "post-fulfilment" else 1
        if operation in ONCE and count > max(1, once) and reference not in changed:
            yield _finding(reference, "twice-ever", f"{count} {operation} #{number}, and nobody changed it")


def _number(key: str | None) -> str:
    """Which time it is meant to happen: what is sent again has a number of its own."""
    return (key or "").partition("#")[2]


def _reference(workflow_id: str) -> str:
    return workflow_id.partition(":")[2]


def _finding(reference: str, rule: str, detail: str) -> Finding:
    return Finding(reference=reference, rule=rule, detail=detail)
