"""Processes as Temporal's visibility lists them, and finding the one that somebody means."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError

from seamline import catalog
from seamline.process import attributes
from seamline.process.start import workflow_id
from seamline.process.view import View
from seamline.records.base import Record
from seamline.records.order_rules import Why
from seamline.records.reference import beginnings_below, check_reference
from seamline.settings import PROCESS_QUEUE
from seamline.temporal import polled, reaching

DEFAULT_PROCESS = "order-to-shipment"
"""Which process a bare reference means where several run for it."""
TEXT_LENGTH_MAX = 100
QUERY_SECONDS_MAX = 10
PARTS_MAX = 100
GATHERED_MAX = 1000
"""Of how many processes the references are looked at."""
CHECK_BYTES = 6


class NotFound(Exception):
    """No process, or more than one, is meant. The text says which there are."""


class Status(StrEnum):
    """Where a process is, as it can be listed: the view's words, and how Temporal may have ended it."""

    RUNNING = "running"
    WAITING = "waiting"
    HELD_UP = "held-up"
    UNDOING = "undoing"
    COMPLETED = "completed"
    UNDONE = "undone"
    IGNORED = "ignored"
    OBSERVED = "observed"
    CANCELLED = "cancelled"
    FAILED = "failed"
    TERMINATED = "terminated"


class Listed(Record):
    """One process in a list."""

    id: str
    process: str
    reference: str
    status: Status
    team: str = ""
    cause: str = ""
    started: datetime
    closed: datetime | None = None


_UNSET = f"{attributes.STATUS.name} IS NULL"
_BY_STATUS = {
    Status.RUNNING: f"ExecutionStatus = 'Running' AND {_UNSET}",
    Status.COMPLETED: f"ExecutionStatus = 'Completed' AND {_UNSET}",
    Status.UNDONE: f"{attributes.STATUS.name} = 'undone'",
    Status.IGNORED: f"{attributes.STATUS.name} = 'ignored'",
    Status.OBSERVED: f"{attributes.STATUS.name} = 'observed'",
    Status.CANCELLED: f"ExecutionStatus = 'Canceled' AND {_UNSET}",
    Status.FAILED: "ExecutionStatus IN ('Failed', 'TimedOut')",
    Status.TERMINATED: "ExecutionStatus = 'Terminated'",
}
_ENDED = {
    WorkflowExecutionStatus.COMPLETED: Status.COMPLETED,
    WorkflowExecutionStatus.CANCELED: Status.CANCELLED,
    WorkflowExecutionStatus.FAILED: Status.FAILED,
    WorkflowExecutionStatus.TIMED_OUT: Status.FAILED,
    WorkflowExecutionStatus.TERMINATED: Status.TERMINATED,
}


async def list_processes(
    client: Client, *, status: Status | None = None, team: str = "", reference: str = "", limit: int
) -> Sequence[Listed]:
    """The processes that fit, the latest first: about a reference and about what belongs to it, parts, parcels and
    returns. ValueError when a filter cannot be one.
    """
    with reaching():
        found = client.list_workflows(_fitting(status, team, reference), limit=limit, page_size=min(limit, 1000))
        return [listed(one) async for one in found if await _is_last(client, one)]


async def page_of_processes(
    client: Client, *, status: Status | None = None, team: str = "", reference: str = "", limit: int, after: str = ""
) -> tuple[Sequence[Listed], str]:
    """A page of what `list_processes` lists, and what the next one comes after: empty behind the last.

    ValueError when a filter cannot be one, or `after` came with no page of the same filters.
    """
    query = _fitting(status, team, reference)
    pages = client.list_workflows(query, page_size=limit, next_page_token=_token(query, after) or None)
    with reaching():
        await pages.fetch_next_page()
        found = [listed(one) for one in pages.current_page or () if await _is_last(client, one)]
    return found, _mark(query, pages.next_page_token) if pages.next_page_token else ""


def _mark(query: str, token: bytes) -> str:
    """Temporal's token with a check of its own: at a wrong one Temporal fails as if it were away."""
    check = hashlib.sha256(query.encode() + token).digest()[:CHECK_BYTES]
    return base64.urlsafe_b64encode(check + token).decode()


def _token(query: str, mark: str) -> bytes:
    """The token in what `_mark` made of it for the same query."""
    try:
        token = base64.urlsafe_b64decode(mark)[CHECK_BYTES:]
    except ValueError:
        token = b""
    if mark and mark != _mark(query, token):
        raise ValueError("must be what `next` said of a page with the same filters")
    return token


def _fitting(status: Status | None, team: str, reference: str) -> str:
    """The condition for what fits all filters that are given."""
    conditions = [f"{attributes.REFERENCE.name} IS NOT NULL"]
    if status:
        held = f"ExecutionStatus = 'Running' AND {attributes.STATUS.name} = '{status.value.replace('-', ' ')}'"
        conditions.append(_BY_STATUS.get(status, held))
    if team:
        conditions.append(f"{attributes.TEAM.name} = {_quoted(team)}")
    if reference:
        conditions.append(_gathering(check_reference(reference)))
    return " AND ".join(conditions)


