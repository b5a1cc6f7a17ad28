"""The simulated Xero's invoices, credit notes and payments, and what may not be done to them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.simulator.xero_client import CONNECTION, DUE, KEY, LINE, REFERENCE, App, messages

UNKNOWN = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
async def app(http: httpx.AsyncClient) -> App:
    return await App(http).log_in()


async def test_a_draft_is_posted_mailed_and_voided(app: App) -> None:
    invoice = await app.invoice(await app.contact(), key=f"{KEY}.0")
    assert (invoice["Status"], invoice["InvoiceNumber"], invoice["Reference"]) == ("DRAFT", "INV-0001", KEY)
    assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (100, 20, 120)
    assert invoice["Date"] == "/Date(1793577600000+0000)/"
    post = f"{REFERENCE}/post-invoice#1"
    path = f"Invoices/{invoice['InvoiceID']}"
    await app.done("POST", path, {"Status": "AUTHORISED"}, key=f"{post}.0")
    assert (await app.call("POST", f"{path}/Email", {}, key=f"{REFERENCE}/send-invoice#1.0")).status_code == 204
    assert (await app.done("GET", path))[0]["SentToContact"] is True
    [online] = (await app.call("GET", f"{path}/OnlineInvoice")).json()["OnlineInvoices"]
    assert invoice["InvoiceID"] in online["OnlineInvoiceUrl"]
    await app.done("POST", path, {"Status": "VOIDED"}, key=f"{post}/void")
    effects = [one for one in await app.ledger() if one["operation"] != "create-customer"]
    assert {one["reference"] for one in effects} == {REFERENCE}
    assert {one["object_id"] for one in effects} == {invoice["InvoiceID"]}
    assert [(one["operation"], one["key"], one["amount"], one["undoes"]) for one in effects] == [
        ("draft-invoice", KEY, "120.00", None),
        ("post-invoice", post, "120.00", None),
        ("send-invoice", f"{REFERENCE}/send-invoice#1", "120.00", None),
        ("void-invoice", f"{post}/void", "120.00", invoice["InvoiceID"]),
    ]


async def test_a_draft_is_edited_and_deleted(app: App) -> None:
    invoice = await app.invoice(await app.contact())
    edited = await app.change(invoice, LineItems=[LINE | {"UnitAmount": 10}], Reference="PO 7")
    assert (edited["Total"], edited["Reference"]) == (24, "PO 7")
    deleted = await app.change(invoice, Status="DELETED")
    assert deleted["Status"] == "DELETED"
    again = await app.call("POST", f"Invoices/{invoice['InvoiceID']}", {"Status": "AUTHORISED"})
    assert messages(again) == ["Invoice not of valid status for modification"]
    assert [one["undoes"] for one in await app.ledger("delete-draft")] == [invoice["InvoiceID"]]


@pytest.mark.parametrize(
    ("types", "line", "subtotal", "tax", "total"),
    [
        ("Exclusive", {"Quantity": 3, "UnitAmount": 33.335}, 100.02, 20.00, 120.02),
        ("Exclusive", {"Quantity": 1, "UnitAmount": 0.125}, 0.13, 0.03, 0.16),
        ("Exclusive", {"Quantity": 2, "UnitAmount": 50, "TaxAmount": 19.99}, 100, 19.99, 119.99),
        ("Exclusive", {"Quantity": 1, "UnitAmount": 100, "DiscountRate": 12.5}, 87.5, 17.5, 105),
        ("Inclusive", {"Quantity": 1, "UnitAmount": 100}, 83.33, 16.67, 100),
        ("NoTax", {"Quantity": 1, "UnitAmount": 100}, 100, 0, 100),
    ],
)
async def test_what_lines_come_to(
    app: App, types: str, line: dict[str, Any], subtotal: float, tax: float, total: float
) -> None:
    lines = [{"Description": "Purchase order: 4711"}, LINE | line]
    invoice = await app.invoice(await app.contact(), LineAmountTypes=types, LineItems=lines, Status="AUTHORISED")
    assert (invoice["SubTotal"], invoice["TotalTax"], invoice["Total"]) == (subtotal, tax, total)
    assert invoice["AmountDue"] == total


async def test_four_decimals_are_kept_where_asked_for(app: App) -> None:
    body = {"Type": "ACCREC", "Contact": {"Name": "Acme"}, "LineItems": [LINE | {"UnitAmount": 0.1234}]}
    [rounded] = await app.done("PUT", "Invoices", body)
    [exact] = await app.done("PUT", "Invoices", body, unitdp=4)
    assert [one["LineItems"][0]["UnitAmount"] for one in (rounded, exact)] == [0.12, 0.1234]
    assert [one["SubTotal"] for one in (rounded, exact)] == [0.24, 0.25]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"LineItems": []}, "One or more line items must be specified"),
        ({"LineItems": [LINE | {"TaxType": "OUTPUT9"}]}, "The TaxType code 'OUTPUT9' does not exist"),
        ({"LineItems": [LINE | {"AccountCode": "999"}]}, "Account code '999' is not a valid code"),
        ({"LineItems": [LINE | {"LineAmount": 99}]}, "The line total 99.00 does not match the expected line total"),
        ({"LineItems": [{"Description": "A", "UnitAmount": 5}]}, "Account code must be specified"),
        ({"DueDate": None}, "Due Date cannot be empty"),
        ({"CurrencyCode": "JPY"}, "Organisation is not subscribed to currency JPY"),
        ({"Contact": {"ContactID": UNKNOWN}}, "A Contact must be specified"),
        ({"InvoiceNumber": "INV-0001"}, "Invoice # must be unique."),
        ({"Type": "ACCPAY"}, "Type must be ACCREC"),
        ({"Date": "yesterday"}, "Date is not a valid date"),
    ],
)
async def test_an_invoice_that_cannot_be(app: App, wrong: dict[str, Any], message: str) -> None:
    contact = await app.contact()
    await app.invoice(contact)
    body = {"Type": "ACCREC", "Contact": {"ContactID": contact}, "LineItems": [LINE], "Status": "AUTHORISED", **DUE}
    refused = messages(await app.call("PUT", "Invoices", body | wrong))
    assert refused[0].startswith(message)
    assert [one["operation"] for one in await app.ledger()] == ["create-customer", "draft-invoice"]


async def test_a_locked_period(app: App) -> None:
    contact = await app.contact()
    draft, posted = await app.invoice(contact), await app.invoice(contact, Status="AUTHORISED")
    await app.people("PUT", "lock-dates", {"period": "2026-11-02"})
    locked = ["The document date cannot be before the period lock date, currently set at 02-Nov-2026"]
    for invoice, status in ((draft, "AUTHORISED"), (posted, "VOIDED")):
        answer = await app.call("POST", f"Invoices/{invoice['InvoiceID']}", {"Status": status})
        assert messages(answer) == locked
    [organisation] = (await app.call("GET", "Organisation")).json()["Organisations"]
    assert organisation["PeriodLockDate"] == "/Date(1793577600000+0000)/"
    await app.people("PUT", "lock-dates", {"end_of_year": "2026-11-01"})
    assert (await app.change(draft, Status="AUTHORISED"))["Status"] == "AUTHORISED"


async def test_what_is_paid_cannot_be_voided_but_credited(app: App) -> None:
    contact = await app.contact()
    invoice = await app.change(await app.invoice(contact), Status="AUTHORISED")
    await app.people("POST", "payments", {"invoice": invoice["InvoiceNumber"], "amount": 20})
    voided = await app.call("POST", f"Invoices/{invoice['InvoiceID']}", {"Status": "VOIDED"})
    assert messages(voided) == ["This document cannot be edited as it has a payment or credit note allocated to it."]
    credit = {"Type": "ACCRECCREDIT", "Contact": {"ContactID": contact}, "LineItems": [LINE], "Status": "AUTHORISED"}
    credit |= {"Reference": f"{REFERENCE}/post-invoice#1/credit", "Date": "2026-11-03"}
    [note] = await app.done("PUT", "CreditNotes", credit)
    assert (note["CreditNoteNumber"], note["RemainingCredit"]) == ("CN-0001", 120)
    path = f"CreditNotes/{note['CreditNoteID']}/Allocations"
    part = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Date": "2026-11-03"}
    assert messages(await app.call("PUT", path, part | {"Amount": 120}))[0].endswith("outstanding on this document")
    [allocation] = await app.done("PUT", path, {"Allocations": [part | {"Amount": 100}]})
    [settled] = await app.done("GET", f"Invoices/{invoice['InvoiceID']}")
    assert (settled["Status"], settled["AmountDue"], settled["AmountCredited"]) == ("PAID", 0, 100)
    assert [one["CreditNoteID"] for one in settled["CreditNotes"]] == [note["CreditNoteID"]]
    credited, allocated = await app.ledger("credit-invoice", "allocate-credit")
    assert (credited["amount"], credited["reference"], credited["key"]) == (
        "120.00",
        REFERENCE,
        f"{REFERENCE}/post-invoice#1/credit",
    )
    assert (allocated["amount"], allocated["undoes"]) == ("100.00", invoice["InvoiceID"])
    taken = await app.call("DELETE", f"{path}/{allocation['AllocationID']}")
    assert taken.json()["IsDeleted"] is True
    assert (await app.done("GET", f"Invoices/{invoice['InvoiceID']}"))[0]["AmountDue"] == 100


async def test_customers_pay(app: App) -> None:
    invoice = await app.change(await app.invoice(await app.contact()), Status="AUTHORISED")
    await app.people("POST", "payments", {"invoice": invoice["InvoiceID"], "amount": 50})
    await app.people("POST", "payments", {"invoice": invoice["InvoiceID"], "amount": 100})
    [paid] = await app.done("GET", f"Invoices/{invoice['InvoiceID']}")
    assert (paid["Status"], paid["AmountPaid"], len(paid["Payments"])) == ("PAID", 120, 2)
    [over] = await app.done("GET", "Overpayments", where=f'Contact.ContactID==guid("{paid["Contact"]["ContactID"]}")')
    assert over["RemainingCredit"] == 30
    await app.people("POST", "payments", {"contact": "Stranger", "amount": 7, "reference": "?"})
    assert [one["Total"] for one in await app.done("GET", "Prepayments")] == [7]
    found = await app.done("GET", "Payments", where=f'Invoice.InvoiceID==Guid("{invoice["InvoiceID"]}")')
    assert [one["Amount"] for one in found] == [50, 70]
    amounts = [one["amount"] for one in await app.ledger("payment-by-customer")]
    assert amounts == ["50.00", "70.00", "30.00", "7.00"]


async def test_payments_over_the_api(app: App) -> None:
    invoice = await app.change(await app.invoice(await app.contact()), Status="AUTHORISED")
    body = {"Invoice": {"InvoiceID": invoice["InvoiceID"]}, "Account": {"Code": "090"}, "Amount": 120}
    [paid] = await app.done("PUT", "Payments", {"Payments": [body]}, key=f"{REFERENCE}/pay#1")
    assert messages(await app.call("PUT", "Payments", body))[0].startswith("Payment amount exceeds")
    [deleted] = await app.done("POST", f"Payments/{paid['PaymentID']}", {"Status": "DELETED"})
    assert deleted["Status"] == "DELETED"
    assert (await app.done("GET", f"Invoices/{invoice['InvoiceID']}"))[0]["Status"] == "AUTHORISED"
    wrong = body | {"Account": {"Code": "200"}}
    assert messages(await app.call("PUT", "Payments", wrong))[0].startswith("Account could not be found")
    effects = await app.ledger("create-payment", "delete-payment")
    assert [(one["operation"], one["undoes"]) for one in effects] == [
        ("create-payment", None),
        ("delete-payment", paid["PaymentID"]),
    ]


async def test_mail_needs_an_address_and_has_a_limit(app: App) -> None:
    contact = await app.contact(EmailAddress="")
    invoice = await app.change(await app.invoice(contact), Status="AUTHORISED")
    path = f"Invoices/{invoice['InvoiceID']}/Email"
    assert messages(await app.call("POST", path, {})) == ["The contact has no email address"]
    await app.done("POST", f"Contacts/{contact}", {"EmailAddress": "a@acme.example"})
    await app.people("PUT", "limits", {"mails_a_day": 1})
    assert (await app.call("POST", path, {})).status_code == 204
    assert messages(await app.call("POST", path, {})) == ["The daily email limit of the organisation has been reached"]
    draft = await app.invoice(contact)
    assert (await app.call("POST", f"Invoices/{draft['InvoiceID']}/Email", {})).status_code == 400
    assert (await app.call("GET", f"Invoices/{draft['InvoiceID']}/OnlineInvoice")).status_code == 404
    assert len(await app.ledger("send-invoice")) == 1


async def test_invoices_are_searched(app: App) -> None:
    contact = await app.contact()
    first = await app.invoice(contact, Reference=f"{REFERENCE}.2/draft-invoice#1", key="1")
    second = await app.invoice(contact, key="2", Status="AUTHORISED")

    async def ids(**query: Any) -> list[str]:
        return [found["InvoiceID"] for found in await app.done("GET", "Invoices", **query)]

    assert await ids(where=f'Reference=="{KEY}"') == [second["InvoiceID"]]
    assert await ids(where=f'Reference.StartsWith("{REFERENCE}")') == [first["InvoiceID"], second["InvoiceID"]]
    assert await ids(where='Status=="AUTHORISED" && AmountDue > 100') == [second["InvoiceID"]]
    assert await ids(where="Date >= DateTime(2026, 11, 03)") == []
    assert await ids(where=f'Contact.ContactID == Guid("{contact}")', order="InvoiceNumber DESC", page=1) == [
        second["InvoiceID"],
        first["InvoiceID"],
    ]
    assert await ids(Statuses="DRAFT") == await ids(InvoiceNumbers=first["InvoiceNumber"]) == [first["InvoiceID"]]
    assert (await app.done("GET", "Invoices", page=1))[0]["LineItems"] != []
    assert (await app.done("GET", "Invoices"))[0]["LineItems"] == []
    await app.http.post("/_simulator/faults", json={"connection": CONNECTION, "kind": "blind"})
    assert await ids() == []


async def test_people_work_in_the_books(app: App) -> None:
    made = await app.people("POST", "invoices", {"reference": "by hand", "contact": "Acme"})
    edited = await app.people("POST", f"invoices/{made['id']}", {"lines": [{"unit_amount": 5}]})
    assert edited["status"] == "AUTHORISED"
    await app.people("POST", f"invoices/{made['id']}", {"status": "VOIDED"})
    assert [one["operation"] for one in await app.ledger()] == ["invoice-by-hand", "void-by-hand"]
    assert [one["Status"] for one in await app.people("GET", "invoices")] == ["VOIDED"]
    refused = await app.http.post(f"/_simulator/books/{CONNECTION}/invoices/{made['id']}", json={"status": "DELETED"})
    assert (refused.status_code, refused.json()) == (409, {"detail": "Invoice not of valid status for modification"})
    unknown = await app.http.post(f"/_simulator/books/{CONNECTION}/payments", json={"invoice": "INV-9"})
    assert unknown.status_code == 404


async def test_tax_rates_and_currencies_are_set(app: App) -> None:
    setup = await app.people("GET", "setup")
    rates = setup["tax_rates"] | {"OUTPUT2": {"name": "VAT", "rate": "19"}, "RROUTPUT": {"name": "x", "rate": "5"}}
    rates["RROUTPUT"]["active"] = False
    await app.people("PUT", "setup", {"tax_rates": rates, "currencies": {"GBP": "1", "JPY": "190"}})
    shown = {one["TaxType"]: one for one in (await app.call("GET", "TaxRates")).json()["TaxRates"]}
    assert (shown["OUTPUT2"]["EffectiveRate"], shown["RROUTPUT"]["Status"]) == (19, "DELETED")
    invoice = await app.invoice(await app.contact(), CurrencyCode="JPY")
    assert (invoice["TotalTax"], invoice["CurrencyCode"], invoice["CurrencyRate"]) == (19, "JPY", 190)
    wrong = await app.http.put(f"/_simulator/books/{CONNECTION}/setup", json={"tax_rates": {"x": {}}})
    assert wrong.status_code == 422
