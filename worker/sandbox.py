"""Where workflow code runs: Temporal's sandbox, with one explicit list of modules that it shares with the worker."""

from __future__ import annotations

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


def runner() -> SandboxedWorkflowRunner:
    """The sandbox with the list applied."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
