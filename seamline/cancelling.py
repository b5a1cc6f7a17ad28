"""Cancelling a process together with its parts: what is taken back, and what has left already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from seamline import catalog
from seamline.finding import Listed, Status, parts_of, view_of
from seamline.process.view import Planned
from seamline.records.base import Record
from seamline.temporal import reaching

REQUEST_SECONDS_MAX = 10


class Prospect(Record):
    """What a cancel would do to one process."""

    id: str
    status: Status
    running: bool
    left: bool = False
    """The point of no return is passed: nothing of it is taken back."""
    undo_plan: tuple[Planned, ...] | None = None
    """What would be taken back, in this order; None when no worker answers."""


async def prospects(client: Client, known: Listed) -> Sequence[Prospect]:
    """What a cancel of this process would do to it and to its parts: a part is cancelled with its whole."""
    process = catalog.processes().get(known.process)
    parts = await parts_of(client, known.id) if process and process.has_parts else ()
    return [await _prospect(client, one) for one in (known, *sorted(parts, key=lambda part: part.id))]


async def _prospect(client: Client, one: Listed) -> Prospect:
    if one.closed:
        left = one.status is Status.COMPLETED
        return Prospect(id=one.id, status=one.status, running=False, left=left, undo_plan=())
    view = await view_of(client, client.get_workflow_handle(one.id))
    if view is None:
        return Prospect(id=one.id, status=one.status, running=True)
    return Prospect(id=one.id, status=one.status, running=True, left=view.left, undo_plan=view.undo_plan)


async def cancel(client: Client, planned: Sequence[Prospect], reason: str) -> Sequence[str]:
    """Ask those that run to take themselves back, the whole first, so that it begins no more: their ids."""
    asked = []
    with reaching():
        for one in planned:
            if one.running and await _request(client.get_workflow_handle(one.id), reason):
                asked.append(one.id)
    return asked


async def _request(handle: WorkflowHandle[object, object], reason: str) -> bool:
    """False when it has ended meanwhile."""
    try:
        await handle.cancel(reason=reason, rpc_timeout=timedelta(seconds=REQUEST_SECONDS_MAX))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True
