"""Xero's own Python client does its ordinary work against the simulated Xero."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import (
    AccountingApi,
    Allocation,
    Allocations,
    Contact,
    Contacts,
    CreditNote,
    CreditNotes,
    Invoice,
    Invoices,
    LineItem,
    Payment,
    PaymentDelete,
    Payments,
    RequestEmpty,
)
from xero_python.api_client import ApiClient, Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import AccountingBadRequestException
from xero_python.identity import IdentityApi

from seamline.simulator.server import Simulator
from tests.checked import Against, Checks
from tests.simulator.xero_client import CLIENT, CONNECTION, KEY

CHECKS = Checks(
    "xero",
    Against.CLIENT,
    "xero-python, with the simulator",
    frozenset(
        {
            "match_customer",
            "create_customer",
            "archive_customer",
            "draft_invoice",
            "post_invoice",
            "send_invoice",
            "read_invoice",
            "moved",
            "reverse_invoice",
            "take_back_invoice",
        }
    ),
)
DAY = dt.date(2026, 11, 2)


@dataclass
class Vendor:
    """The client, logged in, and the tenant that it found."""

    api: AccountingApi
    tenant: str
    tokens: TokenApi

    async def do(self, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """A call, in a thread since the client blocks."""
        return await asyncio.to_thread(method, self.tenant, *args, **more)


@pytest.fixture
async def xero(simulator: Simulator) -> AsyncIterator[Vendor]:
    root = f"{simulator.url}/xero/{CONNECTION}"
    kept: dict[str, Any] = {}
    client = ApiClient(
        Configuration(oauth2_token=OAuth2Token(**CLIENT)),
        oauth2_token_getter=lambda: kept,
        oauth2_token_saver=kept.update,
        pool_threads=1,
    )
    tokens = TokenApi(client, **CLIENT)
    tokens.client_credentials_token_url = tokens.refresh_token_url = f"{root}/connect/token"
    kept |= await asyncio.to_thread(tokens.get_client_credentials_token, False)
    kept |= {"expires_at": 2_000_000_000.0, "refresh_token": "", "id_token": None}
    connections = await asyncio.to_thread(IdentityApi(client, base_url=root).get_connections)
    yield Vendor(AccountingApi(client, base_url=f"{root}/api.xro/2.0"), connections[0].tenant_id, tokens)
    client.rest_client.pool_manager.clear()


async def contact(xero: Vendor, **more: Any) -> Contact:
    made = Contact(name="Acme Ltd", email_address="accounts@acme.example", contact_number="crm-main:001", **more)
    return (await xero.do(xero.api.create_contacts, Contacts(contacts=[made]))).contacts[0]


async def posted(xero: Vendor, to: Contact) -> Invoice:
    line = LineItem(description="Support", quantity=2, unit_amount=50, account_code="200", tax_type="OUTPUT2")
    wanted = Invoice(type="ACCREC", contact=Contact(contact_id=to.contact_id), line_items=[line], date=DAY)
    wanted.due_date, wanted.reference = DAY + dt.timedelta(days=30), KEY
    drafts = [
        await xero.do(xero.api.create_invoices, Invoices(invoices=[wanted]), idempotency_key=KEY) for _ in range(2)
    ]
    assert drafts[0].invoices[0].invoice_id == drafts[1].invoices[0].invoice_id
    change = Invoices(invoices=[Invoice(status="AUTHORISED")])
    return (await xero.do(xero.api.update_invoice, drafts[0].invoices[0].invoice_id, change)).invoices[0]


async def test_contacts(xero: Vendor) -> None:
    made = await contact(xero, tax_number="GB123")
    found = await xero.do(xero.api.get_contacts, where='TaxNumber=="GB123"')
    assert [one.contact_id for one in found.contacts] == [made.contact_id]
    by_number = await xero.do(xero.api.get_contact_by_contact_number, "crm-main:001")
    assert by_number.contacts[0].name == "Acme Ltd"
    archived = Contacts(contacts=[Contact(contact_status="ARCHIVED")])
    assert (await xero.do(xero.api.update_contact, made.contact_id, archived)).contacts[0].contact_status == "ARCHIVED"
    assert (await xero.do(xero.api.get_contacts)).contacts == []
    since = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    assert (await xero.do(xero.api.get_contacts, since, include_archived=True)).contacts == []


async def test_a_refusal_says_why(xero: Vendor) -> None:
    await contact(xero)
    with pytest.raises(AccountingBadRequestException) as refused:
        await contact(xero)
    assert "already assigned to another contact" in refused.value.reason


async def test_an_invoice_is_posted_mailed_and_paid(xero: Vendor) -> None:
    invoice = await posted(xero, await contact(xero))
    assert (invoice.invoice_number, invoice.total, invoice.due_date) == ("INV-0001", Decimal(120), dt.date(2026, 12, 2))
    await xero.do(xero.api.email_invoice, invoice.invoice_id, RequestEmpty())
    online = await xero.do(xero.api.get_online_invoice, invoice.invoice_id)
    assert online.online_invoices[0].online_invoice_url
    account = (await xero.do(xero.api.get_accounts, where='Type=="BANK"')).accounts[0]
    payment = Payment(invoice=Invoice(invoice_id=invoice.invoice_id), account=account, amount=120, date=DAY)
    paid = (await xero.do(xero.api.create_payments, Payments(payments=[payment]))).payments[0]
    [shown] = (await xero.do(xero.api.get_invoice, invoice.invoice_id)).invoices
    assert (shown.status, shown.amount_due, shown.sent_to_contact) == ("PAID", 0, True)
    await xero.do(xero.api.delete_payment, paid.payment_id, PaymentDelete(status="DELETED"))
    assert (await xero.do(xero.api.get_invoice, invoice.invoice_id)).invoices[0].status == "AUTHORISED"


async def test_a_credit_note_is_allocated(xero: Vendor) -> None:
    to = await contact(xero)
    invoice = await posted(xero, to)
    line = LineItem(description="Credit", quantity=1, unit_amount=100, account_code="200", tax_type="OUTPUT2")
    wanted = CreditNote(type="ACCRECCREDIT", contact=Contact(contact_id=to.contact_id), line_items=[line], date=DAY)
    wanted.status = "AUTHORISED"
    note = (await xero.do(xero.api.create_credit_notes, CreditNotes(credit_notes=[wanted]))).credit_notes[0]
    part = Allocation(amount=120, date=DAY, invoice=Invoice(invoice_id=invoice.invoice_id))
    await xero.do(xero.api.create_credit_note_allocation, note.credit_note_id, Allocations(allocations=[part]))
    [shown] = (await xero.do(xero.api.get_invoice, invoice.invoice_id)).invoices
    assert (shown.status, shown.amount_credited) == ("PAID", 120)
    [credited] = (await xero.do(xero.api.get_credit_note, note.credit_note_id)).credit_notes
    assert credited.allocations[0].amount == 120


async def test_tokens_are_refreshed(xero: Vendor) -> None:
    first = await asyncio.to_thread(xero.tokens.refresh_token, f"refresh-{CONNECTION}", ["accounting.contacts"])
    second = await asyncio.to_thread(xero.tokens.refresh_token, first["refresh_token"], ["accounting.contacts"])
    assert len({first["refresh_token"], second["refresh_token"], f"refresh-{CONNECTION}"}) == 3
