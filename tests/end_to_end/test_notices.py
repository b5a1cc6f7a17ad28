"""Orders that wait are told to their team; the notifier being down delays that and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from seamline.http import HttpFactory
from seamline.settings import Settings
from seamline.teams import NOTIFIER
from tests.end_to_end.world import Handle, World
from tests.worker.notices import LOOKS_MAX, look
from worker.connections import serve_connections
from worker.notifier import schedule_notifier
from worker.run import connection_worker
from workflows.notify_teams import Notified

CHAT = "chat-e2e"
HEADLINE = "waits for Warehouse: seamline approval dear-label"
DEAR = {"label_price_max": {"GBP": 1}}


@pytest.fixture
async def notifier(world: World) -> AsyncIterator[None]:
    """The notifier's schedule, and a worker that writes in the chat of the operations team."""
    url = f"{world.simulator.url}/slack/{CHAT}/services/T0SIMULATED/B0SIMULATED/slack-test-{CHAT}"
    account = {"url": url, "messages_per_second_max": 100}
    settings = Settings(
        connections={CHAT: {"system": "slack", "account": account, "breaker": {"failures": 100}}},
        teams={"operations": {"title": "Warehouse", "chat": CHAT}},
        notifier={"interval_seconds": 86_400},
    )
    (chat,) = serve_connections(settings, HttpFactory())
    worker = connection_worker(chat, world.client, settings.worker)
    running = asyncio.create_task(worker.run())
    await schedule_notifier(world.client, settings)
    yield
    await world.client.get_schedule_handle(NOTIFIER).delete()
    await worker.shutdown()
    await running
    await chat.close()


async def test_a_dead_chat_and_a_paused_notifier_delay_notices_and_nothing_else(world: World, notifier: None) -> None:
    await world.fault(CHAT, "*", "down")
    first = await dear_order(world)
    await look_until(world, could_not_be_told)
    await approved(world, first)
    await world.mended()
    schedule = world.client.get_schedule_handle(NOTIFIER)
    await schedule.pause()
    await approved(world, await dear_order(world))
    assert await told(world) == []
    await schedule.unpause()
    third = await dear_order(world)
    await look_until(world, lambda _: told(world))
    (text,) = await told(world)
    assert third.id in text
    assert ", due 20" in text
    await approved(world, third)


async def dear_order(world: World) -> Handle:
    """An order whose label somebody must approve."""
    handle = await world.start(await world.order(), **DEAR)
    await world.waiting(handle)
    return handle


async def approved(world: World, handle: Handle) -> None:
    """It is, and the order goes its way to the end."""
    (wait,) = (await world.view(handle)).waits
    await world.decide(handle, wait=wait.name, action="approve")
    assert (await world.outcome(handle))["kind"] == "completed"


async def look_until(world: World, seen: Callable[[Notified], Awaitable[object]]) -> None:
    """Look until a test sees what it waits for: Temporal's lists lag."""
    for _ in range(LOOKS_MAX):
        if await seen(await look(world.client)):
            return
    raise AssertionError("the notifier did not see it")


async def could_not_be_told(notified: Notified) -> bool:
    """Whether such orders wait, and the chat was dead."""
    return any(HEADLINE.endswith(one.cause) for one in notified.failed)


async def told(world: World) -> list[str]:
    """What stands in the chat of such orders."""
    messages = await world.get("messages", connection=CHAT)
    return [one["text"] for one in messages if HEADLINE in one["text"]]
