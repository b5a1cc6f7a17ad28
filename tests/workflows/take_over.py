"""Orders that others had begun, taken over: a world of them, played on one server."""

from __future__ import annotations

import asyncio
import random
import uuid
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.carrier import Carrier
from activities.inventory import Inventory
from activities.mail import Mail
from activities.shop import Shop
from seamline.errors import Failure
from seamline.process import attributes
from seamline.process.start import workflow_id
from seamline.process.view import Outcome, OutcomeKind, Status, View
from seamline.records.policy import Policy
from seamline.records.shop_rules import ShopRules, TakeOver
from tests.process.theatre import QUICK, sandbox
from tests.workflows.half_done import CREATED, Depot, Stage, Warehouse, World, begun
from tests.workflows.straight import Straight
from worker.connections import activities_of
from workflows.follow_parcel import FollowParcel
from workflows.order_to_shipment import OrderToShipment

AT_ONCE = 8
LOOK_SECONDS = 1
ANSWER_MAX = timedelta(seconds=60)
ROUND = timedelta(days=1)


@dataclass(frozen=True)
class Played:
    """What became of one order: how it ended, or the code and the problems of what a person is asked about."""

    reference: str
    ended: str
    asked: str = ""
    problems: int = 0


def policy_of(shop: str) -> Policy:
    """Its orders are ours from the cut-over on, and those of that day were begun by others."""
    marks = ("{number}", "{id}")
    rule = TakeOver(since=CREATED - ROUND, until=CREATED + ROUND, marks=marks)
    return QUICK.model_copy(update={"shops": {shop: ShopRules(cut_over=CREATED - ROUND, take_over=rule)}})


async def unhurried(env: WorkflowEnvironment) -> Client:
    """A client that lets no time be skipped: what waits for a person would be waited for to the end of time."""
    return await Client.connect(env.client.service_client.config.target_host, data_converter=pydantic_data_converter)


async def play(client: Client, count: int, seed: int) -> tuple[World, list[Played]]:
    """So many orders, each stopped at a random stage by people, and then started with us."""
    run = uuid.uuid4().hex[:8]
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    world = World(shop=f"shop-{run}")
    references = [world.begin(begun(number, dice)) for number in range(1, count + 1)]
    roles: dict[str, Any] = {
        "shop": Shop(cast(Any, world)),
        "inventory": Inventory(cast(Any, Warehouse(world))),
        "carrier": Carrier(cast(Any, Depot(world))),
        "mail": Mail(cast(Any, world)),
    }
    route = {role: f"{role}-{run}" for role in roles}
    route["shop"] = world.shop
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(reference: str) -> Played:
        async with gate:
            return await _play(client, reference, route, policy_of(world.shop), f"stories-{run}")

    async with AsyncExitStack() as running:
        for role, made in roles.items():
            await running.enter_async_context(Worker(client, task_queue=route[role], activities=activities_of(made)))
        stories = [OrderToShipment, FollowParcel]
        await running.enter_async_context(
            Worker(client, task_queue=f"stories-{run}", workflows=stories, workflow_runner=sandbox())
        )
        played = list(await asyncio.gather(*map(one, references)))
        for waiting in played:
            if waiting.asked:
                await client.get_workflow_handle(workflow_id("order-to-shipment", waiting.reference)).terminate()
    return world, played


async def _play(client: Client, reference: str, route: dict[str, str], policy: Policy, queue: str) -> Played:
    handle = await client.start_workflow(
        "order-to-shipment",
        {"reference": reference, "route": route, "policy": policy.model_dump(mode="json")},
        id=workflow_id("order-to-shipment", reference),
        task_queue=queue,
        search_attributes=attributes.at_start(reference),
    )
    ended = asyncio.ensure_future(handle.result())
    while not ended.done():
        await asyncio.wait([ended], timeout=LOOK_SECONDS)
        view = View.model_validate(await handle.query("view", rpc_timeout=ANSWER_MAX))
        if view.status is Status.WAITING:
            ended.cancel()
            return Played(reference, "", view.waits[0].cause.rpartition(" ")[2], len(view.waits[0].problems))
    outcome = Outcome.model_validate(ended.result())
    paid = outcome.kind is OutcomeKind.COMPLETED and not outcome.result["sale_id"]
    return Played(reference, "paid" if paid else outcome.kind.value)


async def straight(count: int, seed: int, *, rule: bool = True) -> tuple[World, list[Played]]:
    """The same without Temporal: the story's activities, one after the other. Without the `rule` nothing is adopted."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    world = World(shop="shop-uk")
    references = [world.begin(begun(number, dice)) for number in range(1, count + 1)]
    played = []
    for reference in references:
        ended = await Straight(world, reference, policy_of(world.shop) if rule else QUICK).run()
        if isinstance(ended, Failure):
            played.append(Played(reference, "", ended.code, len(ended.problems)))
        else:
            played.append(Played(reference, ended))
    return world, played


def check(world: World, played: list[Played]) -> None:
    """No effect is there twice, whoever made it; what was odd waits and is named, and nothing else does."""
    for one in played:
        order = world.orders[one.reference]
        made = world.made_for(one.reference)
        if order.oddity:
            assert one.asked in ("already-there", "left-without-label"), (order, one)
            assert one.problems, (order, one)
            continue
        told = order.stage is Stage.TOLD
        expected = ("ignored" if order.captured or not order.ours else "paid") if told else "completed"
        assert one.ended == expected, (order, one)
        assert made == {"sales": 1, "labels": 1, "captures": int(order.ours), "fulfilments": 1}, (order, made)
        assert world.mails[one.reference] == (not told)
