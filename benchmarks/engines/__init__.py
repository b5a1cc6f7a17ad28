"""The contenders: each runs orders in one process, as a worker would. Every module has `opened(ground)`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RunOrder = Callable[[str], Awaitable[object]]
"""Takes the order of a reference all the way; returns once its parcel's story has ended too."""


@dataclass(frozen=True)
class Ground:
    """What a contender is given: where the simulator and Temporal are, its own folder, how many orders at once."""

    simulator: Mapping[str, Any]
    temporal: str
    folder: Path
    in_flight: int
