"""The express lane of a connection is left alone for a while after a try that failed, and then taken again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from seamline.process.express import EXPRESS_REST
from tests.process.stage import Workshop
from tests.process.theatre import QUICK, Handle, Theatre, events


async def tried(theatre: Theatre, handle: Handle) -> list[tuple[str, bool]]:
    """Each activity that was scheduled, and whether on the lane."""
    scheduled = [
        event.activity_task_scheduled_event_attributes
        for event in await events(handle)
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    return [(one.activity_type.name.partition(".")[2], one.task_queue.name == theatre.queue) for one in scheduled]


@activity.defn(dynamic=True)
async def no_room(_: Sequence[RawValue]) -> None:
    """What the worker beside the processes answers to every try."""
    raise ApplicationError("there is no room")


@pytest.fixture
async def crowded(registered: WorkflowEnvironment) -> AsyncIterator[Theatre]:
    """A stage whose lane has no room."""
    world = Theatre(registered, Workshop())
    async with world.acting(), world.playing(activities=[no_room]):
        yield world


async def test_a_lane_without_room_is_taken_again_after_its_rest(crowded: Theatre) -> None:
    policy = QUICK.model_copy(update={"express": (crowded.connection,)})
    handle = await crowded.start(policy=policy, name="audition")
    [wait] = (await crowded.waiting(handle)).waits
    before = await tried(crowded, handle)
    assert [lane for _, lane in before] == [False] * len(before)
    await crowded.env.sleep(EXPRESS_REST)
    await crowded.decide(handle, wait=wait.name, action="approve", who="kim")
    await handle.result()
    assert (await tried(crowded, handle))[len(before) :][:2] == [("welcome", True), ("welcome", False)]
