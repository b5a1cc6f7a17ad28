"""What waits or is held up, counted by team and cause in Temporal's visibility; which processes were begun or run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflow.v1 import WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.client import WorkflowExecution as Listed
from temporalio.service import RPCError, RPCStatusCode

from activities.waiting import Change
from seamline.errors import Outage
from seamline.process import attributes
from seamline.process.view import Status
from seamline.records.notice import PROCESSES_SHOWN_MAX, HeldGroup, HeldGroups, HeldProcess
from seamline.settings import Settings
from seamline.temporal import RPC_SECONDS_MAX, TemporalUnreachable, page_of, reaching

PAGE_SIZE = 1000
PAGES_MAX = 10
GROUPS_MAX = 100
ASKED_AT_ONCE_MAX = 16

T = TypeVar("T")

Group = tuple[str, str]
"""Team and cause."""


class TemporalList:
    """Satisfies `activities.waiting.ProcessList`. A page of processes that are all alike hides no other cause."""

    def __init__(self, client: Client, settings: Settings, *, page_size: int = PAGE_SIZE) -> None:
        self._client = client
        self._settings = settings
        self._page_size = page_size

    async def held(self) -> HeldGroups:
        """One page tells all as long as it holds all; then the causes seen are counted, and left out of the next."""
        groups: dict[Group, HeldGroup] = {}
        whole = False
        try:
            for _ in range(PAGES_MAX):
                page = await self._page(groups)
                whole = len(page) < self._page_size
                found = {of: list(same) for of, same in groupby(sorted(page, key=_group), key=_group)}
                new = {of: await self._held(of, same, whole=whole) for of, same in found.items() if of not in groups}
                groups |= new
                if whole or not new or len(groups) >= GROUPS_MAX:
                    break
        except TemporalUnreachable:
            raise Outage("temporal-visibility") from None
        return HeldGroups(groups=tuple(groups.values())[:GROUPS_MAX], complete=whole and len(groups) <= GROUPS_MAX)

    async def begun(self, changes: Sequence[Change]) -> Sequence[str]:
        """Each is asked for by its id: that is exact, where a list lags."""

        async def began(change: Change) -> bool:
            run = await self._described(change.process_id)
            return run is not None and run.start_time.ToDatetime(UTC) >= change.changed_at

        found = await _at_once(began, changes)
        return [one.process_id for one, is_begun in zip(changes, found, strict=True) if is_begun]

    async def running(self, process_ids: Sequence[str]) -> Sequence[str]:
        """Each is asked for by its id, as in `begun`."""

        async def runs(process_id: str) -> bool:
            run = await self._described(process_id)
            return run is not None and run.status == int(WorkflowExecutionStatus.RUNNING)

        found = await _at_once(runs, process_ids)
        return [one for one, is_running in zip(process_ids, found, strict=True) if is_running]

    async def _described(self, process_id: str) -> WorkflowExecutionInfo | None:
        """Temporal's word on the last run of the id; None where there was none."""
        asked = DescribeWorkflowExecutionRequest(
            namespace=self._client.namespace, execution=WorkflowExecution(workflow_id=process_id)
        )
        try:
            with reaching():
                told = await self._client.workflow_service.describe_workflow_execution(asked, timeout=_RPC)
                return told.workflow_execution_info
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    async def _page(self, without: Iterable[Group]) -> list[Listed]:
        others = (f"({_TEAM} != {_quoted(team)} OR {_CAUSE} != {_quoted(cause)})" for team, cause in without)
        query = " AND ".join([_HELD, *others])
        with reaching():
            found = self._client.list_workflows(
                query, limit=self._page_size, page_size=self._page_size, rpc_timeout=_RPC
            )
            return [one async for one in found]

    async def _held(self, of: Group, executions: Sequence[Listed], *, whole: bool) -> HeldGroup:
        now = datetime.now(UTC)
        dues = [due for one in executions if (due := one.typed_search_attributes.get(attributes.DUE))]
        team, cause = of
        shown = sorted(executions, key=lambda one: one.start_time)[:PROCESSES_SHOWN_MAX]
        group = HeldGroup(
            team=team,
            cause=cause,
            heals=all(one.typed_search_attributes.get(attributes.STATUS) == Status.HELD_UP for one in executions),
            count=len(executions),
            overdue=sum(due <= now for due in dues),
            oldest=shown[0].start_time,
            due=min((due for due in dues if due > now), default=None),
            processes=tuple(map(self._process, shown)),
        )
        if whole:
            return group
        same = f"{_HELD} AND {_TEAM} = {_quoted(team)} AND {_CAUSE} = {_quoted(cause)}"
        count = max(group.count, await self._count(same))
        overdue = max(group.overdue, await self._count(f"{same} AND {attributes.DUE.name} <= '{now.isoformat()}'"))
        return group.model_copy(update={"count": count, "overdue": overdue, "oldest": None, "due": None})

    async def _count(self, query: str) -> int:
        with reaching():
            return (await self._client.count_workflows(query, rpc_timeout=_RPC)).count

    def _process(self, one: Listed) -> HeldProcess:
        due = one.typed_search_attributes.get(attributes.DUE)
        return HeldProcess(id=one.id, page=page_of(self._settings, self._client.namespace, one.id), due=due)


async def _at_once(ask: Callable[[T], Awaitable[bool]], of: Sequence[T]) -> list[bool]:
    """What is true of each, a few asked at a time. Outage when Temporal cannot be reached."""
    gate = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def asked(one: T) -> bool:
        async with gate:
            return await ask(one)

    try:
        return await asyncio.gather(*map(asked, of))
    except TemporalUnreachable:
        raise Outage("temporal-frontend") from None


def _group(one: Listed) -> Group:
    known = one.typed_search_attributes
    return known[attributes.TEAM], known[attributes.CAUSE]


def _quoted(text: str) -> str:
    """A value in a query. Temporal finds none with a double quote or a backslash in it: those are counted as listed."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


_TEAM, _CAUSE = attributes.TEAM.name, attributes.CAUSE.name
_HELD = (
    f"ExecutionStatus = 'Running' AND {attributes.STATUS.name} IN ('{Status.WAITING}', '{Status.HELD_UP}') "
    f"AND {_TEAM} IS NOT NULL AND {_CAUSE} IS NOT NULL"
)
_RPC = timedelta(seconds=RPC_SECONDS_MAX)