def _gathering(reference: str) -> str:
    """The condition for what an object's processes and those of what belongs to it have in common."""
    about = [f"{attributes.REFERENCE.name} = {_quoted(reference)}"]
    about += [f"{attributes.REFERENCE.name} STARTS_WITH {_quoted(one)}" for one in beginnings_below(reference)]
    return f"({' OR '.join(about)})"


async def references_of(client: Client, reference: str) -> Sequence[str]:
    """The reference and those of what belongs to it, as far as processes are about them: the whole first."""
    found = {one.reference for one in await list_processes(client, reference=reference, limit=GATHERED_MAX)}
    return [reference, *sorted(found - {reference})]


class IgnoredCount(Record):
    """How many orders of a shop were ignored for one reason."""

    connection: str
    reason: Why
    count: int


async def count_ignored(client: Client, connections: Sequence[str]) -> Sequence[IgnoredCount]:
    """What orders of these shops were ignored for, where any were. Temporal counts no attribute by its values."""
    counts = []
    with reaching():
        for connection in connections:
            for why in Why:
                cause = attributes.ignored_cause(connection, why)
                found = await client.count_workflows(
                    f"{_BY_STATUS[Status.IGNORED]} AND {attributes.CAUSE.name} = '{cause}'"
                )
                counts.append(IgnoredCount(connection=connection, reason=why, count=found.count))
    return [one for one in counts if one.count]


async def parts_of(client: Client, identity: str, *, running: bool = False) -> Sequence[Listed]:
    """The processes of the parts of what a process is about, the latest first. A new one is seen after a moment."""
    query = f"WorkflowId STARTS_WITH {_quoted(f'{identity}.')}"
    if running:
        query += " AND ExecutionStatus = 'Running'"
    with reaching():
        return [listed(one) async for one in client.list_workflows(query, limit=PARTS_MAX)]


async def view_of(client: Client, handle: WorkflowHandle[Any, Any]) -> View | None:
    """The process's own view; None when no worker answers."""
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        return None
    try:
        limit = timedelta(seconds=QUERY_SECONDS_MAX)
        view: View = await handle.query("view", result_type=View, rpc_timeout=limit)
        return view
    except (RPCError, WorkflowQueryFailedError):
        return None


async def _is_last(client: Client, one: WorkflowExecution) -> bool:
    """Whether no later run took its place: a reset, as by `seamline resume`, leaves the run before it terminated."""
    if one.status is not WorkflowExecutionStatus.TERMINATED:
        return True
    return (await client.get_workflow_handle(one.id).describe()).run_id == one.run_id


def listed(one: WorkflowExecution) -> Listed:
    """An execution as a process in a list."""
    known = one.typed_search_attributes
    word = known.get(attributes.STATUS)
    ended = _ENDED.get(one.status) if one.status else None
    if ended in (Status.FAILED, Status.TERMINATED) or (ended and not word):
        status = ended
    else:
        status = Status(word.replace(" ", "-")) if word else Status.RUNNING
    return Listed(
        id=one.id,
        process=one.workflow_type,
        reference=known.get(attributes.REFERENCE) or "",
        status=status,
        team=(known.get(attributes.TEAM) or "") if not ended else "",
        cause=(known.get(attributes.CAUSE) or "") if not ended or status is Status.IGNORED else "",
        started=one.start_time,
        closed=one.close_time,
    )


async def find_process(client: Client, text: str) -> str:
    """The workflow id that is meant: a whole id, or a bare reference. Raises NotFound."""
    if text.count(":") > 1:
        return text
    try:
        reference = check_reference(text)
    except ValueError as error:
        raise NotFound(f"{text[:TEXT_LENGTH_MAX]!r} is neither a process's id nor a reference: it {error}") from None
    known = await list_processes(client, reference=reference, limit=GATHERED_MAX)
    found = [one.id for one in known if one.reference == reference]
    if len(found) == 1:
        return found[0]
    default = workflow_id(DEFAULT_PROCESS, reference)
    if not found or default in found:
        return default
    raise NotFound(f"several processes are about {reference}, name one: {', '.join(found)}")


def known_process(name: str) -> str:
    """The name, if it is one of a process. Raises NotFound with the list."""
    known = catalog.processes()
    if name not in known:
        raise NotFound(f"there is no process {name[:TEXT_LENGTH_MAX]!r}; there are: {', '.join(sorted(known))}")
    return name


def _quoted(text: str) -> str:
    if len(text) > TEXT_LENGTH_MAX or not text.isprintable() or set(text) & set("'\"\\`"):
        raise ValueError("a filter is a plain word without quotes")
    return f"'{text}'"
