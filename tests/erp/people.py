"""What people do in the ERP by hand: the warehouse moves goods, staff count the shelf, and look things up."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from tests.erp.tryton import KEYS, PEOPLE, Tryton

ANSWER_SECONDS_MAX = 120
SHIPMENT, MOVE, PACKAGE = "stock.shipment.out", "stock.move", "stock.package"
INVENTORY, LINE = "stock.inventory", "stock.inventory.line"
BUTTONS = {"picked": "pick", "packed": "pack", "done": "do"}
Values = dict[str, Any]


class Refused(AssertionError):
    """Tryton did not do what people wanted."""


class People:
    """They use Tryton itself, past any proxy."""

    def __init__(self, erp: Tryton, database: str, http: httpx.AsyncClient) -> None:
        self._erp = erp
        self._database = database
        self._http = http
        self._places: dict[str, int] = {}

    async def find(self, model: str, domain: Sequence[Any], *fields: str, **context: Any) -> list[Values]:
        """The records that a domain finds, by their ids."""
        query = {"d": _coded(domain), "f": ["id", *fields], "o": _coded([["id", "ASC"]])}
        found: list[Values] = await self._ask("GET", model, query=query, **context)
        return found

    async def create(self, model: str, values: Values) -> int:
        """Enter a record: its id."""
        made = await self._ask("POST", model, values)
        return int(made["id"])

    async def change(self, model: str, record: int, values: Values) -> None:
        """Change a record."""
        await self._ask("PUT", f"{model}/{record}", values)

    async def press(self, model: str, record: int, button: str) -> None:
        """Press a button."""
        await self._ask("POST", f"{model}/{record}/{button}", {})

    async def free(self, sku: str) -> int:
        """Pieces on the shelf that no shipment holds."""
        return await self._shelf(sku, stock_assign=True)

    async def set_free(self, sku: str, pieces: int) -> None:
        """Somebody counts the shelf: pieces are found or lost."""
        (product,) = await self.find("product.product", [["code", "=", sku]])
        held = await self._shelf(sku, stock_assign=False) - await self.free(sku)
        about = {"company": 1, "location": await self._place("STO"), "empty_quantity": "keep"}
        count = await self.create(INVENTORY, about)
        await self.press(INVENTORY, count, "complete_lines")
        counted = {"quantity": pieces + held}
        lines = await self.find(LINE, [["inventory", "=", count], ["product", "=", product["id"]]])
        for line in lines:
            await self.change(LINE, line["id"], counted)
        if not lines:
            await self.create(LINE, {"inventory": count, "product": product["id"], **counted})
        await self.press(INVENTORY, count, "confirm")

    async def move(self, shipment: str, *states: str) -> None:
        """The warehouse picks, packs, hands over."""
        for state in states:
            await self.press(SHIPMENT, int(shipment), BUTTONS[state])

    async def pack(self, shipment: str, *parcels: dict[str, int]) -> None:
        """The warehouse picks, and packs each parcel's articles, of which a shipment has one line each."""
        await self.move(shipment, "picked")
        kind = await self.create("stock.package.type", {"name": "Box"})
        (gram,) = await self.find("product.uom", [["name", "=", "Gram"]])
        weight = {"packaging_weight": 120.0, "packaging_weight_uom": gram["id"]}
        about = {"company": 1, "type": kind, "shipment": f"{SHIPMENT},{shipment}", **weight}
        for parcel in parcels:
            moves = [await self._goods(int(shipment), sku, pieces) for sku, pieces in parcel.items()]
            await self.create(PACKAGE, {**about, "moves": [["add", moves]]})
        await self.move(shipment, "packed")

    async def held(self) -> Counter[str]:
        """The pieces of each article that shipments hold or took away."""
        domain = [
            ["shipment.state", "in", ["assigned", "picked", "packed", "shipped", "done"], SHIPMENT],
            ["to_location.type", "=", "customer"],
            ["state", "!=", "cancelled"],
        ]
        held: Counter[str] = Counter()
        for one in await self.find(MOVE, domain, "quantity", "product.code"):
            held[one["product"]["code"]] += int(one["quantity"])
        return held

    async def _goods(self, shipment: int, sku: str, pieces: int) -> int:
        """The move of this article to the customer; people split it when a parcel takes a part."""
        (found,) = await self.find(
            MOVE,
            [["shipment", "=", f"{SHIPMENT},{shipment}"], ["product.code", "=", sku], ["package", "=", None],
             ["to_location.type", "=", "customer"]],
            "quantity",
        )  # fmt: skip
        if found["quantity"] > pieces:
            raise AssertionError("a parcel takes all pieces of an article here")
        return int(found["id"])

    async def _shelf(self, sku: str, *, stock_assign: bool) -> int:
        context = {"locations": [await self._place("STO")], "stock_assign": stock_assign}
        (product,) = await self.find("product.product", [["code", "=", sku]], "quantity", **context)
        return int(product["quantity"] or 0)

    async def _place(self, code: str) -> int:
        if code not in self._places:
            (found,) = await self.find("stock.location", [["code", "=", code]])
            self._places[code] = found["id"]
        return self._places[code]

    async def _ask(self, method: str, path: str, body: Any = None, query: Values | None = None, **context: Any) -> Any:
        headers = {
            "Authorization": f"Bearer {KEYS[PEOPLE]}",
            "X-Tryton-Context": _coded({"company": 1, **context}),
        }
        url = f"{self._erp.url}/{self._database}/rest/model/{path}"
        answer = await self._http.request(
            method, url, json=body, params=query, headers=headers, timeout=ANSWER_SECONDS_MAX
        )
        if not answer.is_success:
            raise Refused(f"{method} {path}: {answer.status_code} {answer.text[:2000]}")
        return answer.json() if answer.content else None


def _coded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
