"""What the simulated Salesforce organisation holds: its object types, their fields, and how they hang together.

The custom fields and objects (`__c`) are those that Seamline asks an organisation to have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

STAGES = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}
"""The standard stages of a sale, and their probability in percent."""
WON = "Closed Won"
CLOSED = ("Closed Won", "Closed Lost")
REVERSED = "reversed"
INVOICE_STATES = ("posted", "paid", "disputed", REVERSED)
CURRENCIES = ("GBP", "EUR", "USD", "CHF", "SEK", "JPY", "AUD", "CAD", "NZD", "PLN", "NOK", "DKK")
"""The organisation's active currencies."""
SECONDS_FORMAT = "%Y-%m-%dT%H:%M:%S.000+0000"
"""Salesforce keeps the times of records in whole seconds."""


@dataclass(frozen=True)
class Field:
    """One field, in the words of Salesforce's describe. `scale`: digits behind the point."""

    name: str
    type: str = "string"
    length: int = 255
    required: bool = False
    writable: bool = True
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    external_id: bool = False
    values: tuple[str, ...] = ()
    default: Any = None
    scale: int = 2

    @property
    def filterable(self) -> bool:
        """Whether WHERE and ORDER BY may name it."""
        return self.type != "textarea"

    def described(self) -> dict[str, Any]:
        """The field as `describe` tells it, cut down to what clients ask for."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length if self.type in ("string", "textarea", "picklist", "email", "url", "phone") else 0,
            "nillable": not self.required,
            "createable": self.writable,
            "updateable": self.writable,
            "custom": self.name.endswith("__c"),
            "externalId": self.external_id,
            "unique": self.external_id,
            "idLookup": self.external_id or self.name == "Id",
            "filterable": self.filterable,
            "referenceTo": list(self.refers_to),
            "relationshipName": self.relationship or None,
            "scale": self.scale if self.type in ("currency", "double", "percent") else 0,
            "picklistValues": [{"value": one, "label": one, "active": True} for one in self.values],
        }


@dataclass(frozen=True)
class ObjectType:
    """One object type. `children` are its child relationships: name -> (type, field that refers here)."""

    name: str
    prefix: str
    fields: dict[str, Field]
    children: dict[str, tuple[str, str]] = field(default_factory=dict)
    over_api: bool = True
    """Whether records can be made and changed over the API."""

    def described(self) -> dict[str, Any]:
        """The head of `describe`."""
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            "queryable": True,
            "createable": self.over_api,
            "updateable": self.over_api,
            "deletable": self.over_api,
        }

    def relationship(self, name: str) -> Field | None:
        """The field behind a parent relationship's name."""
        return next((one for one in self.fields.values() if one.relationship == name), None)


def _type(
    name: str,
    prefix: str,
    fields: Iterable[Field],
    *,
    children: dict[str, tuple[str, str]] | None = None,
    over_api: bool = True,
) -> ObjectType:
    system = (
        Field("Id", "id", writable=False),
        Field("IsDeleted", "boolean", writable=False, default=False),
        Field("CreatedDate", "datetime", writable=False),
        Field("LastModifiedDate", "datetime", writable=False),
        Field("LastModifiedById", "reference", writable=False, refers_to=("User",), relationship="LastModifiedBy"),
        Field("SystemModstamp", "datetime", writable=False),
    )
    return ObjectType(name, prefix, {one.name: one for one in (*system, *fields)}, children or {}, over_api)


def _lookup(name: str, *types: str, required: bool = False) -> Field:
    relationship = name.removesuffix("__c") + "__r" if name.endswith("__c") else name.removesuffix("Id")
    return Field(name, "reference", refers_to=types, relationship=relationship, required=required)


def _currency_code() -> Field:
    return Field("CurrencyIsoCode", "picklist", values=CURRENCIES, default="GBP")


def _key() -> Field:
    return Field("Seamline_Key__c", external_id=True)


