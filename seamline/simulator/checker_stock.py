"""The rule for stock: a shop that was told what there is offers no more than that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_process import SHARE_PROCESS, Process


class Shelves(BaseModel):
    """What shops offer, by connection, and what inventories have free, by connection and SKU."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    levels: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    free: Mapping[str, Mapping[str, int]] = {}


def is_about_stock(effect: Effect) -> bool:
    """Whether an entry of the ledger is about what a shop offers, and so about no order."""
    return effect.operation == "set-stock"


def oversold(processes: Sequence[Process], shelves: Shelves) -> Iterator[Finding]:
    """Every article of which a shop offers more than is free where its locations are served."""
    for process in processes:
        inventories = process.told("inventories")
        if process.type != SHARE_PROCESS or not isinstance(inventories, dict):
            continue
        offered: dict[tuple[str, str], int] = defaultdict(int)
        for level in shelves.levels.get(process.reference.partition(":")[0], ()):
            if level["location"] in inventories:
                offered[inventories[level["location"]], level["sku"]] += max(0, level["available"])
        for (connection, sku), pieces in offered.items():
            free = shelves.free.get(connection, {}).get(sku)
            if free is not None and pieces > free:
                detail = f"{pieces} {sku} are offered, and {free} are free at {connection}"
                yield Finding(reference=process.reference, rule="oversold", detail=detail)
