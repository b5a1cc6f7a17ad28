"""One process, as the commands reach it: by its id or its reference, with its view while a worker runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from seamline.cli_output import Refused
from seamline.finding import QUERY_SECONDS_MAX, Listed, find_process, listed
from seamline.process.view import StepState, View
from seamline.stopping import stopped
from seamline.temporal import reaching

Id = Annotated[str, typer.Argument(metavar="ID", help="A process's id, or the reference it is about.")]


async def handle_of(client: Client, process: str) -> WorkflowHandle[Any, Any]:
    """The process with this id, or about this reference."""
    return client.get_workflow_handle(await find_process(client, process))


async def describe(handle: WorkflowHandle[Any, Any]) -> Listed:
    """What Temporal itself says of it. Refused when there is none."""
    try:
        with reaching():
            return listed(await handle.describe(rpc_timeout=timedelta(seconds=QUERY_SECONDS_MAX)))
    except RPCError as error:
        raise not_found(handle, error) from None


async def with_stops(client: Client, view: View) -> View:
    """The view with a note for each connection that people stopped and that a step of it needs now."""
    needed = {one.connection for one in view.steps if one.state in (StepState.RUNNING, StepState.HELD_UP)}
    stops = await stopped(client, sorted(needed))
    return view.model_copy(update={"notes": (*view.notes, *(one.told() for one in stops.values()))})


def not_found(handle: WorkflowHandle[Any, Any], error: RPCError) -> Exception:
    """What to tell when Temporal does not know the process, or it is over."""
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    if "already completed" in error.message:
        return Refused(f"{handle.id} has ended: there is nothing left to decide")
    return Refused(f"there is no process {handle.id}; `seamline list` shows those there are")
