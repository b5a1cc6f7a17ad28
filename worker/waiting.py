"""What waits or is held up, counted by team and cause in Temporal's visibility; and which processes were begun."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

from temporalio.client import Client, WorkflowExecution
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
        gate = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

        async def began(change: Change) -> bool:
            async with gate:
                return await self._began(change)

        try:
            found = await asyncio.gather(*map(began, changes))
        except TemporalUnreachable:
            raise Outage("temporal-frontend") from None
        return [one.process_id for one, is_begun in zip(changes, found, strict=True) if is_begun]

    async def _began(self, change: Change) -> bool:
        try:
            with reaching():
                run = await self._client.get_workflow_handle(change.process_id).describe(rpc_timeout=_RPC)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return run.start_time >= change.changed_at

    async def _page(self, without: Iterable[Group]) -> list[WorkflowExecution]:
        others = (f"({_TEAM} != {_quoted(team)} OR {_CAUSE} != {_quoted(cause)})" for team, cause in without)
        query = " AND ".join([_HELD, *others])
        with reaching():
            found = self._client.list_workflows(
                query, limit=self._page_size, page_size=self._page_size, rpc_timeout=_RPC
            )
            return [one async for one in found]

    async def _held(self, of: Group, executions: Sequence[WorkflowExecution], *, whole: bool) -> HeldGroup:
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

    def _process(self, one: WorkflowExecution) -> HeldProcess:
        due = one.typed_search_attributes.get(attributes.DUE)
        return HeldProcess(id=one.id, page=page_of(self._settings, self._client.namespace, one.id), due=due)


def _group(one: WorkflowExecution) -> Group:
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
