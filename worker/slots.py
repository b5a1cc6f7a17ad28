"""The breaker where it saves most: a worker asks for tasks of a connection only while its system may be called.

A slot is reserved before a task is asked for. While the breaker is open none is given, so the tasks wait in Temporal
and no attempt is burnt. A poller that already holds a slot lets one more task through.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import weakref
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar, cast

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    CustomSlotSupplier,
    ExecuteActivityInput,
    Interceptor,
    SlotMarkUsedContext,
    SlotPermit,
    SlotReleaseContext,
    SlotReserveContext,
)

from seamline.errors import Kind
from seamline.settings import BreakerSettings
from seamline.telemetry import log_event
from worker.breaker import Breaker, State
from worker.measured import measured_step

_UP = (Kind.REFUSAL, Kind.NOT_YET, Kind.LOCKED_OUT)
"""Failures that only a system that is up can cause; a defect or an unknown outcome says nothing about it."""

R = TypeVar("R")

log = logging.getLogger(__name__)


class Permit(SlotPermit):
    """The right to run one task."""


class BreakerSlots(CustomSlotSupplier):
    """The slots of one connection: at most `concurrency`, none while the breaker is open, one while it is half-open.

    The SDK reserves on the event loop and releases from threads of its own, hence the lock. Permits are held weakly,
    since one that the SDK forgets while it stops is never released.
    """

    def __init__(self, connection: str, concurrency: int, settings: BreakerSettings) -> None:
        self.connection = connection
        self._concurrency = concurrency
        self._breaker = Breaker(settings, time.monotonic)
        self._lock = threading.Lock()
        self._out: weakref.WeakSet[Permit] = weakref.WeakSet()
        self._probe: Permit | None = None
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    @property
    def state(self) -> State:
        """The breaker's state at this moment."""
        with self._lock:
            return self._breaker.state

    async def reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit:
        """Wait until a task may be run."""
        while True:
            event = asyncio.Event()
            with self._lock:
                permit = self._take()
                if permit:
                    return permit
                seconds = self._breaker.seconds_left or None
                self._waiting.append((asyncio.get_running_loop(), event))
            try:
                await asyncio.wait_for(event.wait(), seconds)
            except TimeoutError:
                continue
            finally:
                with self._lock:
                    self._waiting = [one for one in self._waiting if one[1] is not event]

    def try_reserve_slot(self, ctx: SlotReserveContext) -> SlotPermit | None:
        """A slot at once, or none."""
        with self._lock:
            return self._take()

    def take_at_once(self) -> Permit | None:
        """A slot at once while the breaker is closed, else none: what hurries tries no system that may be down."""
        with self._lock:
            return self._take() if self._breaker.state is State.CLOSED else None

    def give_back(self, permit: Permit) -> None:
        """Take back a slot that was taken at once."""
        with self._lock:
            self._put(permit)

    def mark_slot_used(self, ctx: SlotMarkUsedContext) -> None:
        """Nothing to do: a slot counts from its reservation."""

    def release_slot(self, ctx: SlotReleaseContext) -> None:
        """Take the slot back, used or not."""
        with self._lock:
            self._put(cast(Permit, ctx.permit))

    def succeeded(self) -> None:
        """Tell that the system answered."""
        with self._lock:
            before = self._breaker.state
            self._breaker.succeeded()
            self._wake()
        self._log_change(before, State.CLOSED)

    def failed(self, retry_after_seconds: float = 0) -> None:
        """Tell that the system was away."""
        with self._lock:
            before = self._breaker.state
            self._breaker.failed(retry_after_seconds)
            after = self._breaker.state
        self._log_change(before, after)

    def _take(self) -> Permit | None:
        state = self._breaker.state
        if state is State.OPEN or len(self._out) >= self._concurrency:
            return None
        if state is State.HALF_OPEN:
            if self._probe is not None:
                return None
            self._probe = permit = Permit()
        else:
            permit = Permit()
        self._out.add(permit)
        return permit

    def _put(self, permit: Permit) -> None:
        self._out.discard(permit)
        if permit is self._probe:
            self._probe = None
        self._wake()

    def _wake(self) -> None:
        for loop, event in self._waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def _log_change(self, before: State, after: State) -> None:
        if before is not after:
            seconds = round(self._breaker.seconds_left, 1)
            level = logging.WARNING if after is State.OPEN else logging.INFO
            log_event(log, f"breaker {after}", level, connection=self.connection, open_seconds=seconds)


class BreakerInterceptor(Interceptor):
    """Tells the breaker how each activity of its connection ended."""

    def __init__(self, slots: BreakerSlots) -> None:
        self._slots = slots

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Put the watch around the activity."""
        return _Watch(next, self._slots)


class _Watch(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, slots: BreakerSlots) -> None:
        super().__init__(next)
        self._slots = slots

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await judged(super().execute_activity(input), self._slots)


async def judged(running: Coroutine[Any, Any, R], slots: BreakerSlots) -> R:
    """Await the running activity, measure it, and tell the breaker of its connection how it ended."""
    with measured_step(slots.connection):
        return await _watched(running, slots)


async def _watched(running: Coroutine[Any, Any, R], slots: BreakerSlots) -> R:
    try:
        result = await running
    except ApplicationError as error:
        _judge(error, slots)
        raise
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        if details and details.timed_out:
            slots.failed()
        raise
    slots.succeeded()
    return result


def _judge(error: ApplicationError, slots: BreakerSlots) -> None:
    if error.type == Kind.OUTAGE:
        slots.failed((error.next_retry_delay or timedelta()).total_seconds())
    elif error.type in _UP:
        slots.succeeded()
