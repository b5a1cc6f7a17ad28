"""The control API `/_simulator`: faults, settings, warehouse, parcels, and what happened. Documented in the package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator import smtp
from seamline.simulator.faults import Fault, FaultRequest
from seamline.simulator.tryton_packages import PACKAGES_MAX, PackageWanted
from seamline.simulator.vendor import Vendor, WorldError
from seamline.simulator.world import Settings, World

Text = Annotated[str | None, Query(max_length=200)]
Pieces = Annotated[int, Field(ge=0, le=1_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Stock = Annotated[dict[Name, Pieces], Body()]


class Happened(BaseModel):
    """An effect in a system that is not simulated, as whoever watches that system enters it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    connection: Name
    system: Name
    operation: Name
    object_id: Name
    reference: str = Field(default="", max_length=200)
    key: str = Field(default="", max_length=200)
    undoes: Name | None = None


class Move(BaseModel):
    """How far the warehouse has got with a shipment, or that somebody cancelled it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: Literal["picked", "packed", "done", "cancelled"]
    packages: list[PackageWanted] = Field(default=[], max_length=PACKAGES_MAX)


def router(world: World, vendors: Mapping[str, Vendor]) -> APIRouter:
    """The routes over this world."""
    routes = APIRouter(prefix="/_simulator")
    _happened(routes, world)
    _faults_and_settings(routes, world)
    _warehouse(routes, world, vendors)
    return routes


def _happened(routes: APIRouter, world: World) -> None:
    @routes.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "connections": world.connections()}

    @routes.get("/effects")
    async def effects(reference: Text = None, connection: Text = None, operation: Text = None) -> list[dict[str, Any]]:
        world.settle()
        return world.effects(reference=reference, connection=connection, operation=operation)

    @routes.post("/effects", status_code=204)
    async def enter_effect(happened: Happened) -> None:
        world.record_effect(**happened.model_dump())

    @routes.get("/mails")
    async def mails(to: Text = None) -> list[dict[str, Any]]:
        return smtp.mails(world, to)

    @routes.get("/calls")
    async def calls(connection: Text = None, operation: Text = None, since: float = 0) -> list[dict[str, Any]]:
        return world.calls(since, connection=connection, operation=operation)


def _faults_and_settings(routes: APIRouter, world: World) -> None:
    @routes.post("/faults", status_code=201)
    async def add_fault(request: FaultRequest) -> Fault:
        return world.add_fault(request)

    @routes.get("/faults")
    async def faults() -> list[Fault]:
        return world.faults()

    @routes.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        world.clear_faults()

    @routes.delete("/faults/{fault_id}", status_code=204)
    async def end_fault(fault_id: str) -> None:
        if not world.end_fault(fault_id):
            raise WorldError("fault: there is none of this id", 404)

    @routes.get("/settings")
    async def settings() -> Settings:
        return world.settings

    @routes.put("/settings")
    async def change_settings(changes: Annotated[dict[str, Any], Body()]) -> Settings:
        world.settings = Settings.model_validate(world.settings.model_dump() | changes)
        return world.settings


def _warehouse(routes: APIRouter, world: World, vendors: Mapping[str, Vendor]) -> None:
    @routes.get("/stock/{connection}")
    async def stock(connection: str) -> dict[str, int]:
        return world.stock(connection)

    @routes.put("/stock/{connection}")
    async def set_stock(connection: str, quantities: Stock) -> dict[str, int]:
        world.set_stock(connection, quantities)
        return world.stock(connection)

    @routes.post("/warehouse/{connection}/shipments/{shipment_id}")
    async def move_shipment(connection: str, shipment_id: str, move: Move) -> dict[str, str]:
        vendor = vendors.get(world.connections().get(connection, ""))
        if vendor is None or vendor.move_shipment is None:
            raise WorldError(f"connection: {connection} is no inventory system used so far", 404)
        with world.transaction():
            return {
                "id": shipment_id,
                "state": vendor.move_shipment(connection, shipment_id, move.state, move.packages),
            }
