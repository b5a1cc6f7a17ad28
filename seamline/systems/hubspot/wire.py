"""The shape of what HubSpot answers (objects and properties v3, communication preferences v3). Only what is read here.

Source: https://developers.hubspot.com/docs/api-reference
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

COMPANIES, CONTACTS = "companies", "contacts"
OBJECT_TYPES = {COMPANIES: "0-2", CONTACTS: "0-1"}
"""The numbers of the kinds in the addresses of HubSpot's pages."""
BATCH_MAX = 100
SUBSCRIBED = "SUBSCRIBED"
PORTAL_WIDE = "PORTAL_WIDE_STATUS"
NOT_FOUND = "OBJECT_NOT_FOUND"
AS_CUSTOMER = "LEGITIMATE_INTEREST_CLIENT"
"""The legal basis on which we stop mail: they are customers now."""


def _empty_for_none(value: Any) -> Any:
    return "" if value is None else value


Text = Annotated[str, BeforeValidator(_empty_for_none)]
"""HubSpot writes null for what has no value."""


class Wire(BaseModel):
    """Base of all that comes back; unknown fields ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, populate_by_name=True)


class Properties(Wire):
    """The properties that are asked for, of a company or a contact. `seamline_...` are the account's own."""

    domain: Text = ""
    email: Text = ""
    lifecyclestage: Text = ""
    seamline_reference: Text = ""
    seamline_deal: Text = ""
    seamline_key: Text = ""
    seamline_stage: Text = ""
    seamline_previous_stage: Text = ""


PROPERTIES = tuple(Properties.model_fields)
OURS = tuple(name for name in PROPERTIES if name.startswith("seamline_"))


class Object(Wire):
    """A company or a contact."""

    id: str
    properties: Properties


class Detail(Wire):
    """One thing that is wrong. `context` has the property's name, in a list, where it is about one."""

    message: Text = ""
    code: Text = ""
    context: dict[str, Any] = {}


class Error(Wire):
    """What is wrong with a request, or with one of a batch."""

    category: Text = ""
    message: Text = ""
    policy: Text = Field(default="", alias="policyName")
    errors: tuple[Detail, ...] = ()


class Page(Wire):
    """What a search or a batch found, or wrote; `errors` are those of a batch."""

    results: tuple[Object, ...] = ()
    errors: tuple[Error, ...] = ()


class Status(Wire):
    """Whether an address gets one kind of mail, and on what legal basis."""

    id: str
    status: str
    source: Text = Field(default="", alias="sourceOfStatus")
    legal_basis: Text = Field(default="", alias="legalBasis")
    explanation: Text = Field(default="", alias="legalBasisExplanation")

    @property
    def subscribed(self) -> bool:
        """Whether it gets it."""
        return self.status == SUBSCRIBED

    @property
    def opted_out(self) -> bool:
        """Whether the person wants no mail at all."""
        return self.source == PORTAL_WIDE and not self.subscribed


class Statuses(Wire):
    """All that an address gets."""

    statuses: tuple[Status, ...] = Field(default=(), alias="subscriptionStatuses")


class Option(Wire):
    """One of a property's values."""

    value: str


class Property(Wire):
    """A property's definition. Its options are in their order."""

    name: str
    options: tuple[Option, ...] = ()


class PropertyList(Wire):
    """All properties of a kind."""

    results: tuple[Property, ...]


class Details(Wire):
    """The account."""

    portal_id: int = Field(alias="portalId")
    pages: str = Field(default="app.hubspot.com", alias="uiDomain")
