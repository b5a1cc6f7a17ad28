"""Salesforce's records and ours, both ways. Pure: what does not fit raises Refusal naming fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seamline.conversions import (
    COUNTRY,
    DATE,
    DATETIME,
    DOMAIN,
    FLAG,
    INTEGER,
    MONEY_NUMBER,
    NUMBER,
    REFERENCE,
    TEXT,
    UNSET,
    by,
    codes,
)
from seamline.errors import Problem
from seamline.fields import LEFT_OUT, Field, FieldMapping, Way
from seamline.paths import is_own
from seamline.records.deal import (
    Deal,
    DealLine,
    DealStage,
    Instalment,
    InvoiceNote,
    NoteRequest,
    NoteStatus,
    Task,
    TaskRequest,
)
from seamline.systems.salesforce import wire

SYSTEM = "Salesforce"
KEY = "Seamline_Key__c"
_STATUSES = codes({one.value: one for one in NoteStatus})


def _stage(is_won: bool, is_closed: bool) -> DealStage:
    """Won, lost where it is closed otherwise, else open"""
    return DealStage.WON if is_won else DealStage.LOST if is_closed else DealStage.OPEN


def _description(description: str | None, product: str | None) -> str:
    """The line's own description, else the product's name"""
    return description or product or ""


def _invoices_go_to(account_id: str | None, email: str | None) -> Any:
    """The billing contact's address, where the deal has an account"""
    return (email or "") if account_id else UNSET


def _first_line(street: str) -> str:
    """The first line of the street"""
    return street.splitlines()[0].strip()


def _other_lines(street: str) -> str:
    """The other lines of the street"""
    return ", ".join(filter(None, (line.strip() for line in street.splitlines()[1:])))


def _deal_page(url: str, record_id: str) -> str:
    """The opportunity's page in Lightning"""
    return page(url, "Opportunity", record_id)


def _account_page(url: str, record_id: str | None) -> Any:
    """The account's page in Lightning"""
    return page(url, "Account", record_id) if record_id else UNSET


