"""Where workflow code runs: Temporal's sandbox, with one explicit list of modules that it shares with the worker."""

from __future__ import annotations

import dataclasses

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

PASSED_THROUGH = (
    "seamline.errors",
    "seamline.process",
    "seamline.records",
    "activities",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_inspection",
    "typing_extensions",
)
"""Pure modules: no I/O, no state that one process could leave to another. Importing them anew doubles a run's cost."""


class _Unversioned(UnsandboxedWorkflowRunner):
    """Runs a process without its word on moving between builds: Temporal takes that from versioned workers alone."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """The instance, with the behaviour left out of its definition."""
        defn = dataclasses.replace(det.defn, versioning_behavior=None)
        return super().create_instance(dataclasses.replace(det, defn=defn))


def runner(*, versioned: bool = False) -> SandboxedWorkflowRunner:
    """The sandbox with the list applied; `versioned` when the worker has a deployment name and a build id."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH),
        runner_class=UnsandboxedWorkflowRunner if versioned else _Unversioned,
    )
