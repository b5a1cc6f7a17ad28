"""What really happened in the ERP, entered in the simulator's ledger, where the checker and the carrier look for it."""

from __future__ import annotations

import asyncio
import re

import httpx

from tests.erp.people import SHIPMENT, People

RETURN = "stock.shipment.out.return"
LEFT = ("shipped", "done")
HELD = ("assigned", "picked", "packed")
MEANT = {
    ("free", "held"): ("reserve",),
    ("free", "left"): ("reserve", "ship"),
    ("held", "left"): ("ship",),
    ("held", "free"): ("release",),
}
"""What it means for its goods that a shipment was one and is the other."""
_PRESSED = re.compile(r"^POST .*/(stock\.shipment\.out(?:\.return)?)/(\d+)/")


class Observer:
    """Looks at Tryton's own records, and so shares nothing with the adapter."""

    def __init__(self, people: People, connection: str, simulator: str, http: httpx.AsyncClient) -> None:
        self._people = people
        self._connection = connection
        self._ledger = f"{simulator}/_simulator/effects"
        self._http = http
        self._goods: dict[int, str] = {}
        self._returned: set[int] = set()
        self._one_at_a_time = asyncio.Lock()

    async def heard(self, call: str) -> None:
        """A button was pressed: look before its answer goes back, so that the ledger has things in their order."""
        if pressed := _PRESSED.search(call):
            await (self.look(int(pressed[2])) if pressed[1] == SHIPMENT else self.look_at_returns())

    async def look(self, shipment: int | None = None) -> None:
        """Enter what is new of this shipment, or of all."""
        domain = [["shipments", "=", shipment]] if shipment else []
        async with self._one_at_a_time:
            for sale in await self._people.find("sale.sale", domain, "reference", "description", "shipments.state"):
                for one in sale["shipments"]:
                    await self._moved(one["id"], one["state"], sale["reference"] or "", sale["description"] or "")

    async def look_at_returns(self) -> None:
        """Enter what came back and is on the shelf."""
        async with self._one_at_a_time:
            for one in await self._people.find(RETURN, [["state", "=", "done"]], "reference"):
                if one["id"] not in self._returned:
                    self._returned.add(one["id"])
                    key = one["reference"] or ""
                    await self._enter("receive-return", f"return-{one['id']}", key.partition("/")[0], key)

    async def _moved(self, shipment: int, state: str, reference: str, key: str) -> None:
        now = "left" if state in LEFT else "held" if state in HELD else "free"
        before = self._goods.get(shipment, "free")
        self._goods[shipment] = now
        for operation in MEANT.get((before, now), ()):
            undoes = str(shipment) if operation == "release" else None
            await self._enter(operation, str(shipment), reference, key, undoes)

    async def _enter(self, operation: str, object_id: str, reference: str, key: str, undoes: str | None = None) -> None:
        effect = {"connection": self._connection, "system": "tryton", "operation": operation, "object_id": object_id}
        marks = {"reference": reference, "key": key, "undoes": undoes}
        answer = await self._http.post(self._ledger, json={**effect, **marks})
        answer.raise_for_status()
