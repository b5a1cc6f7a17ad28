"""What the simulated shop is set to: whether it is live, its currency, and its locations."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.shopify_acts import SYSTEM
from seamline.simulator.shopify_money_views import View
from seamline.simulator.shopify_orders import MAIN_LOCATION, gid, location_id
from seamline.simulator.world import Body, World

_ACCOUNT = "account"


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AccountSet(_Asked):
    """What the shop is: a development store unless it is live."""

    live: bool = False
    currency: str = Field(default="GBP", pattern="^[A-Z]{3}$")


class LocationSet(_Asked):
    """A location, made where there is none; `ships`: whether what is sold online leaves from it."""

    name: str = Field(min_length=1, max_length=100)
    ships: bool = True


def account_of(world: World, connection: str) -> Body:
    """What the shop is."""
    return world.get(connection, _ACCOUNT, "1") or AccountSet().model_dump()


def locations(world: World, connection: str) -> list[Body]:
    """All locations by name: the main one, those that goods were to leave from, and those that were set."""
    location_id(world, connection, MAIN_LOCATION)
    return sorted(world.find(connection, "location"), key=lambda one: str(one["name"]))


def location_view(location: Body) -> View:
    """The type Location."""
    return {
        "id": gid("Location", location["id"]),
        "legacyResourceId": location["id"],
        "name": location["name"],
        "isActive": True,
        "isFulfillmentService": location.get("service", False),
        "fulfillsOnlineOrders": location.get("ships", True),
    }


def set_up(routes: APIRouter, world: World) -> None:
    """The control routes."""

    @routes.put("/account")
    async def account(connection: str, wanted: AccountSet) -> Body:
        world.connect(connection, SYSTEM)
        world.put(connection, _ACCOUNT, "1", {"id": "1", **wanted.model_dump()})
        return account_of(world, connection)

    @routes.put("/locations")
    async def location(connection: str, wanted: LocationSet) -> list[Body]:
        world.connect(connection, SYSTEM)
        known = {"id": location_id(world, connection, wanted.name), **wanted.model_dump()}
        world.put(connection, "location", wanted.name, known)
        return locations(world, connection)
