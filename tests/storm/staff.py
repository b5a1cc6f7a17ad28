"""The staff: good answers, and during the storm also rubbish, answers to other waits, and the same answer twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from seamline.process.decision import Action
from seamline.process.view import Status, View, Wait
from tests.storm.answers import Decision, answer, good_answer, purpose_of
from tests.storm.deals import DEAL, REVERSAL, Sales
from tests.storm.odds import ERP, SCARCE_SKU
from tests.storm.plan import dice_of
from tests.storm.scene import RPC_SECONDS_MAX, Scene

LOOK_SECONDS = 0.4
SETTLE_LOOK_SECONDS = 0.5
TRIES_BEFORE_CANCEL = 6
HELD_AT_ONCE_MAX = 4
UPDATE_SECONDS_MAX = 15
PARCEL_GRAMS_MAX = 1500
PURPOSES = ("fetch-order", "risk", "check-address", "reserve", "dear-label", "buy-label", "capture", "post-fulfilment")
RUBBISH: tuple[tuple[str, list[Any]], ...] = (
    ("decide", []),
    ("decide", [None]),
    ("decide", ["retry", 7, {}]),
    ("decide", [{"wait": 7, "action": "explode"}]),
    ("decide", [{"wait": "reserve#1"}]),
    ("order-cancelled", [{"deep": {"er": [1, 2, 3]}}]),
    ("happened", []),
    ("happened", [{"kind": "order-cancelled"}]),
    ("happened", [{"kind": "explosion", "topic": "orders/cancelled"}]),
    ("no-such-signal", [[]]),
)

WAIT = "wait"
"""The choice to do nothing, where what is waited for must then be seen to."""


async def meddle(scene: Scene, over: asyncio.Event) -> None:
    """Answer some of what waits or is held up, well or badly, until it is over."""
    dice = dice_of(scene.plan.seed, "staff")
    while not over.is_set():
        open_, held = await scene.open_processes(), await scene.open_processes(held=True)
        if open_ and dice.random() < 0.5:
            await _signal(scene, dice.choice(open_), *dice.choice(RUBBISH))
            scene.figures.decisions["rubbish"] += 1
        if open_ and dice.random() < 0.3:
            await _decide_too_early(scene, dice, dice.choice(open_))
        for workflow_id in dice.sample(held, min(len(held), HELD_AT_ONCE_MAX)):
            view = await scene.view(workflow_id)
            if view and view.waits:
                await _meddle_with(scene, dice, workflow_id, view)
        await asyncio.sleep(LOOK_SECONDS)


async def _decide_too_early(scene: Scene, dice: random.Random, workflow_id: str) -> None:
    """Answer a wait that is not open, or was answered before."""
    wait = f"{dice.choice(PURPOSES)}#{dice.randint(1, 3)}"
    decision = {"wait": wait, "action": dice.choice(("retry", "skip", "approve")), "who": "kim", "why": "too early"}
    if dice.random() < 0.5:
        await _signal(scene, workflow_id, "decide", [decision])
    else:
        await _decide(scene, workflow_id, decision)


async def _meddle_with(scene: Scene, dice: random.Random, workflow_id: str, view: View) -> None:
    wait = view.waits[0]
    decision = _any_answer(dice, wait) if dice.random() < 0.5 else await good_answer(scene, view)
    if decision is None:
        return
    how = dice.random()
    if how < 0.1:
        other = {**decision, "wait": f"{wait.name.partition('#')[0]}#{dice.randint(1, 9)}"}
        await _decide(scene, workflow_id, other)
    elif how < 0.25:
        await asyncio.gather(_decide(scene, workflow_id, decision), _decide(scene, workflow_id, decision))
    elif how < 0.4:
        other = _any_answer(dice, wait) or decision
        await asyncio.gather(_decide(scene, workflow_id, decision), _decide(scene, workflow_id, other))
    elif how < 0.6:
        await asyncio.gather(
            _signal(scene, workflow_id, "decide", [dict(decision)]), _decide(scene, workflow_id, decision)
        )
    else:
        await _decide(scene, workflow_id, decision)


def _any_answer(dice: random.Random, wait: Wait) -> Decision | None:
    """An amendment, or any other answer that leaves nothing to be done by hand, whether that helps or not."""
    if Action.AMEND in wait.actions and dice.random() < 0.5 and (change := _any_change(dice, wait)):
        return answer(wait, Action.AMEND, change=change)
    if choices := [one for one in wait.choices if one != WAIT]:
        return answer(wait, Action.CHOOSE, choice=dice.choice(choices))
    weighted = (Action.RETRY, Action.RETRY, Action.APPROVE, Action.APPROVE, Action.REJECT, Action.CANCEL)
    possible = [action for action in weighted if action in wait.actions]
    return answer(wait, dice.choice(possible)) if possible else None


def _any_change(dice: random.Random, wait: Wait) -> Mapping[str, Any] | None:
    """Other goods, another weight, another street: what was made under the request before is to be given back."""
    street = {"street1": f"{dice.randint(1, 99)} Mill Lane"}
    match purpose_of(wait):
        case "reserve":
            return {"lines": {"0": {"quantity": dice.randint(1, 3)}}}
        case "quote":
            return dice.choice(({"weight_grams": dice.randint(1, PARCEL_GRAMS_MAX)}, {"address": street}))
        case "buy-label":
            weight = {"weight_grams": dice.randint(1, PARCEL_GRAMS_MAX)}
            return {"parcel": dice.choice((weight, {"address": street}))}
    return None


async def settle(scene: Scene, sales: Sales, seconds_max: float) -> list[str]:
    """Act as staff until nothing is open. What is still open at the deadline, by id."""
    tries: Counter[str] = Counter()
    deadline = asyncio.get_running_loop().time() + seconds_max
    while open_ := await scene.unsettled():
        if not any(one.startswith((DEAL, REVERSAL)) for one in open_):
            await sales.pay_all()
        if asyncio.get_running_loop().time() > deadline:
            return open_
        asked = await asyncio.gather(*(_release(scene, workflow_id, tries) for workflow_id in open_))
        if not any(asked):
            # Goods come in for those who wait for them, once nobody is asked what to do without.
            await scene.simulator("PUT", f"stock/{ERP}", {SCARCE_SKU: 1})
        await asyncio.sleep(SETTLE_LOOK_SECONDS)
    return []


async def _release(scene: Scene, workflow_id: str, tries: Counter[str]) -> bool:
    """Whether it waited for an answer."""
    view = await scene.view(workflow_id)
    if view is None or view.status is not Status.WAITING:
        return False
    wait = view.waits[0]
    tries[workflow_id] += 1
    decision = await good_answer(scene, view)
    if tries[workflow_id] > TRIES_BEFORE_CANCEL and Action.CANCEL in wait.actions:
        decision = answer(wait, Action.CANCEL)
    if decision:
        await _decide(scene, workflow_id, decision)
    return True


async def _decide(scene: Scene, workflow_id: str, decision: Decision) -> None:
    try:
        async with asyncio.timeout(UPDATE_SECONDS_MAX):
            await scene.handle(workflow_id).execute_update("decide", dict(decision))
        scene.figures.decisions[str(decision["action"])] += 1
    except WorkflowUpdateFailedError:
        scene.figures.decisions["refused"] += 1
    except (RPCError, TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        scene.figures.decisions["unanswered"] += 1


async def _signal(scene: Scene, workflow_id: str, name: str, arguments: list[Any]) -> None:
    try:
        await scene.handle(workflow_id).signal(name, args=arguments, rpc_timeout=timedelta(seconds=RPC_SECONDS_MAX))
    except RPCError:
        scene.figures.decisions["unanswered"] += 1
