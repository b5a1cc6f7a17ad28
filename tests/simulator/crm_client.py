"""The simulated Salesforce as a connected app and as its people use it, for the tests."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

CONNECTION = "crm-main"
VERSION = "/services/data/v64.0"
INVOICE = "Seamline_Invoice__c"


class Crm:
    """Calls of one organisation."""

    def __init__(self, http: httpx.AsyncClient, connection: str = CONNECTION) -> None:
        self.http = http
        self.path = f"/salesforce/{connection}"
        self.people = f"/_simulator/crms/{connection}"
        self.connection = connection
        self.token = ""

    async def login(self, **changes: str) -> httpx.Response:
        """Ask for a token by client credentials."""
        asked = {
            "grant_type": "client_credentials",
            "client_id": f"client-{self.connection}",
            "client_secret": f"secret-{self.connection}",
        }
        answer = await self.http.post(f"{self.path}/services/oauth2/token", data=asked | changes)
        if answer.status_code == 200:
            self.token = answer.json()["access_token"]
        return answer

    async def call(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        """One call behind the version."""
        if not self.token:
            await self.login()
        return await self.http.request(
            method,
            f"{self.path}{VERSION}/{path}",
            json=body,
            params=query or None,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    async def query(self, soql: str) -> list[dict[str, Any]]:
        """The records of a query that fits one page."""
        answer = await self.call("GET", "query", q=soql)
        assert answer.status_code == 200, answer.text
        records: list[dict[str, Any]] = answer.json()["records"]
        return records

    async def find(self, fields: str, source: str, rest: str = "") -> list[dict[str, Any]]:
        """The records of a query in parts."""
        return await self.query(" ".join(("SELECT", fields, "FROM", source, rest)))

    async def deal(self, **wanted: Any) -> str:
        """A deal that sales made; its id."""
        answer = await self.http.post(f"{self.people}/deals", json=wanted)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def change(self, deal: str, **wanted: Any) -> None:
        """Sales change a deal."""
        answer = await self.http.patch(f"{self.people}/deals/{deal}", json=wanted)
        assert answer.status_code == 200, answer.text

    async def effects(self) -> list[dict[str, Any]]:
        """The ledger."""
        effects: list[dict[str, Any]] = (await self.http.get("/_simulator/effects")).json()
        return effects


def keyed(key: str, kind: str = INVOICE) -> str:
    """The address of a record by our key."""
    return f"sobjects/{kind}/Seamline_Key__c/{quote(key, safe='')}"


def error(answer: httpx.Response) -> tuple[int, str, list[str] | None]:
    """Status, code and fields of a refusal."""
    (one,) = answer.json()
    return answer.status_code, one["errorCode"], one.get("fields")
