"""A run that somebody terminated: what it did by its history, and how it is taken up again.

Temporal resets the run to its last workflow task. All that it knew is kept: results, decisions, what can be undone.
The step that was under way is issued once more, and finds what it made before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import ActivityTaskScheduledEventAttributes, HistoryEvent
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from seamline.records.base import Record
from seamline.temporal import reaching

RPC_SECONDS_MAX = 10
REASON_LENGTH_MAX = 500

_BEGUN = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
_TASK_SCHEDULED = EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED
_TASK_STARTED = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED
_CANCEL_REQUESTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED
_TASK_COMPLETED = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED


class NotResumable(Exception):
    """The process is none that can be taken up again. The text says why, and what can be done."""


class Answer(StrEnum):
    """What is known of a call that changes something."""

    DONE = "done"
    FAILED = "failed"
    OPEN = "open"
    """Under way when the run ended: it may have happened."""


class Called(Record):
    """A call of a run that changes something in a system. An undo has the key of the effect it takes back."""

    operation: str
    connection: str
    key: str
    answer: Answer
    over_at: datetime | None = None
    """When a try that was under way is certainly over."""


class Left(Record):
    """What a terminated run left: its last point, and its calls that change something, in order."""

    run_id: str
    event_id: int
    called: tuple[Called, ...]
    cancel: str | None = None
    """The reason of a cancel request that the run was sent and did not take in; None when there was none."""

    @property
    def over_at(self) -> datetime | None:
        """Until when a call of the run may still be on its way; None when there is none."""
        return max((one.over_at for one in self.called if one.over_at), default=None)


class _Key(Record):
    """The part of an activity's input that tells an effect from a look."""

    key: str = ""
    observe_only: bool = False


async def left_by(client: Client, workflow_id: str) -> Left:
    """What the process's last run left. Raises NotResumable unless somebody terminated it."""
    handle = client.get_workflow_handle(workflow_id)
    try:
        with reaching():
            described = await handle.describe(rpc_timeout=_RPC)
            if described.status is not WorkflowExecutionStatus.TERMINATED:
                raise NotResumable(_why_not(workflow_id, described.status))
            run = client.get_workflow_handle(workflow_id, run_id=described.run_id)
            history = await run.fetch_history(rpc_timeout=_RPC)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        raise NotResumable(
            f"there is no process {workflow_id}: after Temporal's retention a run is forgotten; "
            "`seamline start` begins anew and adopts what it finds under the same keys"
        ) from None
    return Left(
        run_id=described.run_id,
        event_id=_last_point(history.events),
        called=tuple(await _called(client, history.events)),
        cancel=_unheard_cancel(history.events),
    )


async def resume(client: Client, workflow_id: str, left: Left, *, reason: str) -> str:
    """Take the run up again from its last point: the new run's id. Asking twice resumes once.

    Temporal brings signals and updates along that the run had not taken in, but no cancel request: that is sent again.
    """
    request = ResetWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=left.run_id),
        reason=reason[:REASON_LENGTH_MAX],
        workflow_task_finish_event_id=left.event_id,
        request_id=f"resume-{left.run_id}",
        identity=client.identity,
    )
    with reaching():
        answer = await client.workflow_service.reset_workflow_execution(request, timeout=_RPC, retry=True)
        if left.cancel is not None:
            run = client.get_workflow_handle(workflow_id, run_id=answer.run_id)
            await run.cancel(reason=left.cancel, rpc_timeout=_RPC)
    return str(answer.run_id)


def _why_not(workflow_id: str, status: WorkflowExecutionStatus | None) -> str:
    if status is WorkflowExecutionStatus.RUNNING:
        return f"{workflow_id} runs: there is nothing to resume; `seamline show {workflow_id}` shows where it is"
    word = status.name.lower().replace("_", " ") if status else "unknown"
    return f"{workflow_id} ended by itself ({word}): only a run that somebody terminated can be resumed"


def _last_point(events: Iterable[HistoryEvent]) -> int:
    """The event that Temporal resets to, which keeps what is before it: the last workflow task or its end.

    A task that was not completed is the better point: what the one before it issued is kept. Otherwise a cancel that
    came meanwhile would be heard before that is issued again, and an effect in flight would never be known.
    """
    point = 0
    for event in events:
        if event.event_type == _TASK_COMPLETED:
            point = event.event_id
        if event.event_type in (_TASK_SCHEDULED, _TASK_STARTED):
            point = event.event_id + 1
    return point


def _unheard_cancel(events: Sequence[HistoryEvent]) -> str | None:
    point = _last_point(events)
    for event in events:
        if event.event_type == _CANCEL_REQUESTED and event.event_id > point:
            return event.workflow_execution_cancel_requested_event_attributes.cause
    return None


async def _called(client: Client, events: Sequence[HistoryEvent]) -> list[Called]:
    answers = dict(_answers(events))
    ended = events[-1].event_time.ToDatetime(UTC)
    called = []
    for event in events:
        if event.event_type != _BEGUN:
            continue
        scheduled = event.activity_task_scheduled_event_attributes
        key, connection = await _key(client, scheduled)
        if key:
            answer = answers.get(event.event_id, Answer.OPEN)
            over_at = ended + scheduled.start_to_close_timeout.ToTimedelta() if answer is Answer.OPEN else None
            called.append(
                Called(
                    operation=scheduled.activity_type.name,
                    connection=connection,
                    key=key,
                    answer=answer,
                    over_at=over_at,
                )
            )
    return called


def _answers(events: Iterable[HistoryEvent]) -> Iterable[tuple[int, Answer]]:
    for event in events:
        if event.HasField("activity_task_completed_event_attributes"):
            yield event.activity_task_completed_event_attributes.scheduled_event_id, Answer.DONE
        if event.HasField("activity_task_failed_event_attributes"):
            yield event.activity_task_failed_event_attributes.scheduled_event_id, Answer.FAILED
        if event.HasField("activity_task_timed_out_event_attributes"):
            yield event.activity_task_timed_out_event_attributes.scheduled_event_id, Answer.FAILED
        if event.HasField("activity_task_canceled_event_attributes"):
            yield event.activity_task_canceled_event_attributes.scheduled_event_id, Answer.FAILED


async def _key(client: Client, scheduled: ActivityTaskScheduledEventAttributes) -> tuple[str, str]:
    """The effect key of a call, empty for what only looks, and its connection: told beside it in the express lane."""
    queue = scheduled.task_queue.name
    try:
        sent, types = scheduled.input.payloads, (_Key, str)
        call, *express = await client.data_converter.decode(sent, list(types[: len(sent)]))
    except (ValueError, ValidationError, RuntimeError):
        return "", queue
    return "" if call.observe_only else str(call.key), str(express[0]) if express else queue


_RPC = timedelta(seconds=RPC_SECONDS_MAX)
