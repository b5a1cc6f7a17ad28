"""DBOS on SQLite: every step's result is kept in a database, in the process that runs the orders."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandleAsync

from benchmarks.engines import Ground, RunOrder
from benchmarks.engines.tools import Methods, in_place, methods
from benchmarks.story import arrive, ship
from seamline.process.effect import Call, Operation, Req, Res
from seamline.records.parcel import ParcelNumber

_tools: dict[str, Methods] = {}
_parcels: dict[str, WorkflowHandleAsync[object]] = {}
"""DBOS calls functions of a module, so what they work with is found here; parcels by reference, while one waits."""


async def _step(operation: Operation[Req, Res], call: Call[Req]) -> Res:
    return await DBOS.run_step_async({"name": operation.name}, in_place(_tools["tools"]), operation, call)


@DBOS.workflow(name="ship")
async def ship_order(reference: str) -> object:
    """One order."""

    async def follow(reference: str, parcel: ParcelNumber) -> None:
        with SetWorkflowID(f"parcel:{reference}"):
            _parcels[reference] = await DBOS.start_workflow_async(follow_parcel, reference, parcel)

    return await ship(reference, _step, follow)


@DBOS.workflow(name="arrive")
async def follow_parcel(reference: str, parcel: ParcelNumber) -> object:
    """One parcel."""
    return await arrive(reference, parcel, datetime.now(UTC), _step)


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[RunOrder]:
    """Ready to run orders."""
    database = ground.folder / "dbos.db"
    with sqlite3.connect(database) as made:
        # As our embedded Temporal has it.
        made.execute("PRAGMA journal_mode=WAL")
    config: DBOSConfig = {"name": "orders", "system_database_url": f"sqlite:///{database}", "log_level": "ERROR"}
    async with methods(ground) as tools:
        _tools["tools"] = tools
        DBOS(config=config)
        DBOS.launch()

        async def run(reference: str) -> None:
            with SetWorkflowID(f"ship:{reference}"):
                shipping = await DBOS.start_workflow_async(ship_order, reference)
            await shipping.get_result()
            await _parcels.pop(reference).get_result()

        yield run
        DBOS.destroy()
