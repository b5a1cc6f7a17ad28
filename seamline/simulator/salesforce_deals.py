"""Deals in the simulated organisation: what a test may ask for, and the records made and changed for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from seamline.simulator.salesforce_objects import INVOICE_STATES, STAGES, TYPES
from seamline.simulator.salesforce_org import Org
from seamline.simulator.salesforce_records import Records
from seamline.simulator.world import Body, now

LINES_MAX = 200
Text = Annotated[str, Field(max_length=255)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class AccountWanted(_Wanted):
    """The customer. An account of this name is used again; what is given of it changes."""

    name: Text = "Fielding Ceramics Ltd"
    website: Text | None = "https://www.fielding-ceramics.example"
    tax_id: Text | None = "GB123456789"
    group: Text | None = "standard"
    purchase_order_required: bool = False
    street: str | None = Field(default="12 Mill Lane", max_length=1000)
    city: Text | None = "Cambridge"
    state: Text | None = "Cambridgeshire"
    postcode: Text | None = "CB2 1RX"
    country: Text | None = "United Kingdom"
    country_code: str | None = Field(default="GB", pattern="^[A-Z]{2}$")
    currency: Currency = "GBP"


class ContactWanted(_Wanted):
    """The person whom invoices go to."""

    first_name: Text | None = "Jo"
    last_name: Text = "Fielding"
    email: Text | None = "jo.fielding@example.com"
    phone: Text | None = "+441223000000"
    opted_out: bool = False


class LineWanted(_Wanted):
    """One line; `discount` in percent."""

    product: Text | None = Field(default="PLAN-TEAM", description="The product's code.")
    name: Text = "Team plan, one year"
    description: Text | None = None
    quantity: Decimal = Decimal(1)
    unit_price: Decimal = Decimal("1200.00")
    discount: Decimal | None = Field(default=None, ge=-100, le=100)
    tax_category: Text | None = "standard"


class InstalmentWanted(_Wanted):
    """A part of the amount that is due on a day of its own."""

    due_date: date
    amount: Decimal


class OwnerWanted(_Wanted):
    """The colleague whose deal it is."""

    name: Text = "Sam Okafor"
    email: Text = "sam.okafor@example.com"


class DealWanted(_Wanted):
    """A deal as sales would leave it; every default makes a plain deal, won today. Null takes a value away.

    `amount` replaces what the lines add up to, as no organisation with products would let it; without lines it stands
    alone. `fields` are further fields of the opportunity by Salesforce's names.
    """

    name: Text = "Team plan for a year"
    stage: Literal[tuple(STAGES)] = "Closed Won"  # type: ignore[valid-type]
    amount: Decimal | None = None
    currency: Currency = "GBP"
    close_date: date | None = Field(default=None, description="Today where it is not given.")
    po_number: Text | None = None
    delivery_date: date | None = None
    terms: Text | None = "net-30"
    discount_percent: Decimal | None = None
    entity: Text | None = Field(default=None, description="The legal entity that sells.")
    type: Text | None = None
    invoice_number: Text | None = None
    invoice_status: Literal[INVOICE_STATES] | None = None  # type: ignore[valid-type]
    account: AccountWanted | None = AccountWanted()
    contact: ContactWanted | None = ContactWanted()
    owner: OwnerWanted | None = None
    lines: list[LineWanted] = Field(default=[LineWanted()], max_length=LINES_MAX)
    instalments: list[InstalmentWanted] = Field(default=[], max_length=100)
    fields: dict[str, Any] = {}


_ACCOUNT = {
    "name": "Name",
    "website": "Website",
    "tax_id": "Tax_Id__c",
    "group": "Customer_Group__c",
    "purchase_order_required": "Purchase_Order_Required__c",
    "street": "BillingStreet",
    "city": "BillingCity",
    "state": "BillingState",
    "postcode": "BillingPostalCode",
    "country": "BillingCountry",
    "country_code": "BillingCountryCode",
    "currency": "CurrencyIsoCode",
}
_CONTACT = {
    "first_name": "FirstName",
    "last_name": "LastName",
    "email": "Email",
    "phone": "Phone",
    "opted_out": "HasOptedOutOfEmail",
}
_DEAL = {
    "name": "Name",
    "stage": "StageName",
    "currency": "CurrencyIsoCode",
    "close_date": "CloseDate",
    "po_number": "PO_Number__c",
    "delivery_date": "Delivery_Date__c",
    "terms": "Payment_Terms__c",
    "discount_percent": "Discount_Percent__c",
    "entity": "Legal_Entity__c",
    "type": "Type",
    "invoice_number": "Invoice_Number__c",
    "invoice_status": "Invoice_Status__c",
}


class Deals:
    """Makes and changes deals as people do it. Use within the records' transaction."""

    def __init__(self, org: Org, records: Records) -> None:
        self._org = org
        self._records = records

    def make(self, wanted: DealWanted) -> str:
        """Make a deal with all that belongs to it; the opportunity's id."""
        close_date = wanted.close_date or now().date()
        values = _fields(wanted.model_dump(), _DEAL) | {"CloseDate": close_date.isoformat()} | wanted.fields
        # Won only once all is there, so that the Flow tells of a whole deal; the history shows how it came about.
        stage = values.pop("StageName")
        values |= {"StageName": stage if stage not in ("Closed Won", "Closed Lost") else "Negotiation/Review"}
        if wanted.account:
            values["AccountId"] = self._account(wanted.account)
        if wanted.contact:
            values["Billing_Contact__c"] = self._contact(wanted.contact, values.get("AccountId"))
        if wanted.owner:
            values["OwnerId"] = self._org.user(wanted.owner.name, wanted.owner.email)["Id"]
        deal_id = self._records.create(TYPES["Opportunity"], values)
        self._put_lines(deal_id, wanted.lines)
        self._put_instalments(deal_id, wanted.instalments)
        closing: Body = {"StageName": stage}
        if wanted.amount is not None:
            closing["Amount"] = wanted.amount
        self._records.update(TYPES["Opportunity"], deal_id, closing)
        return deal_id

    def change(self, deal: Body, wanted: DealWanted) -> None:
        """Change what is given of a deal, and nothing else."""
        given = wanted.model_dump(exclude_unset=True)
        values = _fields(given, _DEAL) | given.get("fields", {})
        if wanted.account and "account" in given:
            values["AccountId"] = self._account(wanted.account, deal["AccountId"])
        if "contact" in given:
            account_id = values.get("AccountId", deal["AccountId"])
            known = deal["Billing_Contact__c"]
            values["Billing_Contact__c"] = self._contact(wanted.contact, account_id, known) if wanted.contact else None
        if wanted.owner and "owner" in given:
            values["OwnerId"] = self._org.user(wanted.owner.name, wanted.owner.email)["Id"]
        if "lines" in given:
            self._put_lines(deal["Id"], wanted.lines)
        if "instalments" in given:
            self._put_instalments(deal["Id"], wanted.instalments)
        if "amount" in given:
            values["Amount"] = wanted.amount
        if values:
            self._records.update(TYPES["Opportunity"], deal["Id"], values)

    def _account(self, wanted: AccountWanted, known_id: str | None = None) -> str:
        """The account of this name, or the known one where no name is given."""
        kind = TYPES["Account"]
        given = _fields(wanted.model_dump(exclude_unset=True), _ACCOUNT)
        known = [known_id] if known_id and "Name" not in given else []
        for account_id in known or [one["Id"] for one in self._records.find(kind, {"Name": wanted.name})]:
            if given:
                self._records.update(kind, account_id, given)
            return str(account_id)
        return self._records.create(kind, _fields(wanted.model_dump(), _ACCOUNT))

    def _contact(self, wanted: ContactWanted, account_id: str | None, known_id: str | None = None) -> str:
        kind = TYPES["Contact"]
        if known_id:
            self._records.update(kind, known_id, _fields(wanted.model_dump(exclude_unset=True), _CONTACT))
            return known_id
        where = {"AccountId": account_id, "Email": wanted.email}
        for one in self._records.find(kind, where) if wanted.email and account_id else ():
            return str(one["Id"])
        return self._records.create(kind, _fields(wanted.model_dump(), _CONTACT) | {"AccountId": account_id})

    def _put_lines(self, deal_id: str, lines: list[LineWanted]) -> None:
        kind = TYPES["OpportunityLineItem"]
        for old in self._records.find(kind, {"OpportunityId": deal_id}):
            self._records.delete(kind, old["Id"])
        for place, line in enumerate(lines, start=1):
            values = {
                "OpportunityId": deal_id,
                "Product2Id": self._product(line),
                "Quantity": line.quantity,
                "UnitPrice": line.unit_price,
                "Discount": line.discount,
                "Description": line.description,
                "Tax_Category__c": line.tax_category,
                "SortOrder": place,
            }
            self._records.create(kind, values)

    def _product(self, line: LineWanted) -> str:
        kind = TYPES["Product2"]
        for known in self._records.find(kind, {"Name": line.name}):
            if known["ProductCode"] == line.product:
                return str(known["Id"])
        return self._records.create(kind, {"Name": line.name, "ProductCode": line.product})

    def _put_instalments(self, deal_id: str, instalments: list[InstalmentWanted]) -> None:
        kind = TYPES["Seamline_Instalment__c"]
        for old in self._records.find(kind, {"Opportunity__c": deal_id}):
            self._records.delete(kind, old["Id"])
        for number, one in enumerate(instalments, start=1):
            values = {"Opportunity__c": deal_id, "Number__c": number, "Amount__c": one.amount}
            self._records.create(kind, values | {"Due_Date__c": one.due_date.isoformat()})


def _fields(given: Mapping[str, Any], names: Mapping[str, str]) -> Body:
    """What is given, by Salesforce's names."""
    values = {names[name]: value for name, value in given.items() if name in names}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
