"""Stopping all calls to a connection, in Temporal itself: it holds for every worker, whatever happens to ours.

A connection's task queue is given a rate of zero. What is to be called waits in Temporal without an attempt burnt, and
drains once the limit is taken off. Reason and who are kept there with the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, UpdateTaskQueueConfigRequest
from temporalio.client import Client

from seamline.records.base import Record
from seamline.temporal import RPC_SECONDS_MAX, reaching

REASON_LENGTH_MAX = 500
_ACTIVITY = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
_RPC = timedelta(seconds=RPC_SECONDS_MAX)


class Stop(Record):
    """That a connection is stopped: why, by whom, since when."""

    connection: str
    why: str
    who: str
    since: datetime

    def told(self) -> str:
        """In one line, with the command that ends it."""
        return (
            f"{self.connection} is stopped since {self.since:%d %b %H:%M} UTC by {self.who or '?'}: {self.why} "
            f"(seamline release {self.connection})"
        )


async def stop(client: Client, connection: str, *, why: str, who: str) -> None:
    """Let no call to the connection begin; those under way end."""
    await _limit(client, connection, RateLimit(requests_per_second=0), why=why, who=who)


async def release(client: Client, connection: str, *, why: str, who: str) -> None:
    """Let calls begin again, at the rate that the workers keep."""
    await _limit(client, connection, None, why=why, who=who)


async def stopped(client: Client, connections: Iterable[str]) -> dict[str, Stop]:
    """Those of the connections that are stopped."""
    found = [(name, await _stop_of(client, name)) for name in connections]
    return {name: one for name, one in found if one}


async def _limit(client: Client, connection: str, limit: RateLimit | None, *, why: str, who: str) -> None:
    request = UpdateTaskQueueConfigRequest(
        namespace=client.namespace,
        identity=who,
        task_queue=connection,
        task_queue_type=_ACTIVITY,
        update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(rate_limit=limit, reason=why),
    )
    with reaching():
        await client.workflow_service.update_task_queue_config(request, timeout=_RPC, retry=True)


async def _stop_of(client: Client, connection: str) -> Stop | None:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=connection),
        task_queue_type=_ACTIVITY,
        report_config=True,
    )
    with reaching():
        answer = await client.workflow_service.describe_task_queue(request, timeout=_RPC, retry=True)
    limit = answer.config.queue_rate_limit
    if not limit.HasField("rate_limit") or limit.rate_limit.requests_per_second > 0:
        return None
    since = limit.metadata.update_time.ToDatetime(UTC)
    return Stop(connection=connection, why=limit.metadata.reason, who=limit.metadata.update_identity, since=since)
