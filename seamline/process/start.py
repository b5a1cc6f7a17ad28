"""What a process is started with, read leniently: a wrong input must end the run with a word, never wedge it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field, ValidationError
from temporalio.common import WorkflowIDReusePolicy

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.policy import Policy
from seamline.records.reference import Reference

STARTED_BY_LENGTH_MAX = 100
OBSERVED = "observe_only"
"""In the memo of a process that only observes."""

ConnectionName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
"""Also the name of the connection's task queue, so an impossible one would fail every workflow task."""


class Start(Record):
    """The reference, and the route and policy of the moment: a later change of settings touches no running process."""

    reference: Reference
    route: dict[str, ConnectionName] = Field(
        default={}, description="Role -> connection, for the roles the process uses."
    )
    policy: Policy = Policy()
    started_by: str = Field(default="", max_length=STARTED_BY_LENGTH_MAX)
    observe_only: bool = False
    """Nothing is written: the process tells what it would have done."""


S = TypeVar("S", bound=Start)


def read_start(kind: type[S], arguments: Sequence[Any]) -> S | list[Problem]:
    """The start that the arguments of a run hold, or every reason why they hold none."""
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        return [Problem(field="input", reason='must be one JSON object like {"reference": "shop-uk:5001"}')]
    try:
        return kind.model_validate(arguments[0])
    except ValidationError as error:
        return problems_of(error)


def problems_of(error: ValidationError) -> list[Problem]:
    """A pydantic error as problems, without the values that were given."""
    return [
        Problem(field=".".join(str(part) for part in one["loc"]) or "input", reason=one["msg"])
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def memo_of(start: Start) -> dict[str, Any]:
    """What Temporal shows of a process also while no worker runs."""
    return {"reference": start.reference} | ({OBSERVED: True} if start.observe_only else {})


def reuse_of(again: bool) -> WorkflowIDReusePolicy:
    """Whether a process whose id is taken by one that is over may be started."""
    return WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE


def workflow_id(process: str, reference: str) -> str:
    """One process for one business object: `order-to-shipment:shop-uk:5001`."""
    return f"{process}:{reference}"
