"""The simulated Xero takes what Xero's published description says: the requests here are held to it as well.

Its answers are in all tests of the simulator.
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from seamline.http import Exchange
from tests.contract import descriptions
from tests.contract.judges import Hearing
from tests.simulator.xero_client import CONNECTION, DUE, LINE, App


class Checked:
    """Calls whose request is held to the description, where it is at hand."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def call(self, method: str, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        answer = await self.app.call(method, path, body, **query)
        assert answer.status_code == status, answer.text
        if descriptions.AT_HAND:
            heard = Hearing()
            heard.exchange(Exchange(CONNECTION, path, method != "GET", answer.request, answer=None))
            assert heard.problems == []
        return answer.json() if answer.content else None


@pytest.fixture
async def checked(http: httpx.AsyncClient) -> Checked:
    return Checked(await App(http).log_in())


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
