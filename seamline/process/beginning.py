"""Starting one process from another: it lives on by itself."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError

from seamline.process import attributes
from seamline.process.start import Start, memo_of, reuse_of, workflow_id


async def begin(process: str, start: Start, *, again: bool) -> bool:
    """Start a process from workflow code; it lives on by itself. False when one of its id is there already."""
    try:
        await workflow.start_child_workflow(
            process,
            start,
            id=workflow_id(process, start.reference),
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            id_reuse_policy=reuse_of(again),
            search_attributes=attributes.at_start(start.reference),
            memo=memo_of(start),
            static_summary=f"{process} of {start.reference}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
