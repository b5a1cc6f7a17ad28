"""Who takes part, and how each is opened."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.engines import Ground, RunOrder

PEERS = Path(__file__).parent / ".venv/bin/python"
"""The interpreter that has DBOS: `make bench` makes its environment."""


@dataclass(frozen=True)
class Contender:
    """One way to run an order. `module` opens it; `ids` are the workflows of a reference, where Temporal runs them."""

    name: str
    title: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    ids: Sequence[str] = ()
    processes: int = 1
    """How many run its steps: the CPU of one of several says little."""
    python: Path = Path(sys.executable)

    @property
    def temporal(self) -> bool:
        """Whether it needs a Temporal server."""
        return bool(self.ids)

    @property
    def command(self) -> Sequence[str]:
        """What runs it, but for its ground."""
        return [str(self.python), "-m", "benchmarks.runner", self.name]

    def opened(self, ground: Ground) -> AbstractAsyncContextManager[RunOrder]:
        """Ready to run orders."""
        opened: AbstractAsyncContextManager[RunOrder] = importlib.import_module(
            f"benchmarks.engines.{self.module}"
        ).opened(ground, **self.options)
        return opened


_HAND = ("ship:{}", "parcel:{}")
_OURS = ("order-to-shipment:{}", "follow-parcel:{}")

ALL = (
    Contender("plain", "no engine: asyncio and httpx", "plain"),
    Contender("temporal-queues", "Temporal by hand, a queue for each system", "by_hand", {"lane": "queues"}, _HAND),
    Contender("seamline", "Seamline", "product", ids=_OURS),
    Contender("temporal", "Temporal by hand, one queue", "by_hand", {"lane": "queue"}, _HAND),
    Contender("temporal-local", "Temporal by hand, local activities", "by_hand", {"lane": "local"}, _HAND),
    Contender("seamline-express", "Seamline, express lane", "product", {"express": True}, _OURS),
    Contender("seamline-watched", "Seamline, traces and metrics sent", "product", {"watched": True}, _OURS),
    Contender("seamline-two", "Seamline, two worker processes", "product", {"helped": True}, _OURS, processes=2),
    Contender("dbos", "DBOS on SQLite", "peer", python=PEERS),
)
BY_NAME = {one.name: one for one in ALL}


def missing(contender: Contender) -> str:
    """Why it cannot take part here; empty where it can."""
    if not contender.python.exists():
        return "its environment is missing: make benchmarks/.venv/installed"
    return ""
