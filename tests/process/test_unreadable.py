"""Payloads that no converter can read: they wedge nothing, and what they hold is not logged."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from seamline.errors import Refusal
from tests.process.theatre import Theatre, event_types

UNREADABLE = [
    RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"name": "Ada Lovelace"')),
    RawValue(Payload(metadata={"encoding": b"nobody/knows"}, data=b"Ada Lovelace")),
    RawValue(
        Payload(metadata={"encoding": b"json/protobuf", "messageType": b"Nobody"}, data=b'{"name": "Ada Lovelace"}')
    ),
    RawValue(Payload(data=b"Ada Lovelace")),
]


@pytest.mark.parametrize("payload", UNREADABLE)
async def test_a_start_that_cannot_be_read_ends_at_once(
    theatre: Theatre, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handle = await theatre.start(payload)
    with pytest.raises(WorkflowFailureError) as ended:
        await handle.result()
    assert "nothing was started: input must be one JSON object" in str(ended.value.cause)
    assert "WORKFLOW_TASK_FAILED" not in await event_types(handle)
    assert "Ada" not in caplog.text


@pytest.mark.parametrize("payload", UNREADABLE)
async def test_a_decision_that_cannot_be_read_is_noted_or_refused_unread(
    theatre: Theatre, payload: Any, caplog: pytest.LogCaptureFixture
) -> None:
    theatre.workshop.script["paint"] = [Refusal("no-colour")]
    handle = await theatre.start()
    await theatre.waiting(handle)
    await handle.signal("decide", payload)
    view = await theatre.until(handle, lambda view: view.notes)
    assert view.notes == ("a decision was ignored: input must be one JSON object with wait and action",)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await handle.execute_update("decide", payload)
    assert isinstance(refused.value.cause, ApplicationError)
    assert refused.value.cause.message == "input must be one JSON object with wait and action"
    assert "Ada" not in caplog.text
    await theatre.decide(handle, wait="paint#1", action="retry")
    await handle.result()
