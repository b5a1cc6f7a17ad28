"""What an order leaves in Temporal: events, bytes, and the actions that Temporal Cloud would bill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

_ONE_ACTION = (
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
)
_CHILD_ACTIONS = 2
"""The intent to start it and its start, both counted where it is started."""


@dataclass(frozen=True)
class History:
    """Of all workflows of one order."""

    events: int
    bytes: int
    actions: int


async def history_of(client: Client, ids: Sequence[str]) -> History:
    """What is kept of these workflows. Heartbeats and queries, which histories do not tell, are none here."""
    events = size = actions = 0
    for identity in ids:
        handle = client.get_workflow_handle(identity)
        described = await handle.describe()
        events += described.history_length
        size += described.raw_description.workflow_execution_info.history_size_bytes
        actions += actions_of([event async for event in handle.fetch_history_events()])
    return History(events, size, actions)


def actions_of(events: Iterable[HistoryEvent]) -> int:
    """The billable actions of one workflow, by https://docs.temporal.io/cloud/actions.

    All markers of one workflow task (local activities are markers) are one action.
    """
    count, marked = 0, set()
    for event in events:
        kind = event.event_type
        if kind in _ONE_ACTION:
            count += 1
        elif kind == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            count += not event.workflow_execution_started_event_attributes.HasField("parent_workflow_execution")
        elif kind == EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
            count += _CHILD_ACTIONS
        elif kind == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            count += event.activity_task_started_event_attributes.attempt
        elif kind == EventType.EVENT_TYPE_MARKER_RECORDED:
            marked.add(event.marker_recorded_event_attributes.workflow_task_completed_event_id)
    return count + len(marked)
