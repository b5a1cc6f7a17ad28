"""Runs plays on the stage in a real Temporal, and looks at them."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from temporalio.api.enums.v1 import EventType, IndexedValueType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from seamline.process import attributes
from seamline.process.view import Status, View
from seamline.records.policy import Policy
from tests.process.play import Audition, Casting, Epilogue, Play, Tour, Vigil
from tests.process.stage import Stage, Workshop
from worker.sandbox import strict_runner

QUICK = Policy(patience_seconds=1.5, healing_interval_max_seconds=0.1, poll_seconds=0.1, poll_max_seconds=0.1)
"""The test server skips no time while an activity is between two tries, so those times are short in truth."""
PASSED_THROUGH = ("seamline", "activities", "tests", "pydantic", "pydantic_core", "annotated_types")
ROUNDS_MAX = 400

_numbers = itertools.count(1)

Handle = WorkflowHandle[Any, Any]


def sandbox() -> SandboxedWorkflowRunner:
    """The sandbox that processes are tested in, with what these tests run passing through as well."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return dataclasses.replace(strict_runner(), restrictions=restrictions)


async def register(client: Client) -> None:
    """Make the search attributes known; one already known is no failure."""
    for one in attributes.ALL:
        request = AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={one.name: cast(IndexedValueType.ValueType, int(one.indexed_value_type))},
        )
        try:
            await client.operator_service.add_search_attributes(request, retry=True)
        except RPCError as error:
            if "already" not in error.message:
                raise


class Watching:
    """Looks at processes, and answers them."""

    client: Client

    async def view(self, handle: Handle) -> View:
        """What the process shows now."""
        return View.model_validate(await handle.query("view"))

    async def until(self, handle: Handle, seen: Callable[[View], object]) -> View:
        """The first view for which `seen` is true."""
        for _ in range(ROUNDS_MAX):
            view = await self.view(handle)
            if seen(view):
                return view
            await asyncio.sleep(0.05)
        raise AssertionError(f"never seen; last: {view}")

    async def waiting(self, handle: Handle, status: Status = Status.WAITING) -> View:
        """The view once the process waits or is held up."""
        return await self.until(handle, lambda view: view.status is status and view.waits)

    async def finished(self, handle: Handle) -> dict[str, Any]:
        """The outcome."""
        outcome: dict[str, Any] = await handle.result()
        return outcome

    async def decide(self, handle: Handle, **decision: Any) -> Any:
        """Answer by update, as the API does."""
        return await handle.execute_update("decide", decision)


class Theatre(Watching):
    """One test's world: a workshop, a queue of its own, and what is needed to run plays."""

    def __init__(self, env: WorkflowEnvironment, workshop: Workshop) -> None:
        self.env = env
        self.client = env.client
        self.workshop = workshop
        self.connection = f"workshop-{uuid.uuid4().hex[:8]}"
        self.queue = f"plays-{self.connection}"

    @asynccontextmanager
    async def acting(self) -> AsyncIterator[None]:
        """A worker that serves the connection."""
        stage = Stage(self.workshop)
        methods = [getattr(stage, name) for name in dir(Stage) if not name.startswith("_")]
        async with Worker(self.client, task_queue=self.connection, activities=methods):
            yield

    @asynccontextmanager
    async def playing(self, **options: Any) -> AsyncIterator[None]:
        """A worker that runs processes."""
        async with Worker(
            self.client,
            task_queue=self.queue,
            workflows=[Play, Epilogue, Audition, Tour, Casting, Vigil],
            workflow_runner=sandbox(),
            **options,
        ):
            yield

    async def start(
        self,
        *arguments: Any,
        policy: Policy = QUICK,
        name: str = "play",
        started_by: str = "",
        route: bool = True,
        **options: Any,
    ) -> Handle:
        """Start a play about a new reference, or with the arguments given."""
        reference = f"test:{next(_numbers)}-{uuid.uuid4().hex[:6]}"
        start = {
            "reference": reference,
            "route": {"stage": self.connection} if route else {},
            "policy": policy.model_dump(mode="json"),
            "started_by": started_by,
        }
        return await self.client.start_workflow(
            name,
            args=list(arguments) or [start],
            id=f"{name}:{reference}",
            task_queue=self.queue,
            **{"search_attributes": attributes.at_start(reference), **options},
        )

    async def called(self, name: str) -> None:
        """Until the workshop was called."""
        for _ in range(ROUNDS_MAX):
            if name in self.workshop.calls:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{name} was never called: {self.workshop.calls}")


async def events(handle: Handle) -> Sequence[HistoryEvent]:
    """The whole history."""
    return [event async for event in handle.fetch_history_events()]


async def event_types(handle: Handle) -> list[str]:
    """The types of all events, short: `ACTIVITY_TASK_SCHEDULED`."""
    return [EventType.Name(event.event_type).removeprefix("EVENT_TYPE_") for event in await events(handle)]
