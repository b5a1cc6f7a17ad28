"""Where workflow code runs: in production as plain Python, in tests in Temporal's sandbox.

The sandbox imports a process's modules anew for each run, which costs more than all else that the run does. What it
would find (the clock, chance or the machine asked) `make check` refuses in `workflows/`, and tests run processes in it.
"""

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
"""Pure modules: no I/O, no state that one process could leave to another. The sandbox need not import them anew."""


class _Unversioned(UnsandboxedWorkflowRunner):
    """Runs a process without its word on moving between builds: Temporal takes that from versioned workers alone."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """The instance, with the behaviour left out of its definition."""
        defn = dataclasses.replace(det.defn, versioning_behavior=None)
        return super().create_instance(dataclasses.replace(det, defn=defn))


def runner(*, versioned: bool = False) -> UnsandboxedWorkflowRunner:
    """What production runs processes with; `versioned` when the worker has a deployment name and a build id."""
    return UnsandboxedWorkflowRunner() if versioned else _Unversioned()


def strict_runner() -> SandboxedWorkflowRunner:
    """What tests run processes with: it ends a run that asks for what may differ the next time."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    return SandboxedWorkflowRunner(restrictions=restrictions, runner_class=_Unversioned)
