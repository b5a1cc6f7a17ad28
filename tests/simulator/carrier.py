"""Shippo as a customer of it calls it, for the tests."""

from __future__ import annotations

from typing import Any

import httpx

CONNECTION = "shippo-main"
HEADERS = {"Authorization": f"ShippoToken shippo-test-{CONNECTION}"}
KEY = "shop-uk:5001/buy-label#1"
ADDRESS = {"name": "Ann Example", "street1": "1 High Street", "city": "London", "zip": "SW1A 1AA", "country": "GB"}

ITEM = {
    "description": "Mug",
    "quantity": 2,
    "net_weight": "760",
    "mass_unit": "g",
    "value_amount": "29.00",
    "value_currency": "GBP",
    "origin_country": "PL",
    "tariff_number": "732394",
}
DECLARATION = {
    "contents_type": "MERCHANDISE",
    "non_delivery_option": "RETURN",
    "certify": True,
    "certify_signer": "Ann Example",
    "incoterm": "DDU",
    "items": [ITEM],
}


def parcel(weight_grams: int = 900) -> dict[str, str]:
    """A parcel of the default size."""
    size = {"length": "30", "width": "20", "height": "10", "distance_unit": "cm"}
    return size | {"weight": str(weight_grams), "mass_unit": "g"}


class Customer:
    """Calls of one account."""

    def __init__(self, http: httpx.AsyncClient, connection: str = CONNECTION) -> None:
        self.http = http
        self.path = f"/shippo/{connection}"
        self.headers = {"Authorization": f"ShippoToken shippo-test-{connection}"}

    async def post(self, path: str, body: Any) -> httpx.Response:
        return await self.http.post(self.path + path, json=body, headers=self.headers)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.http.get(self.path + path, params=query, headers=self.headers)

    async def quote(
        self, weight_grams: int = 900, customs_declaration: str = "", **changes: str
    ) -> list[dict[str, Any]]:
        """The rates offered."""
        body: dict[str, Any] = {"address_from": ADDRESS, "address_to": ADDRESS | changes}
        body |= {"parcels": [parcel(weight_grams)]}
        body |= {"customs_declaration": customs_declaration} if customs_declaration else {}
        answer = await self.post("/shipments", body)
        assert answer.status_code == 201, answer.text
        rates: list[dict[str, Any]] = answer.json()["rates"]
        return rates

    async def buy(self, rate: str | None = None, metadata: str = KEY, **more: Any) -> dict[str, Any]:
        """The transaction after buying at this rate, or at the first offered."""
        rate = rate or (await self.quote())[0]["object_id"]
        answer = await self.post("/transactions", {"rate": rate, "metadata": metadata} | more)
        assert answer.status_code == 201, answer.text
        label: dict[str, Any] = answer.json()
        return label


async def operations(http: httpx.AsyncClient, **query: str) -> list[str]:
    """The operations in the ledger, oldest first."""
    return [effect["operation"] for effect in (await http.get("/_simulator/effects", params=query)).json()]
