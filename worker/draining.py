"""Emptying an old build: what waits on it for long is moved, once this code has proved that it can continue it.

A process stays with the build it began on, so that a release never changes its steps. One that waits for staff, or for
a system that is down, would keep that build's workers alive for days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.client import WorkflowExecution as Found
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer

from seamline import catalog
from seamline.temporal import reaching
from worker.builds import WAITS, Builds, Refused
from worker.sandbox import runner

RPC_SECONDS_MAX = 10


@dataclass(frozen=True)
class Drained:
    """What was moved, what could not be and why, and how many still run on the build."""

    moved: Sequence[str]
    unfit: Mapping[str, str]
    left: int


async def drain(builds: Builds, build: str, ours: str) -> Drained:
    """Move what waits on a build to the current one, whose code this is (`ours`); all of it when no worker runs it.

    Refused for a build that still gets what starts, and where this is not the current build's code.
    """
    one, current = await builds.one(build), await builds.current()
    if one.current or one.percent:
        raise Refused(f"{build} still gets what starts: make another build current first")
    if ours != current:
        raise Refused(f"this is the code of build {ours or 'none'}: run it where build {current} is installed")
    replayer = Replayer(
        workflows=catalog.workflows(), workflow_runner=runner(), data_converter=builds.client.data_converter
    )
    moved: list[str] = []
    unfit: dict[str, str] = {}
    on_build = builds.running_on(build)
    for run in await _found(builds, f"{on_build} AND {WAITS}" if one.polled else on_build):
        if reason := await _unfit(builds, replayer, run):
            unfit[run.id] = reason
        elif await _move(builds, run, current):
            moved.append(run.id)
    left = {run.id for run in await _found(builds, on_build)} - set(moved)
    return Drained(moved, unfit, len(left))


async def _found(builds: Builds, query: str) -> Sequence[Found]:
    with reaching():
        return [run async for run in builds.client.list_workflows(query)]


async def _unfit(builds: Builds, replayer: Replayer, run: Found) -> str:
    """Why this code cannot continue the process: replayed, it does not do what the history says. Empty when it can."""
    with reaching():
        history = await builds.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return type(result.replay_failure).__name__ if result.replay_failure else ""


async def _move(builds: Builds, run: Found, build: str) -> bool:
    """Have the process go on with a build, where it then stays. False when it ended meanwhile."""
    target = WorkerDeploymentVersion(deployment_name=builds.deployment, build_id=build)
    override = VersioningOverride(one_time=VersioningOverride.OneTimeOverride(target_deployment_version=target))
    request = UpdateWorkflowExecutionOptionsRequest(
        namespace=builds.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.run_id),
        workflow_execution_options=WorkflowExecutionOptions(versioning_override=override),
        update_mask=FieldMask(paths=["versioning_override"]),
        identity=builds.client.identity,
    )
    try:
        with reaching():
            await builds.client.workflow_service.update_workflow_execution_options(request, timeout=_RPC, retry=True)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


_RPC = timedelta(seconds=RPC_SECONDS_MAX)
