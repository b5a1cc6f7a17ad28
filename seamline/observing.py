"""Observe-only for one call: while it runs, no write may leave, whichever connection it is for.

The activity says so, since it knows the process; the HTTP factory and the mail client ask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from seamline.errors import Observed

_observing: ContextVar[bool] = ContextVar("observing", default=False)


@contextmanager
def observing(on: bool) -> Iterator[None]:
    """Hold back all writes inside, if `on`."""
    token = _observing.set(on or _observing.get())
    try:
        yield
    finally:
        _observing.reset(token)


def check_write(connection: str, operation: str, *, observed: bool) -> None:
    """Raise Observed if this write may not leave: its connection is `observed`, or the call is."""
    if observed or _observing.get():
        reason = f"a write to {connection} is held back: set observe_only to false once it may leave"
        raise Observed("observe-only", reason, connection=connection, operation=operation)
