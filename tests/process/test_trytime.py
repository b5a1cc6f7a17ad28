"""A try is given up before Temporal ends it, and the last that fits tells its own cause."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from seamline.errors import Outage
from seamline.process.effect import Call
from tests.jumping import jumped
from tests.process.stage import Made, Stage, Workshop

MADE = Made(id="made", key="", colour="red")
NOW = datetime.now(UTC)


def environment(
    *, start_to_close: float, schedule_to_close: float | None = None, waited: float = 0
) -> ActivityEnvironment:
    """An attempt with these limits in seconds, picked up after it `waited`; retried after 0.1 s."""
    env = ActivityEnvironment()
    env.info = dataclasses.replace(
        env.info,
        start_to_close_timeout=timedelta(seconds=start_to_close),
        schedule_to_close_timeout=timedelta(seconds=schedule_to_close) if schedule_to_close else None,
        scheduled_time=NOW,
        started_time=NOW + timedelta(seconds=waited),
        retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.1)),
    )
    return env


async def failed(env: ActivityEnvironment, workshop: Workshop) -> ApplicationError:
    """What Temporal is told of a try that does not succeed."""
    with pytest.raises(ApplicationError) as raised:
        await env.run(Stage(workshop).collected, Call[Made](reference="test:1", request=MADE))
    return raised.value


def test_a_try_ends_before_temporal_begins_the_next() -> None:
    async def hanging() -> ApplicationError:
        workshop = Workshop()
        workshop.gates["collected"] = asyncio.Event()
        return await failed(environment(start_to_close=10), workshop)

    error, seconds = jumped(hanging())
    assert seconds < 10
    assert error.details[0].code == "timeout"
    assert not error.non_retryable


async def test_a_try_picked_up_too_late_is_not_begun() -> None:
    workshop = Workshop()
    error = await failed(environment(start_to_close=10, schedule_to_close=2, waited=1.9), workshop)
    assert error.details[0].code == "timeout"
    assert workshop.calls == []


@pytest.mark.parametrize(("waited", "last"), [(0, False), (1.6, True)])
async def test_a_failure_after_which_no_try_fits_is_the_last(waited: float, last: bool) -> None:
    workshop = Workshop(script={"collected": [Outage("http-503")]})
    error = await failed(environment(start_to_close=10, schedule_to_close=2, waited=waited), workshop)
    assert error.details[0].code == "http-503"
    assert error.non_retryable is last
