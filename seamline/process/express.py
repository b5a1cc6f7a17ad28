"""The express lane: one short try of a step beside its process, before the connection's queue is asked.

Reads run within the workflow task itself, as local activities: a task that is lost is run again, and looks anew. An
effect is scheduled as ever, so that it is in the history before it happens; but on the process's own queue, where the
worker that scheduled it is handed it at once. Whatever goes wrong with the try, the connection's queue is next, with
its patience.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy

from seamline.errors import Failure, Kind
from seamline.process.attempt import NOT_PICKED_UP
from seamline.process.effect import Call, Effect, Operation, Read

EXPRESS_SECONDS_MAX = 5.0
"""How long the try may take. A workflow task has 10 s."""
_ENDS_HERE = (Kind.REFUSAL, Kind.UNKNOWN_OUTCOME, Kind.OBSERVED)
"""What another try at once would be told again."""


EXPRESS_REST = timedelta(minutes=10)
"""How long a process leaves a connection's lane alone after a try that failed there."""
EXPRESS_AGAIN = "express-again"
"""The change since which the lane is taken again after its rest: runs that were begun before it leave it for good."""


class Lane:
    """The connections that a process may call beside it, and until when one that had no room is left alone."""

    def __init__(self, connections: Collection[str] = ()) -> None:
        self._connections = frozenset(connections)
        self._rests: dict[str, datetime] = {}

    def takes(self, operation: Operation[Any, Any], connection: str) -> bool:
        """Whether such a step may take the lane now: not what waits, nor what takes back."""
        if connection not in self._connections or not isinstance(operation, Read | Effect):
            return False
        until = self._rests.get(connection)
        return until is None or (workflow.now() >= until and workflow.patched(EXPRESS_AGAIN))

    def rest(self, connection: str) -> None:
        """Leave the connection alone for a while."""
        self._rests[connection] = workflow.now() + EXPRESS_REST


def issue_express(operation: Operation[Any, Any], call: Call[Any], connection: str) -> workflow.ActivityHandle[Any]:
    """Start the one try. Its activity is told which connection to call, since its queue does not say it."""
    seconds = timedelta(seconds=EXPRESS_SECONDS_MAX)
    start = workflow.start_local_activity if isinstance(operation, Read) else workflow.start_activity
    return start(
        operation.name,
        args=[call, connection],
        result_type=operation.result_type,
        schedule_to_close_timeout=seconds,
        start_to_close_timeout=seconds,
        retry_policy=RetryPolicy(maximum_attempts=1),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=operation.title,
    )


def may_go_on(failure: Failure) -> bool:
    """Whether the connection's queue is next, after a try that failed so."""
    return failure.kind not in _ENDS_HERE


def may_have_happened(failure: Failure) -> bool:
    """Whether the try may have had its effect."""
    return failure.code != NOT_PICKED_UP
