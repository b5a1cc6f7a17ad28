"""What the checker reads over HTTP: the ledger, and what the systems themselves say that things are worth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter

from seamline.simulator.checker_customs import Consignment, Undeclared
from seamline.simulator.checker_deals import Document, Worth
from seamline.simulator.checker_ledger import Effect
from seamline.simulator.checker_money import Authorization
from seamline.simulator.checker_orders import Unsent
from seamline.simulator.checker_stock import Shelves, is_about_stock

READ_SECONDS_MAX = 30
_CENT = Decimal("0.01")


class Facts(BaseModel):
    """All that the simulated systems tell."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    effects: list[Effect]
    authorizations: list[Authorization] = []
    worth: list[Worth] = []
    documents: list[Document] = []
    shelves: Shelves = Shelves()
    unsent: list[Unsent] = []
    reachable: list[str] = []
    """The orders whose customers can be mailed."""
    consignments: list[Consignment] = []
    lacking: list[Undeclared] = []


async def read_facts(simulator: str) -> Facts:
    """Read everything from the simulator at this URL. Raises httpx.HTTPError."""
    async with httpx.AsyncClient(base_url=f"{simulator}/_simulator", timeout=READ_SECONDS_MAX) as http:
        connections = (await _read(http, "/health"))["connections"]
        worth: list[Worth] = []
        documents: list[Document] = []
        for connection, system in connections.items():
            if system == "salesforce":
                worth += await _read_worth(http, connection)
            elif system == "xero":
                invoices = await _read(http, f"/books/{connection}/invoices")
                documents += [_document(connection, one) for one in invoices]
        effects = TypeAdapter(list[Effect]).validate_python(await _read(http, "/effects"))
        return Facts(
            effects=effects,
            shelves=await _read_shelves(http, connections, {one.connection for one in effects if is_about_stock(one)}),
            authorizations=TypeAdapter(list[Authorization]).validate_python(await _read(http, "/authorizations")),
            worth=worth,
            documents=documents,
            unsent=TypeAdapter(list[Unsent]).validate_python(await _read(http, "/unsent")),
            reachable=await _read(http, "/reachable"),
            consignments=TypeAdapter(list[Consignment]).validate_python(await _read(http, "/consignments")),
            lacking=TypeAdapter(list[Undeclared]).validate_python(await _read(http, "/undeclared")),
        )


async def _read(http: httpx.AsyncClient, path: str, **query: str) -> Any:
    answer = await http.get(path, params=query)
    answer.raise_for_status()
    return answer.json()


async def _read_shelves(http: httpx.AsyncClient, connections: Mapping[str, str], told: set[str]) -> Shelves:
    """What shops offer that were told what is in stock, and what the inventories have free."""
    inventories = [name for name, system in connections.items() if system == "tryton" and told]
    return Shelves(
        levels={name: await _read(http, f"/shops/{name}/stock") for name in sorted(told)},
        free={name: await _read(http, f"/stock/{name}") for name in inventories},
    )


async def _read_worth(http: httpx.AsyncClient, connection: str) -> list[Worth]:
    """Every amount that a deal ever had; an instalment has one."""
    amounts: dict[str, list[Decimal]] = defaultdict(list)
    for line in await _read(http, f"/crms/{connection}/records", type="OpportunityHistory"):
        amounts[line["OpportunityId"]].append(_money(line["Amount"]))
    for deal in await _read(http, f"/crms/{connection}/records", type="Opportunity"):
        amounts[deal["Id"]].append(_money(deal["Amount"]))
    for part in await _read(http, f"/crms/{connection}/records", type="Seamline_Instalment__c"):
        amounts[f"{part['Opportunity__c']}.{part['Number__c']:.0f}"].append(_money(part["Amount__c"]))
    return [Worth(reference=f"{connection}:{one}", amounts=tuple(all_)) for one, all_ in amounts.items()]


def _document(connection: str, invoice: Mapping[str, Any]) -> Document:
    return Document(
        connection=connection,
        id=invoice["InvoiceID"],
        customer_id=invoice["Contact"]["ContactID"],
        status=invoice["Status"],
        carries=invoice.get("Reference") or "",
        net=_money(invoice["SubTotal"]),
        paid=_money(invoice["AmountPaid"]),
    )


def _money(number: float | None) -> Decimal:
    return Decimal(str(number or 0)).quantize(_CENT)
