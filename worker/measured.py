"""What is measured where it happens: each try of a step, and each process once it is over.

Temporal's own meter is used: it knows activity and workflow type, and does not count a process again while it replays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import perf_counter
from typing import Any

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from seamline.errors import Kind
from seamline.metrics import FAILURES, PROCESS_DURATION, STEP_DURATION
from seamline.process.process import Process
from seamline.process.view import Outcome, Status

DONE, CANCELLED, TIMEOUT, FAILED = "done", "cancelled", "timeout", "failed"
_NO_FAILURE = (DONE, CANCELLED, Kind.NOT_YET, Kind.OBSERVED)


@contextmanager
def measured_step(connection: str) -> Iterator[None]:
    """Around one try of a step: how long it took, how it ended, and whether that is a failure."""
    began, end = perf_counter(), DONE
    try:
        yield
    except ApplicationError as error:
        end = error.type or Kind.DEFECT
        raise
    except asyncio.CancelledError:
        details = activity.cancellation_details()
        end = TIMEOUT if details and details.timed_out else CANCELLED
        raise
    except Exception:
        end = Kind.DEFECT
        raise
    finally:
        _tell(connection, end, timedelta(seconds=perf_counter() - began))


def _tell(connection: str, end: str, lasted: timedelta) -> None:
    meter = activity.metric_meter()
    duration = meter.create_histogram_timedelta(STEP_DURATION, "Time of one try of a step", "s")
    duration.record(lasted, {"connection": connection, "end": end})
    if end not in _NO_FAILURE:
        failures = meter.create_counter(FAILURES, "Tries of steps that failed")
        failures.add(1, {"connection": connection, "kind": end})


class ProcessMeter(Interceptor):
    """Tells how long each process lived, and how it ended."""

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """What is put around each run."""
        return _Lifetime


class _Lifetime(WorkflowInboundInterceptor):
    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        try:
            result = await super().execute_workflow(input)
        except FailureError:
            self._tell(FAILED)
            raise
        except asyncio.CancelledError:
            # The cache evicts a run by this too, and then it has not ended.
            process = workflow.instance()
            if isinstance(process, Process) and process.status() is Status.UNDONE:
                self._tell(Status.UNDONE)
            raise
        if isinstance(result, Outcome):
            self._tell(result.kind)
        return result

    def _tell(self, end: str) -> None:
        duration = workflow.metric_meter().create_histogram_timedelta(PROCESS_DURATION, "Time a process lived", "s")
        duration.record(workflow.now() - workflow.info().workflow_start_time, {"end": str(end)})
