"""The breaker's slots: how many tasks a worker asks for, and what each activity's end tells them."""

from __future__ import annotations

import asyncio
import gc
from datetime import timedelta
from typing import Any, cast

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, SlotReleaseContext, SlotReserveContext

from seamline.errors import Kind
from seamline.settings import BreakerSettings
from worker.slots import BreakerInterceptor, BreakerSlots

CONTEXT = cast(SlotReserveContext, None)
"""The slots look at nothing of it."""


def slots(concurrency: int = 10, open_seconds: float = 0.2) -> BreakerSlots:
    settings = BreakerSettings(failures=2, open_seconds=open_seconds, open_seconds_max=open_seconds)
    return BreakerSlots("a", concurrency, settings)


def release(held: BreakerSlots, permit: Any) -> None:
    held.release_slot(SlotReleaseContext(slot_info=None, permit=permit))


def fail(held: BreakerSlots) -> None:
    for _ in range(2):
        held.failed()


async def test_no_more_than_the_concurrency_and_a_release_lets_the_next_in() -> None:
    held = slots(concurrency=2)
    first, _second = await held.reserve_slot(CONTEXT), await held.reserve_slot(CONTEXT)
    waiting = asyncio.create_task(held.reserve_slot(CONTEXT))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.1)
    await asyncio.to_thread(release, held, first)
    assert await asyncio.wait_for(waiting, 5)


async def test_while_open_none_is_given_and_then_one() -> None:
    held = slots()
    fail(held)
    assert held.try_reserve_slot(CONTEXT) is None
    probe = await asyncio.wait_for(held.reserve_slot(CONTEXT), 5)
    assert probe
    assert held.try_reserve_slot(CONTEXT) is None


async def test_a_probe_given_back_without_a_word_lets_another_try() -> None:
    held = slots()
    fail(held)
    probe = await asyncio.wait_for(held.reserve_slot(CONTEXT), 5)
    waiting = asyncio.create_task(held.reserve_slot(CONTEXT))
    release(held, probe)
    assert await asyncio.wait_for(waiting, 5)


async def test_a_success_wakes_all_who_wait() -> None:
    held = slots(open_seconds=60)
    fail(held)
    waiting = [asyncio.create_task(held.reserve_slot(CONTEXT)) for _ in range(3)]
    await asyncio.sleep(0)
    held.succeeded()
    assert all(await asyncio.wait_for(asyncio.gather(*waiting), 5))


async def test_a_permit_that_the_sdk_forgets_does_not_count_for_ever() -> None:
    held = slots(concurrency=1)
    permit = await held.reserve_slot(CONTEXT)
    assert held.try_reserve_slot(CONTEXT) is None
    del permit
    gc.collect()
    assert held.try_reserve_slot(CONTEXT)


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    held = slots(open_seconds=60)
    fail(held)
    waiting = asyncio.create_task(held.reserve_slot(CONTEXT))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    held.succeeded()
    assert held.try_reserve_slot(CONTEXT)


class Ends(ActivityInboundInterceptor):
    """An activity that ends as told."""

    def __init__(self, error: ApplicationError | None) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        if self._error:
            raise self._error


async def end(held: BreakerSlots, kind: Kind | None, retry_after: timedelta | None = None) -> None:
    error = ApplicationError("", type=kind.value, next_retry_delay=retry_after) if kind else None
    watch = BreakerInterceptor(held).intercept_activity(Ends(error))
    await asyncio.gather(watch.execute_activity(cast(ExecuteActivityInput, None)), return_exceptions=True)


@pytest.mark.parametrize("kind", [Kind.REFUSAL, Kind.NOT_YET, Kind.LOCKED_OUT, None])
async def test_what_only_a_system_that_is_up_can_answer_starts_the_count_anew(kind: Kind | None) -> None:
    held = slots(open_seconds=60)
    for _ in range(5):
        await end(held, Kind.OUTAGE)
        await end(held, kind)
    assert held.try_reserve_slot(CONTEXT)


@pytest.mark.parametrize("kind", [Kind.DEFECT, Kind.UNKNOWN_OUTCOME])
async def test_what_says_nothing_about_the_system_changes_nothing(kind: Kind) -> None:
    held = slots(open_seconds=60)
    await end(held, Kind.OUTAGE)
    await end(held, kind)
    assert held.try_reserve_slot(CONTEXT)
    await end(held, Kind.OUTAGE)
    assert held.try_reserve_slot(CONTEXT) is None


async def test_a_retry_after_is_the_least_that_it_stays_open() -> None:
    held = slots(open_seconds=0.01)
    await end(held, Kind.OUTAGE)
    await end(held, Kind.OUTAGE, timedelta(seconds=60))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(held.reserve_slot(CONTEXT), 0.2)
