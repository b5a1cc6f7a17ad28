"""One organisation of the simulated Xero as an app calls it, and as people work in its books."""

from __future__ import annotations

from typing import Any

import httpx

from seamline.simulator.xero_tokens import tenant_id

CONNECTION = "xero-main"
REFERENCE = "crm-main:0065g00000AAAAAAA1"
KEY = f"{REFERENCE}/draft-invoice#1"
CLIENT = {"client_id": f"client-{CONNECTION}", "client_secret": f"secret-{CONNECTION}"}
LINE = {"Description": "Support", "Quantity": 2, "UnitAmount": 50, "AccountCode": "200", "TaxType": "OUTPUT2"}
DUE = {"Date": "2026-11-02", "DueDate": "2026-12-02"}


class App:
    """Calls of the app of one organisation."""

    def __init__(self, http: httpx.AsyncClient, connection: str = CONNECTION) -> None:
        self.http = http
        self.connection = connection
        self.token = ""

    async def log_in(self) -> App:
        form = {"grant_type": "client_credentials", **CLIENT}
        answer = await self.http.post(f"/xero/{self.connection}/connect/token", data=form)
        assert answer.status_code == 200, answer.text
        self.token = answer.json()["access_token"]
        return self

    @property
    def headers(self) -> dict[str, str]:
        tenant = {"xero-tenant-id": tenant_id(self.connection)}
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json", **tenant}

    async def call(
        self, method: str, path: str, body: Any = None, key: str = "", headers: Any = None, **query: Any
    ) -> httpx.Response:
        sent = self.headers | ({"Idempotency-Key": key} if key else {}) | (headers or {})
        url = f"/xero/{self.connection}/api.xro/2.0/{path}"
        return await self.http.request(method, url, json=body, params=query, headers=sent)

    async def done(self, method: str, path: str, body: Any = None, key: str = "", **query: Any) -> list[Any]:
        """The objects answered, after success."""
        answer = await self.call(method, path, body, key, **query)
        assert answer.status_code == 200, answer.text
        objects: list[Any] = answer.json()[path.split("/")[-1 if path.endswith("Allocations") else 0]]
        return objects

    async def contact(self, name: str = "Acme Ltd", **more: Any) -> str:
        body = {"Name": name, "EmailAddress": "accounts@acme.example"} | more
        return str((await self.done("PUT", "Contacts", {"Contacts": [body]}))[0]["ContactID"])

    async def invoice(self, contact: str, key: str = "", **more: Any) -> Any:
        body = {"Type": "ACCREC", "Contact": {"ContactID": contact}, "Reference": KEY, "LineItems": [LINE], **DUE}
        return (await self.done("PUT", "Invoices", {"Invoices": [body | more]}, key=key))[0]

    async def change(self, invoice: Any, **fields: Any) -> Any:
        return (await self.done("POST", f"Invoices/{invoice['InvoiceID']}", fields))[0]

    async def people(self, method: str, path: str, body: Any = None) -> Any:
        """What people do in the books."""
        answer = await self.http.request(method, f"/_simulator/books/{self.connection}/{path}", json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    async def ledger(self, *operations: str) -> list[Any]:
        """The effects of these operations, or all."""
        effects = (await self.http.get("/_simulator/effects", params={"connection": self.connection})).json()
        return [one for one in effects if not operations or one["operation"] in operations]


def messages(answer: httpx.Response) -> list[str]:
    """What a validation exception says."""
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert (body["ErrorNumber"], body["Type"]) == (10, "ValidationException")
    return [error["Message"] for one in body["Elements"] for error in one["ValidationErrors"]]
