"""A story of the demo: it says what it expects, lets it happen, and tells what really happened."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from seamline.demo.stage import Stage
from seamline.process.view import View


@dataclass
class Told:
    """What a story saw: `ok` when that was what it expected."""

    ok: bool
    actual: str
    references: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Scenario:
    """One story."""

    title: str
    expected: str
    play: Callable[[Stage], Awaitable[Told]]


def kind_of(view: View) -> str:
    """How the process ended, or how it stands."""
    return view.outcome.kind.value if view.outcome else view.status.value
