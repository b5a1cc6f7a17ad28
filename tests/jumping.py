"""An event loop whose clock jumps: what waits is done at once, and the time it would have taken is exact."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


class JumpingLoop(asyncio.SelectorEventLoop):
    """Its clock begins at 0 and stands still while anything runs. What is outside of the loop is not waited for."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """The seconds that were jumped so far."""
        return self._now

    def jump(self, seconds: float) -> None:
        """Let so much time be over."""
        self._now += seconds


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: where the loop would sleep until the next timer, the clock jumps there."""

    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready by now. Without any timer there is nothing to jump to, and it waits in truth."""
        if not timeout:
            return super().select(timeout)
        ready = super().select(0)
        if not ready:
            self._loop.jump(timeout)
        return ready


def jumped(work: Coroutine[Any, Any, R]) -> tuple[R, float]:
    """Run the work on a loop of its own: its result, and the seconds that it would have taken."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work), runner.get_loop().time()
