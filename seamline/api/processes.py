"""Starting a process by one call."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seamline.api.door import Door, authorized, door_of
from seamline.api.problems import ApiError, documented, wrong_fields
from seamline.errors import Problem
from seamline.process.process import Process
from seamline.process.start import STARTED_BY_LENGTH_MAX, Start, problems_of
from seamline.records.reference import Reference
from seamline.settings import start_for

router = APIRouter(tags=["processes"])

_EXAMPLES = [{"reference": "shop-uk:5001", "started_by": "order desk"}]


class StartRequest(BaseModel):
    """What to start a process for."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reference: Reference = Field(description="connection:external id, for example shop-uk:5001")
    started_by: str = Field(default="", max_length=STARTED_BY_LENGTH_MAX, description="Which service or person asks.")


class Started(BaseModel):
    """The process; `started` is false when it was there before."""

    model_config = ConfigDict(hide_input_in_errors=True)

    workflow_id: str = Field(examples=["order-to-shipment:shop-uk:5001"])
    started: bool
    links: dict[str, str] = Field(description="Pages that show it; empty unless temporal_ui_url is set.")


@router.post(
    "/processes/{process}",
    status_code=201,
    response_model=Started,
    summary="Start a process for a reference",
    description="Acknowledged once Temporal has it. Starting it again changes nothing and answers 200.",
    responses={200: {"model": Started, "description": "It was there before"}, **documented(401, 404, 413, 422, 503)},
    dependencies=[Depends(authorized)],
)
async def start(
    process: str,
    asked: Annotated[StartRequest, Body(examples=_EXAMPLES)],
    door: Annotated[Door, Depends(door_of)],
    response: Response,
) -> Started:
    """Start it, or find it started."""
    known = door.processes.get(process)
    if known is None:
        raise ApiError(404, f"there is no such process; there are: {', '.join(sorted(door.processes)) or 'none'}")
    workflow_id, started = await door.start(known, checked_start(door, known, asked))
    response.status_code = 201 if started else 200
    return Started(workflow_id=workflow_id, started=started, links=door.links(workflow_id))


def checked_start(door: Door, process: type[Process], asked: StartRequest) -> Start:
    """The start of the moment. ApiError 422 names what does not fit."""
    try:
        return start_for(process, asked.reference, door.settings, started_by=asked.started_by or "api")
    except ValidationError as error:
        raise wrong_fields(problems_of(error)) from None
    except ValueError as error:
        raise wrong_fields([Problem(field="reference", reason=str(error))]) from None
