"""The time of one try, kept by us before Temporal ends it.

Temporal begins the next try when the time of one is over, and tells nobody: the first would go on, unseen, to its
effect. Both would look for what there is, find nothing, and make one each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity

from seamline.errors import Outage

R = TypeVar("R")

QUIET_SHARE = 0.1
QUIET_SECONDS_MAX = 5.0
"""How long before its end a try is given up, as a share of its time: what is under way then can land, and be found."""
_REPORT_SHARE = 0.9
"""Of the quiet time, what is waited before the failure is told, so that it is told before Temporal ends the try."""
_ROOM = 2
"""How often the quiet time must fit into what is left, for a try to be worth beginning."""
_NO_END = timedelta.max


class TryTime:
    """What is left of the running activity's try. Counted in durations, so that no two clocks are compared."""

    def __init__(self) -> None:
        info = activity.info()
        waited = (info.started_time - info.scheduled_time).total_seconds()
        whole, to_close = (one or _NO_END for one in (info.start_to_close_timeout, info.schedule_to_close_timeout))
        self.endless = to_close == _NO_END
        """Whether it is tried until it is done, as what heals is."""
        self._began = time.monotonic()
        self._to_close_seconds = to_close.total_seconds() - waited
        self._seconds = min(whole.total_seconds(), self._to_close_seconds)
        self._quiet_seconds = min(min(whole, to_close).total_seconds() * QUIET_SHARE, QUIET_SECONDS_MAX)

    async def give(self, trying: Coroutine[Any, Any, R]) -> R:
        """Await the try, and give it up in time. Raises Outage `timeout`."""
        seconds = self._seconds - self._quiet_seconds
        if seconds <= 0:
            trying.close()
            raise Outage("timeout", "it was picked up with too little time left to begin")
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await trying
        except TimeoutError:
            if not limit.expired():
                raise
        await asyncio.sleep(self._quiet_seconds * _REPORT_SHARE)
        raise Outage("timeout", f"not done after {seconds:.1f} s")

    def another_fits(self, pause_seconds: float | None) -> bool:
        """Whether a next try, after Temporal's or the given pause, has time to begin: else this failure is the last."""
        policy, attempt = activity.info().retry_policy, activity.info().attempt
        pause = pause_seconds or 0.0
        if not pause and policy:
            # The exponent has a limit, since healing goes on for days and would overflow a float.
            pause = policy.initial_interval.total_seconds() * policy.backoff_coefficient ** min(attempt - 1, 30)
            pause = min(pause, (policy.maximum_interval or _NO_END).total_seconds())
        left = self._to_close_seconds - (time.monotonic() - self._began) - pause
        return left > _ROOM * self._quiet_seconds
