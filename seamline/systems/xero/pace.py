"""How fast Xero lets itself be called, as it tells: nobody calls again before the time that a refusal named.

Xero counts over all that call an organisation, so what it says counts, and not what was counted here: how many calls
are left, and how long to wait once there are none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from seamline.errors import Failure, Outage

WAIT_SECONDS_MAX = 8.0
"""A longer wait is left to Temporal, since an activity has half a minute for a call."""
AT_ONCE_SECONDS = 1.0
"""What to wait where Xero says no time: too many calls were going on."""
DAY_SECONDS_MAX = 86_400.0


class Pace:
    """What the calls of one connection share."""

    def __init__(self, calls_at_once_max: int) -> None:
        self._few = calls_at_once_max
        self._slots = asyncio.Semaphore(calls_at_once_max)
        self._until = 0.0
        self._code = ""
        self._left = 0
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a call may be made. Alone where few are left, so that one at most finds out that there are none.

        Outage `throttled` or `day-limit` where the wait is long, with how long it is; nothing was called then.
        """
        async with self._slots:
            await self._waited()
            if self._left > self._few:
                yield
                return
            async with self._alone:
                await self._waited()
                yield

    def answered(self, headers: Mapping[str, str]) -> None:
        """Keep how many calls are left; many where Xero does not say."""
        left = headers.get("x-minlimit-remaining", "")
        self._left = int(left) if left.isdigit() else self._few + 1

    def refused(self, failure: Failure) -> None:
        """Keep how long nobody may call."""
        self._left = 0
        self._code = failure.code
        seconds = AT_ONCE_SECONDS if failure.retry_after_seconds is None else failure.retry_after_seconds
        self._until = max(self._until, time.monotonic() + seconds)

    async def _waited(self) -> None:
        while (seconds := self._until - time.monotonic()) > 0:
            if seconds > WAIT_SECONDS_MAX:
                raise self._too_many(seconds)
            await asyncio.sleep(seconds)

    def _too_many(self, seconds: float) -> Outage:
        if self._code == "day-limit":
            return Outage("day-limit", "Xero takes no more calls today", status=429, retry_after_seconds=seconds)
        return Outage("throttled", "Xero takes no more calls now", status=429, retry_after_seconds=seconds)
