"""How often Xero lets itself be called: so many calls a minute, at once, and a day, for each organisation.

What is counted is forgotten when the simulator starts again. Sources: https://developer.xero.com/documentation/guides/oauth2/limits/
"""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from seamline.simulator.world import World

APP_CALLS_A_MINUTE = 10_000
_KIND = "limits"


class Limits(BaseModel):
    """What an organisation allows, and for how long its minute and its day last here."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    a_minute: int = Field(default=60, ge=1, le=1_000_000)
    at_once: int = Field(default=5, ge=1, le=1_000)
    a_day: int = Field(default=5_000, ge=1, le=1_000_000)
    mails_a_day: int = Field(default=1_000, ge=0, le=1_000_000)
    minute_seconds: float = Field(default=60.0, gt=0, le=86_400)
    day_seconds: float = Field(default=86_400.0, gt=0, le=86_400)
    token_seconds: int = Field(default=1_800, ge=1, le=86_400)
    refresh_grace_seconds: float = Field(default=1_800.0, ge=0, le=86_400)


def limits_of(world: World, connection: str) -> Limits:
    """What holds for this organisation."""
    return Limits.model_validate(world.get(connection, _KIND, _KIND) or {})


def set_limits(world: World, connection: str, limits: Limits) -> None:
    """From now on these hold."""
    world.put(connection, _KIND, _KIND, limits.model_dump())


@dataclass
class _Used:
    """When an organisation was called, and how many calls are going on."""

    minute: deque[float] = field(default_factory=deque)
    day: deque[float] = field(default_factory=deque)
    mails: deque[float] = field(default_factory=deque)
    now: int = 0


class Gate:
    """Counts the calls of all organisations."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._used: dict[str, _Used] = defaultdict(_Used)

    @contextmanager
    def call(self, connection: str) -> Iterator[int]:
        """One call while it lasts; tells how many are going on with it."""
        used = self._used[connection]
        used.now += 1
        try:
            yield used.now
        finally:
            used.now -= 1

    def admit(self, connection: str, going_on: int) -> Response | None:
        """Count a call; the 429 where it is one too many, which does not count."""
        limits, used = limits_of(self.world, connection), self._used[connection]
        wait_day = _wait(used.day, limits.a_day, limits.day_seconds)
        wait_minute = _wait(used.minute, limits.a_minute, limits.minute_seconds)
        if going_on > limits.at_once:
            return self._too_many(connection, "concurrent", None)
        if wait_day:
            return self._too_many(connection, "day", wait_day)
        if wait_minute:
            return self._too_many(connection, "minute", wait_minute)
        moment = time.monotonic()
        used.day.append(moment)
        used.minute.append(moment)
        return None

    def mail(self, connection: str) -> bool:
        """Count a mail; False where it is one too many for the day."""
        limits, used = limits_of(self.world, connection), self._used[connection]
        if limits.mails_a_day == 0 or _wait(used.mails, limits.mails_a_day, limits.day_seconds):
            return False
        used.mails.append(time.monotonic())
        return True

    def headers(self, connection: str) -> dict[str, str]:
        """What Xero tells with every answer."""
        limits, used = limits_of(self.world, connection), self._used[connection]
        return {
            "X-DayLimit-Remaining": str(max(0, limits.a_day - len(used.day))),
            "X-MinLimit-Remaining": str(max(0, limits.a_minute - len(used.minute))),
            "X-AppMinLimit-Remaining": str(max(0, APP_CALLS_A_MINUTE - len(used.minute))),
        }

    def _too_many(self, connection: str, problem: str, wait: float | None) -> Response:
        headers = self.headers(connection) | {"X-Rate-Limit-Problem": problem}
        if wait is not None:
            headers["Retry-After"] = str(math.ceil(wait))
        return Response(status_code=429, headers=headers)


def _wait(times: deque[float], count_max: int, seconds: float) -> float:
    """How long until one more fits, 0 when it does."""
    moment = time.monotonic()
    while times and times[0] <= moment - seconds:
        times.popleft()
    return times[len(times) - count_max] + seconds - moment if len(times) >= count_max else 0.0
