"""Issuing one activity, and reading what its failure says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

from pydantic import ValidationError
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from seamline.errors import Failure, Kind
from seamline.process.effect import Call, Operation, Wait
from seamline.records.policy import Policy

FIRST_RETRY_SECONDS = 1.0
NOT_PICKED_UP = "not-picked-up"
"""The code of the one failure after which certainly nothing happened: no worker took the task."""
_UNSTARTED = (TimeoutType.SCHEDULE_TO_START, TimeoutType.SCHEDULE_TO_CLOSE)


def issue(
    operation: Operation[Any, Any], call: Call[Any], connection: str, policy: Policy, *, healing: bool
) -> workflow.ActivityHandle[Any]:
    """Start the activity on its connection's queue.

    The first time it is bounded by the policy's patience. To heal after an outage it is one activity without an end,
    retried at a slow interval: that costs no history, however long the outage lasts. Waits have no end either way.
    """
    waits = isinstance(operation, Wait)
    patience = policy.patience_seconds
    if waits:
        call = call.model_copy(update={"healing": healing, "patience_seconds": None if healing else patience})
    return workflow.start_activity(
        operation.name,
        call,
        task_queue=connection,
        result_type=operation.result_type,
        start_to_close_timeout=timedelta(seconds=policy.attempt_seconds_max),
        schedule_to_close_timeout=None if healing or waits else timedelta(seconds=patience),
        retry_policy=_retries(policy, slow=healing, polls=waits),
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=f"{operation.title} (held up, goes on by itself)" if healing else operation.title,
    )


def _retries(policy: Policy, *, slow: bool, polls: bool) -> RetryPolicy:
    first = policy.poll_seconds if polls and not slow else FIRST_RETRY_SECONDS
    longest = policy.poll_max_seconds if polls else policy.healing_interval_max_seconds
    if slow:
        longest = policy.healing_interval_max_seconds
    return RetryPolicy(
        initial_interval=timedelta(seconds=min(first, longest)),
        maximum_interval=timedelta(seconds=longest),
        backoff_coefficient=1.5 if polls and not slow else 2.0,
    )


def failure_of(error: BaseException, connection: str, operation: str) -> Failure:
    """What an activity's failure says. A Temporal timeout has no adapter's word: it counts as an outage.

    Nobody having picked the task up means that nothing happened (`not-picked-up`); else the effect may have happened,
    which the next issue of the activity looks up.
    """
    causes = list(_chain(error))
    timeouts = [one for one in causes if isinstance(one, TimeoutError)]
    for cause in causes:
        if isinstance(cause, ApplicationError) and (failure := _told(cause)):
            return failure.model_copy(update={"connection": failure.connection or connection})
    if timeouts:
        # An earlier try that a dead worker began shows only as the cause of the later one that nobody picked up.
        started = _started(error) or any(one.type not in _UNSTARTED for one in timeouts)
        code = "timeout" if started else NOT_PICKED_UP
        return Failure(kind=Kind.OUTAGE, code=code, connection=connection, operation=operation)
    return Failure(kind=Kind.DEFECT, code=type(causes[-1]).__name__, connection=connection, operation=operation)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _started(error: BaseException) -> bool:
    return isinstance(error, ActivityError) and bool(error.started_event_id > 0)


def _told(error: ApplicationError) -> Failure | None:
    try:
        return Failure.model_validate(cast(Any, error.details)[0])
    except (IndexError, ValidationError):
        return None