_ACCOUNT = (
    Field("Name", required=True),
    Field("Website", "url"),
    Field("Tax_Id__c", length=40),
    Field("Customer_Group__c", "picklist"),
    Field("Purchase_Order_Required__c", "boolean", default=False),
    Field("BillingStreet", "textarea"),
    Field("BillingCity", length=40),
    Field("BillingState", length=80),
    Field("BillingPostalCode", length=20),
    Field("BillingCountry", length=80),
    Field("BillingCountryCode", "picklist", length=10),
    _currency_code(),
    _lookup("OwnerId", "User"),
)
_CONTACT = (
    _lookup("AccountId", "Account"),
    Field("FirstName", length=40),
    Field("LastName", length=80, required=True),
    Field("Name", length=121, writable=False),
    Field("Email", "email", length=80),
    Field("Phone", "phone", length=40),
    Field("HasOptedOutOfEmail", "boolean", default=False),
    _lookup("OwnerId", "User"),
)
_OPPORTUNITY = (
    Field("Name", length=120, required=True),
    Field("StageName", "picklist", required=True, values=tuple(STAGES)),
    Field("LastStageChangeDate", "datetime", writable=False),
    Field("IsWon", "boolean", writable=False),
    Field("IsClosed", "boolean", writable=False),
    Field("Probability", "percent", scale=0),
    Field("Amount", "currency"),
    _currency_code(),
    Field("CloseDate", "date", required=True),
    Field("Type", "picklist"),
    Field("HasOpportunityLineItem", "boolean", writable=False, default=False),
    _lookup("AccountId", "Account"),
    _lookup("OwnerId", "User"),
    _lookup("Billing_Contact__c", "Contact"),
    Field("PO_Number__c", length=50),
    Field("Delivery_Date__c", "date"),
    Field("Payment_Terms__c", "picklist"),
    Field("Discount_Percent__c", "percent"),
    Field("Legal_Entity__c", length=40),
    Field("Invoice_Number__c", length=80),
    Field("Invoice_Status__c", "picklist", values=INVOICE_STATES),
    Field("Invoice_Link__c", "url"),
)
_LINE = (
    _lookup("OpportunityId", "Opportunity", required=True),
    _lookup("Product2Id", "Product2", required=True),
    Field("Name", writable=False),
    Field("ProductCode", writable=False),
    Field("Quantity", "double", required=True),
    Field("UnitPrice", "currency", required=True),
    Field("Discount", "percent"),
    Field("TotalPrice", "currency", writable=False),
    Field("CurrencyIsoCode", "picklist", writable=False, values=CURRENCIES),
    Field("Description"),
    Field("Tax_Category__c", "picklist"),
    Field("SortOrder", "double", scale=0),
)
_HISTORY = (
    _lookup("OpportunityId", "Opportunity"),
    Field("StageName", "picklist"),
    Field("Amount", "currency"),
    Field("CloseDate", "date"),
    Field("Probability", "percent", scale=0),
)
_TASK = (
    Field("Subject", required=True),
    Field("Description", "textarea", length=32_000),
    _lookup("WhatId", "Opportunity", "Account", "Seamline_Invoice__c"),
    _lookup("OwnerId", "User"),
    Field("Status", "picklist", values=("Not Started", "In Progress", "Completed", "Deferred"), default="Not Started"),
    Field("Priority", "picklist", values=("High", "Normal", "Low"), default="Normal"),
    Field("ActivityDate", "date"),
    _key(),
)
_INVOICE = (
    Field("Name", length=80, writable=False),
    _key(),
    _lookup("Opportunity__c", "Opportunity"),
    Field("Number__c", length=80),
    Field("Link__c", "url"),
    Field("Amount__c", "currency"),
    _currency_code(),
    Field("Status__c", "picklist", values=INVOICE_STATES),
)
_INSTALMENT = (
    Field("Name", length=80, writable=False),
    _lookup("Opportunity__c", "Opportunity", required=True),
    Field("Number__c", "double", scale=0),
    Field("Due_Date__c", "date", required=True),
    Field("Amount__c", "currency", required=True),
    Field("CurrencyIsoCode", "picklist", writable=False, values=CURRENCIES),
    Field("Invoice_Number__c", length=80),
)

TYPES: dict[str, ObjectType] = {
    one.name: one
    for one in (
        _type(
            "Organization",
            "00D",
            (Field("Name", writable=False), Field("IsSandbox", "boolean", writable=False)),
            over_api=False,
        ),
        _type(
            "User",
            "005",
            (
                Field("Name", writable=False),
                Field("Email", "email", writable=False),
                Field("Username", writable=False),
                Field("IsActive", "boolean", writable=False, default=True),
            ),
            over_api=False,
        ),
        _type(
            "Account",
            "001",
            _ACCOUNT,
            children={"Contacts": ("Contact", "AccountId"), "Opportunities": ("Opportunity", "AccountId")},
        ),
        _type("Contact", "003", _CONTACT),
        _type(
            "Opportunity",
            "006",
            _OPPORTUNITY,
            children={
                "OpportunityLineItems": ("OpportunityLineItem", "OpportunityId"),
                "OpportunityHistories": ("OpportunityHistory", "OpportunityId"),
                "Seamline_Invoices__r": ("Seamline_Invoice__c", "Opportunity__c"),
                "Seamline_Instalments__r": ("Seamline_Instalment__c", "Opportunity__c"),
                "Tasks": ("Task", "WhatId"),
            },
        ),
        _type("OpportunityLineItem", "00k", _LINE),
        _type("OpportunityHistory", "008", _HISTORY, over_api=False),
        _type(
            "Product2", "01t", (Field("Name", required=True), Field("ProductCode"), Field("Description", "textarea"))
        ),
        _type("Task", "00T", _TASK),
        _type("Seamline_Invoice__c", "a00", _INVOICE),
        _type("Seamline_Instalment__c", "a01", _INSTALMENT),
    )
}
BY_PREFIX = {one.prefix: one for one in TYPES.values()}
