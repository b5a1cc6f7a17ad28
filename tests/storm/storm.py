"""One storm from beginning to end: orders and disturbance, then calm and staff, then the verdict."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig

from seamline.local import local_stack
from tests.storm.acts import act_at_moments, resume_terminated
from tests.storm.deals import Sales
from tests.storm.disturb import Disturber
from tests.storm.driver import poll_for_gaps, send_orders
from tests.storm.limits import CALLS_PER_SECOND_MAX
from tests.storm.odds import (
    CARRIER,
    CRM,
    ERP,
    LABEL_LIMIT,
    MAIL,
    MARKETING,
    NORTH_ERP,
    PARCEL_GRAMS,
    SCARCE_SKU,
    SECOND_LOCATION,
    SKUS,
)
from tests.storm.others import label_as_others
from tests.storm.plan import Plan
from tests.storm.scene import Figures, Scene
from tests.storm.staff import meddle, settle
from tests.storm.verdict import Judgement, judge, save_histories

HTTP_SECONDS_MAX = 10
CALM_SECONDS = 2
PIECES = 100_000
WORLD = {
    "autopilot": True,
    "pack_after_seconds": 1,
    "hand_over_after_seconds": 1,
    "transit_after_seconds": 0.5,
    "deliver_after_seconds": 3,
    "label_queued_seconds": 0.3,
    "refund_after_seconds": 1,
    "payment_refund_after_seconds": 1,
    "parcel_grams_max": PARCEL_GRAMS,
}
SETTINGS = {
    "SEAMLINE_POLICY__LABEL_PRICE_MAX": json.dumps({"GBP": LABEL_LIMIT}),
    "SEAMLINE_POLICY__LOCATIONS": json.dumps({SECOND_LOCATION: {"labels_at": "packed"}}),
    "SEAMLINE_CONNECTIONS__ERP_MAIN__ACCOUNT__PACKAGE_MODULES": "true",
    "SEAMLINE_CONNECTIONS__ERP_NORTH__ACCOUNT__PACKAGE_MODULES": "true",
    "SEAMLINE_POLICY__BILLING__PAYMENT_POLL_SECONDS": "1",
    "SEAMLINE_POLICY__BILLING__PAYMENT_POLL_MAX_SECONDS": "3",
    "SEAMLINE_WATCH__INTERVAL_SECONDS": "5",
    "SEAMLINE_POLICY__PATIENCE_SECONDS": "6",
    "SEAMLINE_POLICY__ATTEMPT_SECONDS_MAX": "8",
    "SEAMLINE_POLICY__HEALING_INTERVAL_MAX_SECONDS": "2",
    **{
        f"SEAMLINE_CONNECTIONS__{name.upper().replace('-', '_')}__RATE_PER_SECOND": "50"
        for name in (*CALLS_PER_SECOND_MAX, MAIL, CRM, MARKETING)
    },
    **{
        f"SEAMLINE_CONNECTIONS__{name.upper().replace('-', '_')}__ACCOUNT__CALLS_PER_SECOND_MAX": str(rate)
        for name, rate in CALLS_PER_SECOND_MAX.items()
    },
}
"""Shorter than on a laptop, so that outages outlast patience and slow answers outlast an attempt within a storm."""
BLIND = ((CARRIER, "transactions.list"), (ERP, "sale.sale.search"))


@dataclass(frozen=True)
class Report:
    """What a storm was and what came of it."""

    seed: int
    figures: Figures
    kinds: Counter[str]
    deals: Counter[str]
    judgement: Judgement
    seconds: float
    settle_seconds: float
    saved: list[Path]


async def run_storm(plan: Plan, folder: Path, *, settle_seconds_max: float, blind: bool = False) -> Report:
    """Run a planned storm over `folder`, which is emptied. `blind` breaks the searches for what we made.

    Raises ChildFailed when a part cannot be started, or ended by itself; FolderInUse when another works there.
    """
    began = time.monotonic()
    who = f"the storm of seed {plan.seed}"
    settings = SETTINGS | {"SEAMLINE_POLICY__EXPRESS": json.dumps(plan.express)} | plan.who.settings()
    async with (
        local_stack(folder, who, anew=True, workers=2, settings=settings, well_known_ports=False) as local,
        httpx.AsyncClient(timeout=HTTP_SECONDS_MAX) as http,
    ):
        client = await Client.connect(
            local.running.temporal, data_converter=pydantic_data_converter, runtime=_quiet_runtime()
        )
        scene = Scene(local, client, http, plan)
        await scene.simulator("PUT", "settings", WORLD | plan.world)
        await scene.simulator("PUT", f"stock/{ERP}", dict.fromkeys(SKUS, PIECES) | {SCARCE_SKU: 1})
        await scene.simulator("PUT", f"stock/{NORTH_ERP}", dict.fromkeys(SKUS, PIECES))
        disturber = Disturber(scene, blind=BLIND if blind else ())
        sales = Sales(scene, plan.deals)
        async with beside(partial(label_as_others, scene, plan)):
            async with beside(partial(act_at_moments, scene, plan)), beside(sales.work):
                async with beside(partial(meddle, scene)):
                    await send_orders(scene, plan, disturber)
                    await asyncio.sleep(CALM_SECONDS)
                await disturber.all_up()
                if not blind:
                    await disturber.end_faults()
                settling = time.monotonic()
                await asyncio.gather(poll_for_gaps(scene, plan, sales), settle(scene, sales, settle_seconds_max))
            await resume_terminated(scene)
            still_open = await settle(scene, sales, settle_seconds_max)
        settled = time.monotonic()
        judgement = await judge(scene, plan, still_open)
    saved = [] if judgement.ok else save_histories(judgement, folder)
    kinds, deals = Counter(order.kind for order in plan.orders), Counter(deal.kind for deal in plan.deals)
    return Report(
        plan.seed, scene.figures, kinds, deals, judgement, time.monotonic() - began, settled - settling, saved
    )


def _quiet_runtime() -> Runtime:
    """The client would tell of every call to a Temporal that we killed ourselves."""
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="ERROR")))


@asynccontextmanager
async def beside(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run something beside the block, and tell it when the block ends. What it raises is raised here.

    It is not cancelled: Temporal's client turns that into an error of its own in the midst of an update.
    """
    over = asyncio.Event()
    task = asyncio.create_task(work(over))
    try:
        yield
    finally:
        over.set()
        await task
