"""The shape of Tryton's return shipments and warehouses, and the fields asked for.

Source: trytond_stock/shipment.py.
"""

from __future__ import annotations

from seamline.systems.tryton.wire import Text, Wire

RETURN_FIELDS = ("number", "reference", "state")
WAREHOUSE_FIELDS = ("input_location", "storage_location")


class ReturnShipment(Wire):
    """A customer return shipment: draft, received, done or cancelled. We write our key into its reference."""

    number: Text = ""
    reference: Text = ""
    state: str


class Warehouse(Wire):
    """A warehouse, and where goods come in and are kept."""

    input_location: int
    storage_location: int
