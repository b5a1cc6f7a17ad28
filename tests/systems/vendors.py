"""The vendors' side of the tests: what customers, the warehouse, carriers and bad luck do, over the control API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from seamline.http import trusted
from seamline.simulator.server import Simulator

ANSWER_SECONDS_MAX = 10


class Simulated:
    """A running simulator, driven."""

    def __init__(self, simulator: Simulator, control: httpx.AsyncClient) -> None:
        self.url = simulator.url
        self.smtp_host = simulator.smtp_host
        self.smtp_port = simulator.smtp_port
        self._control = control

    @classmethod
    @asynccontextmanager
    async def of(cls, simulator: Simulator) -> AsyncIterator[Simulated]:
        """Drive this simulator."""
        base = f"{simulator.url}/_simulator"
        async with httpx.AsyncClient(base_url=base, timeout=ANSWER_SECONDS_MAX, verify=trusted()) as control:
            yield cls(simulator, control)

    async def fault(self, connection: str, kind: str, operation: str = "*", **more: Any) -> None:
        """Let something go wrong from now on."""
        await self._ask("POST", "/faults", {"connection": connection, "kind": kind, "operation": operation} | more)

    async def heal(self) -> None:
        """End all faults."""
        await self._ask("DELETE", "/faults")

    async def settings(self, **changes: Any) -> None:
        """Change how fast the world moves."""
        await self._ask("PUT", "/settings", changes)

    async def effects(self, **equal: str) -> list[str]:
        """The operations in the ledger, oldest first."""
        return [one["operation"] for one in await self._ask("GET", "/effects", query=equal)]

    async def calls(self, **equal: str) -> list[str]:
        """The operations called, oldest first."""
        return [one["operation"] for one in await self._ask("GET", "/calls", query=equal)]

    async def mails(self) -> list[dict[str, Any]]:
        """The mails that arrived, oldest first."""
        mails: list[dict[str, Any]] = await self._ask("GET", "/mails")
        return mails

    async def messages(self, connection: str) -> list[dict[str, Any]]:
        """What was written in a channel, oldest first."""
        messages: list[dict[str, Any]] = await self._ask("GET", "/messages", query={"connection": connection})
        return messages

    async def order(self, connection: str, **wanted: Any) -> str:
        """A customer's order; its reference."""
        return str((await self._ask("POST", f"/shops/{connection}/orders", wanted))["reference"])

    async def deal(self, connection: str, **wanted: Any) -> str:
        """A deal that sales made; its reference."""
        return str((await self.crm(connection, "POST", "deals", wanted))["reference"])

    async def crm(self, connection: str, method: str, path: str, body: Any = None) -> Any:
        """What people, the administrator and time do in a CRM: see the control API of the simulated one."""
        return await self._ask(method, f"/crms/{connection}/{path}", body)

    async def by_hand(self, reference: str, what: str, **wanted: Any) -> None:
        """Staff of the shop, a customer or a bank act on an order: `payment`, `edit`, `cancel`."""
        connection, _, number = reference.partition(":")
        await self._ask("POST", f"/shops/{connection}/orders/{number}/{what}", wanted)

    async def send_back(self, reference: str, **wanted: Any) -> str:
        """A customer's return of goods of an order; its reference."""
        connection, _, number = reference.partition(":")
        return str((await self._ask("POST", f"/shops/{connection}/orders/{number}/returns", wanted))["reference"])

    async def ledger(self, **equal: str) -> list[dict[str, Any]]:
        """The ledger's entries, oldest first."""
        entries: list[dict[str, Any]] = await self._ask("GET", "/effects", query=equal)
        return entries

    async def all_calls(self, **equal: str) -> list[dict[str, Any]]:
        """The calls with how they ended, oldest first."""
        calls: list[dict[str, Any]] = await self._ask("GET", "/calls", query=equal)
        return calls

    async def books(self, connection: str, method: str, path: str, **wanted: Any) -> Any:
        """What people, customers and the bank do in an organisation's books, or what these are set to."""
        return await self._ask(method, f"/books/{connection}/{path}", wanted or None)

    async def shop(self, connection: str, path: str, **wanted: Any) -> None:
        """Set a shop up: its `account`, its `locations`."""
        await self._ask("PUT", f"shops/{connection}/{path}", wanted)

    async def stock(self, connection: str, **pieces: int) -> dict[str, int]:
        """Set some articles' free pieces (names with `_` for `-`); what is free now."""
        wanted = {sku.replace("_", "-"): count for sku, count in pieces.items()}
        method = "PUT" if wanted else "GET"
        free: dict[str, int] = await self._ask(method, f"/stock/{connection}", wanted or None)
        return free

    async def warehouse(self, connection: str, shipment_id: str, *states: str) -> None:
        """The warehouse picks, packs, hands over."""
        for state in states:
            await self._ask("POST", f"/warehouse/{connection}/shipments/{shipment_id}", {"state": state})

    async def pack(self, connection: str, shipment_id: str, *packages: dict[str, Any]) -> None:
        """The warehouse picks, and packs the goods into these packages."""
        wanted = {"state": "packed", "packages": packages}
        await self._ask("POST", f"/warehouse/{connection}/shipments/{shipment_id}", wanted)

    async def parcel(self, number: str, state: str) -> None:
        """The carrier moves a parcel."""
        await self._ask("POST", f"/parcels/{number}", {"state": state})

    async def audience(self, connection: str, method: str, path: str, body: Any = None) -> Any:
        """What people do in the pages of a HubSpot account."""
        return await self._ask(method, f"/audiences/{connection}{path}", body)

    async def _ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> Any:
        answer = await self._control.request(method, path, json=body, params=query)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None
