"""Shopify's stock: the shape of what comes back.

Source: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

from seamline.systems.shopify.wire import Identified, Page, UserError, Wire


class Location(Wire):
    """Where goods are stocked."""

    id: str
    name: str


class InventoryQuantity(Wire):
    """Pieces in one state: `on_hand` are all that are there, `committed` those of them that are sold."""

    name: str
    quantity: int


class InventoryLevel(Wire):
    """One article at one location."""

    location: Location
    quantities: tuple[InventoryQuantity, ...] = ()


class InventoryItem(Wire):
    """An article and where it is stocked; the store may keep no stock of it."""

    id: str
    sku: str | None = None
    tracked: bool = True
    inventory_levels: Page[InventoryLevel] = Page[InventoryLevel]()


class Assigned(Wire):
    """Where a fulfilment order's goods leave from; the location may be gone."""

    location: Identified | None = None


class LocatedPart(Wire):
    """A fulfilment order of which the location is read."""

    assigned_location: Assigned = Assigned()


class OrderNote(Wire):
    """What people read on an order."""

    note: str | None = None


class Changed(Wire):
    """The payload of a mutation of which only the refusals are read."""

    user_errors: tuple[UserError, ...] = ()


class QuantityError(UserError):
    """Why a quantity was not set."""

    code: str | None = None


class QuantitiesSet(Wire):
    """The payload of inventorySetQuantities."""

    user_errors: tuple[QuantityError, ...] = ()
