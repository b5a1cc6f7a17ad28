"""What the simulated Xero takes and answers is what Xero's published description says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.simulator.xero_client import CONNECTION, DUE, LINE, App

SPECS = os.environ.get("SEAMLINE_SPECS")
HOST = "https://api.xero.com"
ROOT = f"/xero/{CONNECTION}"
pytestmark = [
    pytest.mark.skipif(not SPECS, reason="SEAMLINE_SPECS is not set: the vendors' descriptions are not here"),
    # The token is checked by the simulator; openapi-core knows no OAuth.
    pytest.mark.filterwarnings("ignore:Unsupported scheme type"),
]


@pytest.fixture(scope="module")
def api() -> OpenAPI:
    description = yaml.safe_load((Path(SPECS or "") / "xero" / "xero_accounting.yaml").read_text())
    return OpenAPI.from_dict(description, config=Config(spec_validator_cls=None))


@pytest.fixture
async def app(http: httpx.AsyncClient) -> App:
    return await App(http).log_in()


class Checked:
    """Calls whose request and answer are held to the description."""

    def __init__(self, api: OpenAPI, app: App) -> None:
        self.api = api
        self.app = app

    async def call(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        answer = await self.app.call(method, path, body, **query)
        assert answer.status_code == status, answer.text
        sent = answer.request
        request = MockRequest(
            HOST,
            method.lower(),
            sent.url.path.removeprefix(ROOT),
            args=dict(sent.url.params),
            headers=dict(sent.headers),
            data=sent.content or None,
            content_type="application/json",
        )
        self.api.validate_request(request)
        media = answer.headers.get("content-type", "").partition(";")[0]
        self.api.validate_response(request, MockResponse(answer.content, status, content_type=media))
        return answer.json() if answer.content else None


@pytest.fixture
def checked(api: OpenAPI, app: App) -> Checked:
    return Checked(api, app)


async def test_the_organisation(checked: Checked) -> None:
    await checked.app.people("PUT", "lock-dates", {"period": "2026-10-31"})
    for path in ("Organisation", "TaxRates", "Accounts", "Currencies", "BrandingThemes"):
        await checked.call("GET", path)


async def test_contacts(checked: Checked) -> None:
    full = {"Name": "Acme Ltd", "EmailAddress": "a@acme.example", "ContactNumber": "crm-main:001", "TaxNumber": "GB1"}
    full["Addresses"] = [{"AddressType": "POBOX", "AddressLine1": "1 High Street", "City": "London", "Country": "GB"}]
    full["Phones"] = [{"PhoneType": "DEFAULT", "PhoneNumber": "7946", "PhoneAreaCode": "20"}]
    full["ContactPersons"] = [{"FirstName": "Ann", "EmailAddress": "ann@acme.example", "IncludeInEmails": True}]
    made = (await checked.call("PUT", "Contacts", {"Contacts": [full]}))["Contacts"][0]
    await checked.call("PUT", "Contacts", {"Contacts": [full]}, status=400)
    await checked.call("PUT", "Contacts", {"Contacts": [full]}, summarizeErrors="false")
    await checked.call("POST", f"Contacts/{made['ContactID']}", {"Contacts": [{"ContactStatus": "ARCHIVED"}]})
    await checked.call("POST", "Contacts", {"Contacts": [{"Name": "Bolt"}]})
    await checked.call("GET", "Contacts", page=1, includeArchived="true")
    await checked.call("GET", "Contacts", searchTerm="acme", where="Name != null")
    await checked.call("GET", f"Contacts/{made['ContactID']}")


async def test_invoices_and_what_settles_them(checked: Checked) -> None:
    contact = {"ContactID": await checked.app.contact()}
    body = {"Type": "ACCREC", "Contact": contact, "LineItems": [LINE | {"DiscountRate": 10}], **DUE}
    body |= {"Url": "https://crm.example/1", "CurrencyCode": "EUR", "Reference": "r"}
    made = (await checked.call("PUT", "Invoices", {"Invoices": [body]}, unitdp=4))["Invoices"][0]
    path = f"Invoices/{made['InvoiceID']}"
    await checked.call("POST", path, {"Invoices": [{"Status": "PAID"}]}, status=400)
    await checked.call("POST", path, {"Invoices": [{"Status": "AUTHORISED"}]})
    await checked.call("POST", f"{path}/Email", {}, status=204)
    await checked.call("GET", f"{path}/OnlineInvoice")
    pointer = {"InvoiceID": made["InvoiceID"]}
    credit = {"Type": "ACCRECCREDIT", "Contact": contact, "LineItems": [LINE], "Status": "AUTHORISED"} | {
        "CurrencyCode": "EUR"
    }
    note = (await checked.call("PUT", "CreditNotes", {"CreditNotes": [credit]}))["CreditNotes"][0]
    notes = f"CreditNotes/{note['CreditNoteID']}"
    part = {"Invoice": pointer, "Amount": 8, "Date": "2026-11-03"}
    allocated = (await checked.call("PUT", f"{notes}/Allocations", {"Allocations": [part]}))["Allocations"][0]
    payment = {"Invoice": pointer, "Account": {"Code": "090"}, "Amount": 50, "Date": "2026-11-20"}
    paid = (await checked.call("PUT", "Payments", {"Payments": [payment]}))["Payments"][0]
    await checked.app.people("POST", "payments", {"invoice": made["InvoiceID"], "amount": 1000})
    await checked.app.people("POST", "payments", {"contact": "Stranger", "amount": 5})
    for listed in (path, "Invoices", notes, "CreditNotes", "Payments", "Overpayments", "Prepayments"):
        await checked.call("GET", listed)
    for paged in ("Invoices", "CreditNotes", "Payments"):
        await checked.call("GET", paged, page=1, pageSize=10)
    await checked.call("GET", "Invoices", Statuses="PAID,AUTHORISED", order="UpdatedDateUTC ASC")
    await checked.call("POST", f"Payments/{paid['PaymentID']}", {"Status": "DELETED"})
    await checked.call("DELETE", f"{notes}/Allocations/{allocated['AllocationID']}")


async def test_a_wrong_answer_is_found(api: OpenAPI, app: App) -> None:
    request = MockRequest(HOST, "get", "/api.xro/2.0/Invoices", headers={"xero-tenant-id": "x", "Authorization": "B x"})
    wrong = json.dumps({"Invoices": [{"Status": "OPEN"}]}).encode()
    with pytest.raises(Exception, match="Invalid"):
        api.validate_response(request, MockResponse(wrong, 200, content_type="application/json"))
