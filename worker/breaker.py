"""When to leave a system alone: a circuit breaker as a pure state machine, with the clock passed in.

    closed ──failures in a row──► open ──time passed──► half-open ──success──► closed
       └─────a Retry-After───────►  ▲                        │
                                    └────────outage──────────┘

Half-open lets one task through. Each time it opens anew it stays open twice as long, up to a limit; a longer
`Retry-After` of the system counts instead. A system that says when to come again is left alone at once: a limit of
calls a minute would otherwise cost an attempt of every task. Pattern: M. Nygard, Release It!, "Circuit Breaker".
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from seamline.settings import BreakerSettings

RETRY_AFTER_SECONDS_MAX = 86_400
"""A longer `Retry-After` is cut to this: limits for a day end within it, and nothing silences a system longer."""


class State(StrEnum):
    """What the breaker lets through: all, none, or one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """The breaker of one connection in one worker. `clock` gives seconds that never go back."""

    def __init__(self, settings: BreakerSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._openings = 0
        self._open_until = 0.0

    @property
    def state(self) -> State:
        """The state at this moment."""
        if not self._openings:
            return State.CLOSED
        return State.OPEN if self.seconds_left > 0 else State.HALF_OPEN

    @property
    def seconds_left(self) -> float:
        """How long it stays open; 0 when it is not."""
        return max(0.0, self._open_until - self._clock()) if self._openings else 0.0

    def succeeded(self) -> None:
        """The system answered, be it with a refusal: it is up."""
        self._failures = 0
        self._openings = 0

    def failed(self, retry_after_seconds: float = 0) -> None:
        """The system was away. What was begun before it opened and fails while it is open only lengthens the wait."""
        self._failures += 1
        state, told = self.state, min(retry_after_seconds, RETRY_AFTER_SECONDS_MAX)
        if state is State.HALF_OPEN or (state is State.CLOSED and self._failures >= self._settings.failures):
            self._openings += 1
            self._open_until = self._clock() + self._open_seconds()
        elif state is State.CLOSED and told:
            self._openings = 1
        if self._openings:
            self._open_until = max(self._open_until, self._clock() + told)

    def _open_seconds(self) -> float:
        # The exponent has a limit, since an outage of days would overflow a float.
        doubled = self._settings.open_seconds * 2.0 ** min(self._openings - 1, 30)
        return min(doubled, self._settings.open_seconds_max)
