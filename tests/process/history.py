"""What a history tells beyond its types of events."""

from __future__ import annotations

import json
from typing import Any

from tests.process.theatre import Handle, events


async def sent(handle: Handle, operation: str) -> list[dict[str, Any]]:
    """The calls that the process scheduled of an operation, in order, as JSON."""
    scheduled = [one.activity_task_scheduled_event_attributes for one in await events(handle)]
    return [json.loads(one.input.payloads[0].data) for one in scheduled if one.activity_type.name == operation]
