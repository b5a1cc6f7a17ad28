"""What we say to Xero and what the simulator says back, held to Xero's OpenAPI description."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from seamline.errors import Refusal
from seamline.http import Answer, Exchange, HttpFactory
from seamline.records.customer import CustomerQuery, CustomerRequest, LinkRequest
from seamline.records.invoice import CreditRequest, PostRequest, SendRequest
from seamline.simulator.xero_tokens import tenant_id
from seamline.systems.xero.accounting import Account, XeroAccounting, connect
from tests.checked import Against, Checks
from tests.contract.judges import Hearing
from tests.systems.accounting_suite import CUSTOMER, DEAL, DUE, ISSUED, LATER, key, request
from tests.systems.vendors import Simulated

CHECKS = Checks("xero", Against.DESCRIPTION, "Xero's Accounting OpenAPI 16.1")
NAME = "xero-main"
JSON = {"content-type": "application/json"}


async def customers(adapter: XeroAccounting, simulated: Simulated) -> str:
    """Every operation on customers; the id of one."""
    made = await adapter.create_customer(key("create-customer"), CustomerRequest(customer=CUSTOMER))
    with pytest.raises(Refusal):
        await adapter.create_customer(f"{DEAL}/create-customer#2", CustomerRequest(customer=CUSTOMER))
    await adapter.find_customer(CUSTOMER.reference)
    await adapter.find_candidates(CustomerQuery(customer=CUSTOMER))
    there = await simulated.books(NAME, "POST", "contacts", name="Other")
    await adapter.link_customer(key("link-customer"), LinkRequest(candidate_id=there["id"], number="crm-main:001B"))
    await adapter.archive_customer(there["id"])
    return made.id


async def invoices(adapter: XeroAccounting, simulated: Simulated, customer_id: str) -> None:
    """Every operation on invoices and credit notes."""
    asked = request(customer_id, purchase_order="PO 7")
    draft = await adapter.draft_invoice(key("draft-invoice"), asked)
    await adapter.update_draft(draft, request(customer_id, reference=DEAL))
    await adapter.delete_draft(draft)
    draft = await adapter.draft_invoice(key("draft-invoice"), request(customer_id, purchase_order="PO 8"))
    wanted = PostRequest(invoice_id=draft.id, issued=ISSUED, due=DUE)
    await simulated.books(NAME, "PUT", "lock-dates", period=ISSUED.isoformat())
    with pytest.raises(Refusal):
        await adapter.post_invoice(key("post-invoice"), wanted)
    await simulated.books(NAME, "PUT", "lock-dates", period=date(2026, 1, 1).isoformat())
    posted = await adapter.post_invoice(key("post-invoice"), wanted)
    await adapter.send_invoice(key("send-invoice"), SendRequest(invoice_id=posted.id))
    await simulated.books(NAME, "POST", "payments", invoice=posted.id, amount="10")
    with pytest.raises(Refusal):
        await adapter.void_invoice(f"{key('post-invoice')}/void", posted.id)
    asked_credit = CreditRequest(invoice_id=posted.id, issued=LATER, reason="reopened")
    credit = await adapter.credit_invoice(key("post-invoice"), asked_credit)
    await adapter.allocate_credit(f"{key('post-invoice')}/allocate", credit, posted)
    await adapter.read_invoice(posted.id)
    await adapter.find_credits(posted.id, DEAL)
    await adapter.find_invoices(DEAL)
    await adapter.has_documents(customer_id, DEAL)
    await adapter.references(posted.number)


async def test_requests_and_answers(simulated: Simulated, http: HttpFactory, exchanges: list[Exchange]) -> None:
    root = f"{simulated.url}/xero/{NAME}"
    values = {"url": root, "identity_url": root, "client_id": f"client-{NAME}", "client_secret": f"secret-{NAME}"}
    adapter = connect(NAME, Account.model_validate({**values, "calls_per_second_max": 100}), http)
    await simulated.books(NAME, "PUT", "limits", a_minute=1000)
    await adapter.card()
    await adapter.read_books()
    await invoices(adapter, simulated, await customers(adapter, simulated))
    await adapter.holdings(DEAL)
    await adapter.close()
    ours = [one for one in exchanges if "/api.xro/" in one.request.url.path]
    unasked = {name for name in dir(adapter) if not name.startswith("_")} - {one.operation for one in ours}
    assert unasked == {"close", "name", "repeats"}, "an operation of the adapter is not held to the description"
    assert {one.request.headers["xero-tenant-id"] for one in ours} == {tenant_id(NAME)}
    heard = Hearing().exchanges(ours)
    assert heard.problems == [], "\n".join(heard.problems)
    # What is not there Xero answers with plain text, and does not describe.
    assert heard.undescribed.keys() <= {("xero", 404)}


@pytest.mark.parametrize(
    ("invoice", "problem"),
    [({"Status": "OPEN"}, "OPEN"), ({"Total": "12"}, "number"), ({"Refernce": "x"}, "Refernce: is not described")],
)
def test_a_wrong_request_is_found(specs: Path, invoice: Any, problem: str) -> None:
    headers = {"Authorization": "Bearer x", "xero-tenant-id": "x"}
    url = f"http://simulator/xero/{NAME}/api.xro/2.0/Invoices"
    heard = Hearing()
    body = {"Invoices": [{"Type": "ACCREC"} | invoice]}
    wrong = Exchange(NAME, "x", True, httpx.Request("PUT", url, json=body, headers=headers), Answer(400, JSON, b"{}"))
    heard.exchange(wrong)
    assert any(problem in one for one in heard.problems), heard.problems
