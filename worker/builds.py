"""The builds of a worker deployment, as Temporal knows them, and their share of what starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from seamline.process import attributes
from seamline.process.view import Status
from seamline.records.base import Record
from seamline.settings import PROCESS_QUEUE
from seamline.temporal import POLLER_SILENT_MAX, reaching

RPC_SECONDS_MAX = 30
"""Temporal changes the routing of every task queue of a build in turn."""
WAITS = f"{attributes.STATUS.name} IN ('{Status.WAITING.value}', '{Status.HELD_UP.value}')"


class Refused(Exception):
    """What was asked makes no sense now. The text says why, and what to do."""


class Build(Record):
    """One build: its share of what starts, whether a worker of it runs, and what runs on it."""

    id: str
    current: bool
    percent: float
    polled: bool
    running: int
    waiting: int


class Builds:
    """The builds of one deployment."""

    def __init__(self, client: Client, deployment: str) -> None:
        self.client = client
        self.deployment = deployment

    async def all(self) -> Sequence[Build]:
        """Every build, the latest first."""
        info = await self._info()
        polled = await self._polled()
        return [await self._build(info, one, polled) for one in _ids(info)]

    async def one(self, build: str) -> Build:
        """One build. Refused when Temporal knows none by this name."""
        return await self._build(await self._known(build), build, await self._polled())

    async def current(self) -> str:
        """The build that gets what starts; empty when none does."""
        return str((await self._info()).routing_config.current_deployment_version.build_id)

    async def make_current(self, build: str) -> None:
        """Give it all that starts. Refused while no worker of it runs."""
        info = await self._known(build)
        if info.routing_config.current_deployment_version.build_id == build:
            return
        await self._check_polled(build)
        request = SetWorkerDeploymentCurrentVersionRequest(
            namespace=self.client.namespace,
            deployment_name=self.deployment,
            build_id=build,
            identity=self.client.identity,
        )
        with _refusing(build):
            await self.client.workflow_service.set_worker_deployment_current_version(request, timeout=_RPC, retry=True)

    async def ramp(self, build: str, percent: int) -> None:
        """Give it a share of what starts; 0 ends that. Refused when it gets all, or while no worker of it runs."""
        routing = (await self._known(build)).routing_config
        if routing.current_deployment_version.build_id == build:
            raise Refused(f"{build} gets all that starts already: ramp the new build")
        if not percent:
            if routing.ramping_deployment_version.build_id == build:
                await self.end_ramp()
            return
        await self._check_polled(build)
        await self._set_ramp(build, percent)

    async def end_ramp(self) -> None:
        """Let no build get a share beside the current one."""
        if (await self._info()).routing_config.ramping_deployment_version.build_id:
            await self._set_ramp("", 0)

    async def _set_ramp(self, build: str, percent: int) -> None:
        request = SetWorkerDeploymentRampingVersionRequest(
            namespace=self.client.namespace,
            deployment_name=self.deployment,
            build_id=build,
            percentage=percent,
            identity=self.client.identity,
        )
        with _refusing(build):
            await self.client.workflow_service.set_worker_deployment_ramping_version(request, timeout=_RPC, retry=True)

    async def _check_polled(self, build: str) -> None:
        if build not in await self._polled():
            raise Refused(f"no worker of build {build} runs: start its workers first, what starts would wait for them")

    async def _known(self, build: str) -> WorkerDeploymentInfo:
        info = await self._info()
        if build not in _ids(info):
            raise Refused(
                f"Temporal knows no build {build} of {self.deployment}: start a worker of it; "
                f"there are: {', '.join(_ids(info))}"
            )
        return info

    async def _info(self) -> WorkerDeploymentInfo:
        request = DescribeWorkerDeploymentRequest(namespace=self.client.namespace, deployment_name=self.deployment)
        try:
            with reaching():
                answer = await self.client.workflow_service.describe_worker_deployment(
                    request, timeout=_RPC, retry=True
                )
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise Refused(f"Temporal knows no workers of {self.deployment}: start one with worker.build_id") from None
        return answer.worker_deployment_info

    async def _polled(self) -> set[str]:
        """The builds whose workers ask for processes."""
        request = DescribeTaskQueueRequest(
            namespace=self.client.namespace,
            task_queue=TaskQueue(name=PROCESS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        with reaching():
            answer = await self.client.workflow_service.describe_task_queue(request, timeout=_RPC, retry=True)
        return {
            one.deployment_options.build_id
            for one in answer.pollers
            if one.deployment_options.deployment_name == self.deployment
            and datetime.now(UTC) - one.last_access_time.ToDatetime(UTC) < POLLER_SILENT_MAX
        }

    async def _build(self, info: WorkerDeploymentInfo, build: str, polled: set[str]) -> Build:
        routing = info.routing_config
        ramping = routing.ramping_deployment_version.build_id == build
        return Build(
            id=build,
            current=routing.current_deployment_version.build_id == build,
            percent=routing.ramping_version_percentage if ramping else 0,
            polled=build in polled,
            running=await self._count(build),
            waiting=await self._count(build, WAITS),
        )

    async def _count(self, build: str, *conditions: str) -> int:
        with reaching():
            return (await self.client.count_workflows(" AND ".join([self.running_on(build), *conditions]))).count

    def running_on(self, build: str) -> str:
        """The query for what runs on a build."""
        return f"ExecutionStatus = 'Running' AND TemporalWorkerDeploymentVersion = '{self.deployment}:{build}'"


class _refusing:
    """Turn what Temporal refuses into Refused."""

    def __init__(self, build: str) -> None:
        self._build = build

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RPCError) and error.status in (
            RPCStatusCode.FAILED_PRECONDITION,
            RPCStatusCode.INVALID_ARGUMENT,
        ):
            raise Refused(f"Temporal refuses build {self._build}: {error.message}") from None


def _ids(info: WorkerDeploymentInfo) -> list[str]:
    latest = sorted(info.version_summaries, key=lambda one: one.create_time.ToDatetime(), reverse=True)
    return [one.deployment_version.build_id for one in latest]


_RPC = timedelta(seconds=RPC_SECONDS_MAX)
