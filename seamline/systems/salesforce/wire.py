"""The shape of what Salesforce answers (REST API v64.0), nothing renamed. Only what is read here.

Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

API_VERSION = "v64.0"

T = TypeVar("T")


def _empty_for_none(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_empty_for_none)]
"""Salesforce keeps no empty texts: they come as null."""
Number = Annotated[Decimal, Field(allow_inf_nan=False)]


class Wire(BaseModel):
    """Base of all that comes back; unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Error(Wire):
    """One of the errors in a refusal; the fields are those of the request."""

    errorCode: Text = ""
    message: Text = ""
    fields: tuple[str, ...] = ()


class TokenError(Wire):
    """Why there is no token."""

    error: Text = ""
    error_description: Text = ""


class Token(Wire):
    """An access token. It lives as long as the organisation lets sessions live, which is not told."""

    access_token: str = Field(min_length=1)


class Page(Wire, Generic[T]):
    """The records of a query, or of a relationship, and where the rest is."""

    records: tuple[T, ...] = ()
    done: bool = True
    nextRecordsUrl: Text = ""


class Organization(Wire):
    """The organisation itself."""

    Name: Text = ""
    IsSandbox: bool = False


class Customer(Wire):
    """The customer of a deal."""

    Id: str
    Name: Text = ""
    Website: Text = ""
    Tax_Id__c: Text = ""
    Customer_Group__c: Text = ""
    Purchase_Order_Required__c: bool = False
    BillingStreet: Text = ""
    BillingCity: Text = ""
    BillingState: Text = ""
    BillingPostalCode: Text = ""
    BillingCountryCode: Text = ""


class Contact(Wire):
    """The person who gets the invoice."""

    Id: str
    FirstName: Text = ""
    LastName: Text = ""
    Email: Text = ""
    HasOptedOutOfEmail: bool = False


class Product(Wire):
    """What a line sells."""

    Name: Text = ""


class Line(Wire):
    """A line of a deal."""

    Id: str
    ProductCode: Text = ""
    Product2: Product | None = None
    Description: Text = ""
    Quantity: Number | None = None
    UnitPrice: Number | None = None
    Discount: Number | None = None
    TotalPrice: Number | None = None
    Tax_Category__c: Text = ""


class Instalment(Wire):
    """A part of a deal's amount with a day of its own."""

    Id: str
    Number__c: Number | None = None
    Due_Date__c: date | None = None
    Amount__c: Number | None = None


class Invoice(Wire):
    """What was written back of an invoice."""

    Id: str
    Seamline_Key__c: Text = ""
    Number__c: Text = ""
    Link__c: Text = ""
    Amount__c: Number | None = None
    CurrencyIsoCode: Text = ""
    Status__c: Text = ""


class Opportunity(Wire):
    """A deal, with all that belongs to it."""

    Id: str
    Name: Text = ""
    IsWon: bool
    IsClosed: bool
    SystemModstamp: datetime
    CurrencyIsoCode: Text = ""
    Amount: Number | None = None
    CloseDate: date | None = None
    Delivery_Date__c: date | None = None
    PO_Number__c: Text = ""
    Payment_Terms__c: Text = ""
    Legal_Entity__c: Text = ""
    OwnerId: Text = ""
    Invoice_Number__c: Text = ""
    Account: Customer | None = None
    Billing_Contact__r: Contact | None = None
    OpportunityLineItems: Page[Line] | None = None
    Seamline_Instalments__r: Page[Instalment] | None = None
    Seamline_Invoices__r: Page[Invoice] | None = None


class Change(Wire):
    """When the stage of an opportunity changed last: never, for one that was made as it is."""

    Id: str
    CreatedDate: datetime
    LastStageChangeDate: datetime | None = None

    @property
    def at(self) -> datetime:
        """Since when the stage is as it is."""
        return self.LastStageChangeDate or self.CreatedDate


class Below(Wire):
    """An instalment or an invoice, and when the stage of its deal changed."""

    Number__c: Any = None
    Opportunity__r: Change | None = None

    @property
    def part(self) -> int:
        """The instalment's number; 0 where it cannot be one."""
        number = self.Number__c
        return int(number) if isinstance(number, int | float) and number in range(1, 10_000) else 0


class Task(Wire):
    """A task."""

    Id: str
    Status: Text = ""
    Seamline_Key__c: Text = ""


class Ours(Wire):
    """A record that carries our key."""

    Seamline_Key__c: Text = ""


class Named(Wire):
    """A record by its id alone."""

    Id: str


class Sub(Wire):
    """The answer to one call of a composite request."""

    body: Any = None
    httpStatusCode: int
    referenceId: str


class Composite(Wire):
    """The answers to a composite request, in its order."""

    compositeResponse: tuple[Sub, ...]


class Made(Wire):
    """What was made or changed."""

    id: str = Field(min_length=1)
