"""Orders that others had begun are finished from where they were: no effect twice, hardly a person needed."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.half_done import Stage
from tests.workflows.take_over import check, play, straight, unhurried


async def test_two_thousand_orders_stopped_at_random_stages_are_taken_over() -> None:
    world, played = await straight(2000, seed=5)
    check(world, played)
    waiting = sum(bool(one.asked) for one in played)
    assert 0 < waiting <= 0.02 * len(played)


async def test_the_story_takes_them_over_too(registered: WorkflowEnvironment) -> None:
    world, played = await play(await unhurried(registered), 30, seed=1)
    check(world, played)


async def test_without_the_rule_nothing_of_others_is_adopted() -> None:
    world, played = await straight(100, seed=5, rule=False)
    with pytest.raises(AssertionError):
        check(world, played)
    ours = [one for one in played if world.orders[one.reference].mark == "reference"]
    sold = [one for one in ours if 0 < world.orders[one.reference].stage < Stage.TOLD]
    assert {one.asked for one in sold} == {"already-there"}
