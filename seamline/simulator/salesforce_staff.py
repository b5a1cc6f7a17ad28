"""The control API of the simulated organisation: what sales people, the administrator and time do there."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.salesforce_deals import Deals, DealWanted
from seamline.simulator.salesforce_flow import Event, Flow
from seamline.simulator.salesforce_ids import full_id
from seamline.simulator.salesforce_objects import BY_PREFIX, TYPES, ObjectType
from seamline.simulator.salesforce_org import Org, OrgSettings
from seamline.simulator.salesforce_records import Records
from seamline.simulator.salesforce_values import Problem
from seamline.simulator.vendor import WorldError
from seamline.simulator.world import World

DELIVERIES_MAX = 100


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Subscribe(_Asked):
    """Where the Flow's events go."""

    url: str = Field(pattern=r"^https?://\S+$", max_length=500)


class Redeliver(_Asked):
    """The same event `times` more times, `at_once` of them at the same moment, signed `age_seconds` ago."""

    event: Event = "opportunity-won"
    times: int = Field(default=1, ge=1, le=DELIVERIES_MAX)
    at_once: int = Field(default=1, ge=1, le=DELIVERIES_MAX)
    age_seconds: int = Field(default=0, ge=0, le=1_000_000)


class Certificate(_Asked):
    """What the connected app's assertions are checked with, as PEM."""

    certificate: str = Field(max_length=20_000)


def control(world: World, flow: Flow) -> APIRouter:
    """The routes below `/_simulator`."""
    crm = APIRouter(prefix="/crms/{connection}")
    _deals(crm, world, flow)
    _records(crm, world, flow)
    _deliveries(crm, world, flow)
    _administration(crm, world)
    routes = APIRouter()
    routes.include_router(crm)
    return routes


def _people(world: World, connection: str, flow: Flow) -> tuple[Org, Records]:
    """The organisation as its people work in it."""
    org = Org(world, connection)

    def saved(before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        flow.saved(connection, before, after)

    return org, Records(world, connection, user=org.sales_user["Id"], over_api=False, saved=saved)


def _deals(routes: APIRouter, world: World, flow: Flow) -> None:
    @routes.post("/deals", status_code=201)
    async def make(connection: str, wanted: DealWanted) -> dict[str, str]:
        org, records = _people(world, connection, flow)
        try:
            with records.transaction():
                return _named(connection, Deals(org, records).make(wanted))
        except Problem as problem:
            raise WorldError(str(problem)) from None

    @routes.patch("/deals/{deal_id}")
    async def change(connection: str, deal_id: str, wanted: DealWanted) -> dict[str, str]:
        org, records = _people(world, connection, flow)
        try:
            with records.transaction():
                deal = records.get(TYPES["Opportunity"], deal_id)
                Deals(org, records).change(deal, wanted)
        except Problem as problem:
            raise WorldError(str(problem), problem.status if problem.status == 404 else 422) from None
        return _named(connection, deal["Id"])


def _records(routes: APIRouter, world: World, flow: Flow) -> None:
    @routes.get("/records")
    async def listed(connection: str, type: Annotated[str, Query(max_length=80)]) -> list[dict[str, Any]]:
        if type not in TYPES:
            raise WorldError(f"type: is one of {', '.join(TYPES)}")
        return world.find(Org(world, connection).connection, type)

    @routes.get("/records/{record_id}")
    async def one(connection: str, record_id: str) -> dict[str, Any]:
        return _found(world, connection, record_id)[1]

    @routes.patch("/records/{record_id}")
    async def change(connection: str, record_id: str, fields: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        kind, record = _found(world, connection, record_id)
        records = _people(world, connection, flow)[1]
        try:
            with records.transaction():
                records.update(kind, record["Id"], fields)
        except Problem as problem:
            raise WorldError(str(problem)) from None
        return _found(world, connection, record_id)[1]

    @routes.delete("/records/{record_id}", status_code=204)
    async def delete(connection: str, record_id: str) -> None:
        kind, record = _found(world, connection, record_id)
        records = _people(world, connection, flow)[1]
        try:
            with records.transaction():
                records.delete(kind, record["Id"])
        except Problem as problem:
            raise WorldError(str(problem), 409) from None


def _deliveries(routes: APIRouter, world: World, flow: Flow) -> None:
    @routes.post("/subscriptions", status_code=201)
    async def subscribe(connection: str, wanted: Subscribe) -> dict[str, str]:
        made = flow.subscribe(Org(world, connection).connection, wanted.url)
        return {"id": made["id"], "url": made["url"]}

    @routes.get("/deliveries")
    async def delivered(connection: str) -> list[dict[str, Any]]:
        return flow.deliveries(connection)

    @routes.post("/deals/{deal_id}/deliveries")
    async def redeliver(connection: str, deal_id: str, wanted: Redeliver) -> dict[str, list[int]]:
        deal = _found(world, connection, deal_id)[1]
        counts = {"times": wanted.times, "at_once": min(wanted.at_once, wanted.times)}
        statuses = await flow.redeliver(connection, deal, wanted.event, **counts, age_seconds=wanted.age_seconds)
        return {"statuses": statuses}


def _administration(routes: APIRouter, world: World) -> None:
    @routes.get("/settings")
    async def settings(connection: str) -> OrgSettings:
        return Org(world, connection).settings

    @routes.put("/settings")
    async def change(connection: str, changes: Annotated[dict[str, Any], Body()]) -> OrgSettings:
        return Org(world, connection).change(changes)

    @routes.put("/certificate", status_code=204)
    async def register(connection: str, wanted: Certificate) -> None:
        try:
            Org(world, connection).register(wanted.certificate)
        except ValueError as error:
            raise WorldError(str(error)) from None

    @routes.delete("/sessions")
    async def end_sessions(connection: str) -> dict[str, int]:
        return {"ended": Org(world, connection).end_sessions()}


def _found(world: World, connection: str, record_id: str) -> tuple[ObjectType, dict[str, Any]]:
    """The record, deleted or not, and its type."""
    try:
        kind = BY_PREFIX.get(full_id(record_id)[:3])
        record = world.get(connection, kind.name, full_id(record_id)) if kind else None
    except ValueError:
        kind, record = None, None
    if kind is None or record is None:
        raise WorldError(f"record {record_id[:18]} is not in {connection}", 404)
    return kind, record


def _named(connection: str, deal_id: str) -> dict[str, str]:
    return {"id": deal_id, "reference": f"{connection}:{deal_id}"}
