"""A client of the simulated Tryton for tests: real HTTP, in the dialect of its REST API."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def decimal(text: str) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": text}


class ErpClient:
    """One user application, within company 1."""

    def __init__(self, http: httpx.AsyncClient, connection: str) -> None:
        self.http = http
        self.connection = connection
        self.headers = {
            "Authorization": f"Bearer tryton-test-{connection}",
            "X-Tryton-Context": encoded({"company": 1}),
        }

    async def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = self.headers | more.pop("headers", {})
        return await self.http.request(
            method, f"/tryton/{self.connection}/erp/rest/model/{path}", headers=headers, **more
        )

    async def done(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.send(method, path, **more)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    async def search(self, model: str, domain: list[Any], *fields: str, **more: Any) -> list[dict[str, Any]]:
        params = {"d": encoded(domain), "f": list(fields)} | more
        return list(await self.done("GET", model, params=params))

    async def read(self, model: str, record_id: int, *fields: str) -> dict[str, Any]:
        return dict(await self.done("GET", f"{model}/{record_id}", params={"f": list(fields)}))

    async def press(self, model: str, record_id: int, button: str, *fields: str) -> dict[str, Any]:
        return dict(await self.done("POST", f"{model}/{record_id}/{button}", json={}, params={"f": list(fields)}))

    async def the_id(self, model: str, **equal: Any) -> int:
        (found,) = await self.search(model, [[name, "=", value] for name, value in equal.items()])
        return int(found["id"])

    async def customer(self, code: str) -> tuple[int, int]:
        """A new party and its address."""
        address = {
            "party_name": "Jo Fielding",
            "street": "12 Mill Lane",
            "postal_code": "CB2 1RX",
            "city": "Cambridge",
            "country": await self.the_id("country.country", code="GB"),
        }
        body = {"name": "Jo Fielding", "code": code, "addresses": [["create", [address]]]}
        made = await self.done("POST", "party.party", json=body, params={"f": ["addresses"]})
        return int(made["id"]), int(made["addresses"][0])

    async def sale_body(self, reference: str, *goods: tuple[str, int], **more: Any) -> dict[str, Any]:
        party, address = await self.customer(f"{reference}/{len(await self.search('party.party', []))}")
        unit = await self.the_id("product.uom", name="Unit")
        lines = [
            {
                "product": await self.the_id("product.product", code=sku),
                "quantity": quantity,
                "unit": unit,
                "unit_price": decimal("12.50"),
            }
            for sku, quantity in goods
        ]
        return {
            "party": party,
            "invoice_address": address,
            "shipment_address": address,
            "reference": reference,
            "description": f"{reference}/reserve#1",
            "currency": await self.the_id("currency.currency", code="GBP"),
            "shipment_cost_method": None,
            "lines": [["create", lines]],
        } | more

    async def sale(self, reference: str, *goods: tuple[str, int]) -> int:
        """A new draft sale."""
        made = await self.done("POST", "sale.sale", json=await self.sale_body(reference, *goods))
        return int(made["id"])

    async def confirmed(self, reference: str, *goods: tuple[str, int]) -> tuple[int, int]:
        """A confirmed sale and its shipment, which waits for stock."""
        sale = await self.sale(reference, *goods)
        await self.press("sale.sale", sale, "quote")
        await self.press("sale.sale", sale, "confirm")
        (shipment,) = (await self.read("sale.sale", sale, "shipments"))["shipments"]
        return sale, int(shipment)

    async def state(self, shipment: int) -> str:
        return str((await self.read("stock.shipment.out", shipment, "state"))["state"])
