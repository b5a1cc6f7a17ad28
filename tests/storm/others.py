"""Those who buy the labels where that is left to others: once the goods have left they tell the shop a number."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tests.storm.odds import SECOND_LOCATION, SKUS
from tests.storm.plan import PIECES_MAX, Plan, PlannedOrder
from tests.storm.scene import PROCESS, Scene, order_path

LOOK_SECONDS = 1.0
CONFLICT = 409
WITHOUT_NUMBER_OF = 5
"""Of so many orders, one is fulfilled without a number."""


async def label_as_others(scene: Scene, plan: Plan, over: asyncio.Event) -> None:
    """Fulfil in the shop what waits for the number of a label that others buy, until it is over."""
    orders = {one.reference: one for one in plan.orders if plan.who.others_label(one.reference)}
    told: set[str] = set()
    while orders and not over.is_set():
        for workflow_id in await scene.open_processes():
            process, _, reference = workflow_id.partition(":")
            order = orders.get(reference.partition(".")[0])
            if process == PROCESS and order and reference not in told and await _has_left(scene, workflow_id):
                await _tell(scene, order, reference)
                told.add(reference)
        await asyncio.sleep(LOOK_SECONDS)


async def _has_left(scene: Scene, workflow_id: str) -> bool:
    view = await scene.view(workflow_id)
    return bool(view and view.steps and view.steps[-1].name.partition("#")[0] == "labelled")


async def _tell(scene: Scene, order: PlannedOrder, reference: str) -> None:
    number = "" if order.id % WITHOUT_NUMBER_OF == 0 else f"THEIRS{reference.rpartition(':')[2]}"
    mine = {} if reference in scene.edited else dict.fromkeys(skus_of(order, reference), PIECES_MAX)
    for quantities in (mine, {}):
        body = {"tracking_number": number, "quantities": quantities}
        made = await scene.simulator("POST", f"{order_path(reference)}/fulfil", body, taken=[CONFLICT])
        if "reference" in made:
            scene.figures.acts["label bought by others"] += 1
            break


def skus_of(order: PlannedOrder, reference: str) -> Sequence[str]:
    """The articles of an order that leave from where this part of it does; none where they all leave from one place."""
    north = {str(one.get("sku", SKUS[0])): one.get("location") == SECOND_LOCATION for one in order.wanted["lines"]}
    mine = [sku for sku, apart in north.items() if apart == ("." in reference)]
    return mine if len(mine) < len(north) else []