LINE = FieldMapping(
    SYSTEM,
    DealLine,
    "OpportunityLineItem",
    (
        Field("Id", "id", TEXT),
        Field("ProductCode", "sku", TEXT),
        Field(("Description", "Product2.Name"), "description", by(_description)),
        Field("Quantity", "quantity", NUMBER),
        Field(("UnitPrice", "^CurrencyIsoCode"), "unit_price", MONEY_NUMBER),
        Field("Discount", "discount_percent", NUMBER, "in percent"),
        Field(("TotalPrice", "^CurrencyIsoCode"), "total", MONEY_NUMBER, "discount taken off, before tax"),
        Field("Tax_Category__c", "tax_category", TEXT),
    ),
    way=Way.READ,
    wire=wire.Line,
)
INSTALMENT = FieldMapping(
    SYSTEM,
    Instalment,
    "Seamline_Instalment__c",
    (
        Field("Number__c", "number", INTEGER),
        Field("Due_Date__c", "bill_on", DATE),
        Field(("Amount__c", "^CurrencyIsoCode"), "amount", MONEY_NUMBER),
    ),
    way=Way.READ,
    wire=wire.Instalment,
)
NOTE = FieldMapping(
    SYSTEM,
    InvoiceNote,
    "Seamline_Invoice__c",
    (
        Field("Id", "id", TEXT),
        Field(KEY, "key", TEXT, fact="effect key"),
        Field("Number__c", "number", TEXT, fact="Invoice.number"),
        Field("Link__c", "link", TEXT),
        Field(("Amount__c", "CurrencyIsoCode"), "amount", MONEY_NUMBER),
        Field("Status__c", "status", _STATUSES),
    ),
    way=Way.READ,
    wire=wire.Invoice,
)
DEAL = FieldMapping(
    SYSTEM,
    Deal,
    "Opportunity",
    (
        Field(("$connection", "Id"), "reference", REFERENCE),
        Field("Name", "name", TEXT),
        Field(("IsWon", "IsClosed"), "stage", by(_stage)),
        Field("SystemModstamp", "changed_at", DATETIME),
        Field("$sandbox", "test", FLAG, "whether the organisation is a sandbox"),
        Field("Legal_Entity__c", "entity", TEXT),
        Field("CurrencyIsoCode", "currency", TEXT),
        Field(("Amount", "CurrencyIsoCode"), "amount", MONEY_NUMBER),
        Field("CloseDate", "close_date", DATE),
        Field("Delivery_Date__c", "delivery_date", DATE),
        Field(("$connection", "Account.Id"), "customer.reference", REFERENCE, fact="Customer.reference"),
        Field("Account.Name", "customer.name", TEXT),
        Field("Account.Tax_Id__c", "customer.tax_id", TEXT),
        Field("Account.Website", "customer.domain", DOMAIN),
        Field(("Account.Id", "Billing_Contact__r.Email"), "customer.email", by(_invoices_go_to)),
        Field("Account.Customer_Group__c", "customer.group", TEXT),
        Field("Account.BillingStreet", "customer.address.street1", by(_first_line)),
        Field("Account.BillingStreet", "customer.address.street2", by(_other_lines)),
        Field("Account.BillingCity", "customer.address.city", TEXT),
        Field("Account.BillingState", "customer.address.region", TEXT),
        Field("Account.BillingPostalCode", "customer.address.postcode", TEXT),
        Field("Account.BillingCountryCode", "customer.address.country", COUNTRY),
        Field("Account.Purchase_Order_Required__c", "customer.purchase_order_required", FLAG),
        Field(("$url", "Account.Id"), "customer.page", by(_account_page)),
        Field("Billing_Contact__r.Id", "contact.id", TEXT),
        Field("Billing_Contact__r.FirstName", "contact.first_name", TEXT),
        Field("Billing_Contact__r.LastName", "contact.last_name", TEXT),
        Field("Billing_Contact__r.Email", "contact.email", TEXT),
        Field("Billing_Contact__r.HasOptedOutOfEmail", "contact.mail_refused", FLAG),
        Field("OpportunityLineItems.records", "lines", each=LINE),
        Field("PO_Number__c", "purchase_order", TEXT),
        Field("Payment_Terms__c", "terms", TEXT, "by the policy's name of the terms"),
        Field("OwnerId", "owner_id", TEXT),
        Field("Seamline_Instalments__r.records", "instalments", each=INSTALMENT),
        Field("Seamline_Invoices__r.records", "invoices", each=NOTE),
        Field(("$url", "Id"), "page", by(_deal_page)),
    ),
    way=Way.READ,
    wire=wire.Opportunity,
)
NOTE_OUT = FieldMapping(
    SYSTEM,
    NoteRequest,
    "Seamline_Invoice__c",
    (
        Field(KEY, "$key", TEXT, "in the address", fact="effect key"),
        Field("Number__c", "number", TEXT, fact="Invoice.number"),
        Field("Link__c", "link", TEXT),
        Field(("Amount__c", "CurrencyIsoCode"), "amount", MONEY_NUMBER),
        Field("Status__c", "status", _STATUSES),
    ),
    way=Way.WRITE,
)
NOTE_ON_DEAL = FieldMapping(
    SYSTEM,
    NoteRequest,
    "Opportunity",
    (
        Field("Invoice_Number__c", "number", TEXT, "the invoice written last", fact="Invoice.number"),
        Field("Invoice_Link__c", "link", TEXT),
        Field("Invoice_Status__c", "status", _STATUSES),
    ),
    way=Way.WRITE,
)
TASK_OUT = FieldMapping(
    SYSTEM,
    TaskRequest,
    "Task",
    (
        Field(KEY, "$key", TEXT, "in the address", fact="effect key"),
        Field("OwnerId", "owner_id", TEXT, "the deal's owner where nobody is named"),
        Field("Subject", "subject", TEXT),
        Field("Description", "text", TEXT),
    ),
    way=Way.WRITE,
    empty=LEFT_OUT,
)
TASK = FieldMapping(
    SYSTEM,
    Task,
    "Task",
    (Field("Id", "id", TEXT), Field(KEY, "key", TEXT, fact="effect key")),
    way=Way.READ,
    wire=wire.Task,
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (DEAL, NOTE_OUT, NOTE_ON_DEAL, TASK_OUT, TASK)


def page(url: str, kind: str, record_id: str) -> str:
    """Where people see a record."""
    return f"{url}/lightning/r/{kind}/{record_id}/view"


def problems(errors: tuple[wire.Error, ...]) -> tuple[Problem, ...]:
    """A problem for each field that Salesforce names, by our field's name where it is one that we send."""
    return tuple(
        Problem(field=_OURS.get(field, field), reason=one.message or one.errorCode)
        for one in errors
        for field in one.fields
    )


def _ours() -> Mapping[str, str]:
    sent = (field for mapping in (NOTE_ON_DEAL, NOTE_OUT, TASK_OUT) for field in mapping.fields)
    return {path: field.our_paths[0] for field in sent for path in field.their_paths if is_own(field.our_paths[0])}


_OURS = _ours()
