"""HubSpot as an app of an account calls it, for the tests."""

from __future__ import annotations

from typing import Any

import httpx

CONNECTION = "hubspot-main"
KEY = "crm-main:0061t00000DEAL1AAA/become-customer#1"
REFERENCE = "crm-main:0061t00000DEAL1AAA"


class App:
    """The private app of one account, and the people who work in it."""

    def __init__(self, http: httpx.AsyncClient, connection: str = CONNECTION) -> None:
        self.http = http
        self.connection = connection
        self.path = f"/hubspot/{connection}"
        self.headers = {"Authorization": f"Bearer hubspot-test-{connection}"}

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        url = self.path + path
        return await self.http.request(method, url, json=body, params=query, headers=self.headers)

    async def done(self, method: str, path: str, body: Any = None, **query: str) -> dict[str, Any]:
        """The answer of a call that must succeed."""
        answer = await self.call(method, path, body, **query)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json() if answer.content else {}
        return told

    async def people(self, method: str, path: str, body: Any = None) -> Any:
        """What people do in HubSpot's pages."""
        answer = await self.http.request(method, f"/_simulator/audiences/{self.connection}{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def company(self, **wanted: Any) -> str:
        """The id of a company that people entered."""
        made: str = (await self.people("POST", "/companies", wanted))["id"]
        return made

    async def contact(self, **wanted: Any) -> str:
        """The id of a contact that people entered."""
        made: str = (await self.people("POST", "/contacts", wanted))["id"]
        return made

    async def set(self, kind: str, object_id: str, /, **properties: str) -> dict[str, str | None]:
        """The properties after writing these."""
        answer = await self.done("PATCH", f"/crm/v3/objects/{kind}/{object_id}", {"properties": properties})
        written: dict[str, str | None] = answer["properties"]
        return written

    async def value(self, kind: str, object_id: str, name: str) -> str | None:
        """A property's value."""
        answer = await self.done("GET", f"/crm/v3/objects/{kind}/{object_id}", properties=name)
        value: str | None = answer["properties"][name]
        return value

    async def search(self, kind: str, *filters: dict[str, Any], **more: Any) -> dict[str, Any]:
        """What a search with these filters answers."""
        body = {"filterGroups": [{"filters": list(filters)}], **more}
        return await self.done("POST", f"/crm/v3/objects/{kind}/search", body)

    async def effects(self) -> list[tuple[str, str, str | None]]:
        """The ledger: operation, key, what it undoes."""
        listed = (await self.http.get("/_simulator/effects", params={"connection": self.connection})).json()
        return [(one["operation"], one["key"], one["undoes"]) for one in listed]
