"""What is asked of Salesforce, in SOQL."""

from __future__ import annotations

from datetime import UTC, date, datetime

INVOICE, INSTALMENT = "Seamline_Invoice__c", "Seamline_Instalment__c"
_LINE = "Id, ProductCode, Product2.Name, Description, Quantity, UnitPrice, Discount, TotalPrice, Tax_Category__c"
_NOTE = "Id, Seamline_Key__c, Number__c, Link__c, Amount__c, CurrencyIsoCode, Status__c"
_ACCOUNT = (
    "Account.Id, Account.Name, Account.Website, Account.Tax_Id__c, Account.Customer_Group__c,"
    " Account.Purchase_Order_Required__c, Account.BillingStreet, Account.BillingCity, Account.BillingState,"
    " Account.BillingPostalCode, Account.BillingCountryCode"
)
_CONTACT = (
    "Billing_Contact__r.Id, Billing_Contact__r.FirstName, Billing_Contact__r.LastName, Billing_Contact__r.Email,"
    " Billing_Contact__r.HasOptedOutOfEmail"
)
_CHANGE = "Id, CreatedDate, LastStageChangeDate"
_CHANGE_OF_DEAL = "Opportunity__r.Id, Opportunity__r.CreatedDate, Opportunity__r.LastStageChangeDate"


def deal(deal_id: str) -> str:
    """The deal with all that belongs to it."""
    own = "Id, Name, IsWon, IsClosed, SystemModstamp, CurrencyIsoCode, Amount, CloseDate, Delivery_Date__c"
    ours = "PO_Number__c, Payment_Terms__c, Legal_Entity__c, OwnerId, Invoice_Number__c"
    lines = _select(_LINE, "OpportunityLineItems", "ORDER BY SortOrder, Id")
    parts = _select("Id, Number__c, Due_Date__c, Amount__c", "Seamline_Instalments__r", "ORDER BY Number__c")
    notes = _select(_NOTE, "Seamline_Invoices__r", "ORDER BY CreatedDate, Id")
    fields = f"{own}, {ours}, {_ACCOUNT}, {_CONTACT}, ({lines}), ({parts}), ({notes})"
    return _select(fields, "Opportunity", f"WHERE Id = {quoted(deal_id)}")


def won(since: datetime) -> str:
    """Deals that were won since."""
    return _select(_CHANGE, "Opportunity", f"WHERE IsWon = true AND LastStageChangeDate >= {_moment(since)}")


def made_won(since: datetime) -> str:
    """Deals that were made as won since: nothing changed their stage."""
    unchanged = "IsWon = true AND LastStageChangeDate = null"
    return _select(_CHANGE, "Opportunity", f"WHERE {unchanged} AND CreatedDate >= {_moment(since)}")


def reopened(since: datetime) -> str:
    """Invoices that stand of deals that are won no longer since."""
    changed = f"Opportunity__r.IsWon = false AND Opportunity__r.LastStageChangeDate >= {_moment(since)}"
    return _select(_CHANGE_OF_DEAL, INVOICE, f"WHERE Status__c != 'reversed' AND {changed}")


def due(by: date) -> str:
    """Instalments of won deals that are due by this day and have no invoice yet."""
    wanted = f"Due_Date__c <= {by.isoformat()} AND Invoice_Number__c = null AND Opportunity__r.IsWon = true"
    return _select(f"Number__c, {_CHANGE_OF_DEAL}", INSTALMENT, f"WHERE {wanted} ORDER BY Due_Date__c")


def tasks(deal_id: str) -> str:
    """The tasks about a deal that carry a key of ours."""
    about = f"WHERE WhatId = {quoted(deal_id)} AND Seamline_Key__c != null"
    return _select("Id, Status, Seamline_Key__c", "Task", f"{about} ORDER BY CreatedDate")


def deals_of(account_id: str) -> str:
    """The won deals of a customer."""
    return _select("Id", "Opportunity", f"WHERE AccountId = {quoted(account_id)} AND IsWon = true")


def by_id(kind: str, record_id: str) -> str:
    """Whether there is such a record."""
    return _select("Id", kind, f"WHERE Id = {quoted(record_id)}")


def keys(kind: str, field: str, value: str) -> str:
    """Our keys of the records with this value."""
    return _select("Seamline_Key__c", kind, f"WHERE {field} = {quoted(value)}")


def organization() -> str:
    """The organisation itself."""
    return _select("Name, IsSandbox", "Organization")


def quoted(text: str) -> str:
    """A text as SOQL writes it, whatever it holds."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _select(fields: str, source: str, rest: str = "") -> str:
    return " ".join(filter(None, ("SELECT", fields, "FROM", source, rest)))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
