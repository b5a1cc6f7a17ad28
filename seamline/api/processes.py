"""Processes by HTTP: starting one, listing those that fit, and what a cancel would do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Body, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seamline.api.door import Door, authorized, door_of
from seamline.api.problems import ApiError, documented, wrong_fields
from seamline.cancelling import Prospect
from seamline.errors import Problem
from seamline.finding import Listed, Status
from seamline.process.process import Process
from seamline.process.start import STARTED_BY_LENGTH_MAX, Start, problems_of
from seamline.process.view import Planned
from seamline.records.reference import Reference
from seamline.settings import start_for
from seamline.teams import TeamName

router = APIRouter(tags=["processes"])

PAGE_DEFAULT, PAGE_MAX = 50, 200
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


class Wanted(BaseModel):
    """Which processes to list, and which page of them."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reference: Reference | None = Field(
        default=None, description="Only those about this object, its parts, parcels and returns."
    )
    status: Status | None = Field(default=None, description="Only those in this state.")
    team: TeamName | None = Field(default=None, description="Only those that wait for this team.")
    limit: int = Field(default=PAGE_DEFAULT, ge=1, le=PAGE_MAX, description="At most so many on the page.")
    after: str = Field(default="", max_length=1000, description="`next` of the page before, with the same filters.")


class Entry(BaseModel):
    """One process in a list. `team` and `cause` say what it waits for; `closed` is null while it runs."""

    model_config = ConfigDict(hide_input_in_errors=True)

    workflow_id: str = Field(examples=["order-to-shipment:shop-uk:5001"])
    process: str = Field(examples=["order-to-shipment"])
    reference: str = Field(examples=["shop-uk:5001"])
    status: Status
    team: str = Field(examples=["operations"])
    cause: str = Field(examples=["shippo-main refusal address-invalid"])
    started: datetime
    closed: datetime | None
    links: dict[str, str] = Field(description="Pages that show it; empty unless temporal_ui_url is set.")

    @classmethod
    def of(cls, one: Listed, door: Door) -> Self:
        """As a list shows it."""
        return cls(workflow_id=one.id, links=door.links(one.id), **one.model_dump(exclude={"id"}))


class Page(BaseModel):
    """The latest first. `next` is null on the last page."""

    model_config = ConfigDict(hide_input_in_errors=True)

    processes: list[Entry]
    next: str | None


class CancelPreview(BaseModel):
    """What a cancel would do to one process now."""

    model_config = ConfigDict(hide_input_in_errors=True)

    workflow_id: str = Field(examples=["order-to-shipment:shop-uk:5001"])
    status: Status
    running: bool = Field(description="False: it has ended, and a cancel does nothing to it.")
    left: bool = Field(description="The point of no return is passed: nothing of it is taken back.")
    undo_plan: list[Planned] | None = Field(
        description="What would be taken back, in this order; null while no worker runs, which alone knows."
    )

    @classmethod
    def of(cls, one: Prospect) -> Self:
        """As it is told."""
        return cls(workflow_id=one.id, **one.model_dump(exclude={"id"}))


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


@router.get(
    "/processes",
    summary="List processes",
    description="A process started just now is listed after a moment.",
    responses=documented(401, 422, 503),
    dependencies=[Depends(authorized)],
)
async def list_(wanted: Annotated[Wanted, Query()], door: Annotated[Door, Depends(door_of)]) -> Page:
    """One page of those that fit."""
    try:
        found, following = await door.page(
            status=wanted.status,
            team=wanted.team or "",
            reference=wanted.reference or "",
            limit=wanted.limit,
            after=wanted.after,
        )
    except ValueError as error:
        raise wrong_fields([Problem(field="after", reason=str(error))]) from None
    return Page(processes=[Entry.of(one, door) for one in found], next=following or None)


@router.get(
    "/processes/{workflow_id}/cancel-preview",
    summary="Show what a cancel would take back",
    description="The process first, then its parts, which are cancelled with it. Changes nothing.",
    responses=documented(401, 404, 503),
    dependencies=[Depends(authorized)],
)
async def preview(workflow_id: str, door: Annotated[Door, Depends(door_of)]) -> list[CancelPreview]:
    """The process and its parts."""
    found = await door.prospects(workflow_id)
    if not found:
        raise ApiError(404, "there is no such process: GET /processes lists those there are")
    return [CancelPreview.of(one) for one in found]


def checked_start(door: Door, process: type[Process], asked: StartRequest) -> Start:
    """The start of the moment. ApiError 422 names what does not fit."""
    try:
        return start_for(process, asked.reference, door.settings, started_by=asked.started_by or "api")
    except ValidationError as error:
        raise wrong_fields(problems_of(error)) from None
    except ValueError as error:
        raise wrong_fields([Problem(field="reference", reason=str(error))]) from None
