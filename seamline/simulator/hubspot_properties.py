"""The properties of HubSpot's companies and contacts, as far as they are known here, and what values they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seamline.simulator.hubspot_answers import Refused, invalid
from seamline.simulator.world import Body

COMPANIES, CONTACTS = "companies", "contacts"
SINGULAR = {COMPANIES: "company", CONTACTS: "contact"}
TYPE_IDS = {"0-1": CONTACTS, "0-2": COMPANIES}
STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
LEGAL_BASES = (
    "Legitimate interest – prospect/lead",
    "Legitimate interest – existing customer",
    "Legitimate interest - other",
    "Performance of a contract",
    "Freely given consent from contact",
    "Not applicable",
)
TEXT_LENGTH_MAX = 65_536
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


@dataclass(frozen=True)
class Property:
    """One property. What HubSpot keeps by itself is `read_only`; `ours` are those an account makes for Seamline."""

    name: str
    label: str
    type: str = "string"
    options: tuple[str, ...] = ()
    unique: bool = False
    read_only: bool = False
    ours: bool = False

    def definition(self, kind: str) -> Body:
        """The property as `/crm/v3/properties` shows it."""
        choices = [
            {"label": option, "value": option, "displayOrder": place, "hidden": False, "description": ""}
            for place, option in enumerate(self.options)
        ]
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": {"enumeration": "select", "datetime": "date", "bool": "booleancheckbox"}.get(
                self.type, "text"
            ),
            "description": "",
            "groupName": f"{SINGULAR[kind]}information",
            "options": choices,
            "hasUniqueValue": self.unique,
            "hidden": False,
            "hubspotDefined": not self.ours,
            "calculated": False,
            "externalOptions": False,
            "formField": not self.read_only,
            "displayOrder": -1,
            "archived": False,
            "modificationMetadata": {
                "archivable": self.ours,
                "readOnlyDefinition": not self.ours,
                "readOnlyValue": self.read_only,
            },
        }


def stage_date(stage: str) -> str:
    """The property that keeps when an object reached this stage."""
    return f"hs_lifecyclestage_{stage}_date"


_BOTH = (
    Property("lifecyclestage", "Lifecycle Stage", "enumeration", STAGES),
    *(Property(stage_date(stage), f"Became a {stage} date", "datetime", read_only=True) for stage in STAGES),
    Property("hubspot_owner_id", "Owner"),
    Property("phone", "Phone Number"),
    Property("city", "City"),
    Property("country", "Country/Region"),
    Property("createdate", "Create Date", "datetime", read_only=True),
    Property("hs_object_id", "Record ID", "number", read_only=True),
    Property("seamline_reference", "Seamline reference", unique=True, ours=True),
    Property("seamline_deal", "Seamline deal", ours=True),
    Property("seamline_key", "Seamline effect key", ours=True),
    Property("seamline_stage", "Seamline stage", ours=True),
    Property("seamline_previous_stage", "Seamline previous stage", ours=True),
)
_COMPANY = (
    Property("name", "Company name"),
    Property("domain", "Company Domain Name"),
    Property("website", "Website URL"),
    Property("hs_lastmodifieddate", "Last Modified Date", "datetime", read_only=True),
)
_CONTACT = (
    Property("email", "Email", unique=True),
    Property("firstname", "First Name"),
    Property("lastname", "Last Name"),
    Property("company", "Company Name"),
    Property("jobtitle", "Job Title"),
    Property("hs_legal_basis", "Legal basis for processing contact's data", "enumeration", LEGAL_BASES),
    Property("hs_email_optout", "Unsubscribed from all email", "bool", ("true", "false"), read_only=True),
    Property("lastmodifieddate", "Last Modified Date", "datetime", read_only=True),
)
PROPERTIES: Mapping[str, Mapping[str, Property]] = {
    COMPANIES: {one.name: one for one in (*_COMPANY, *_BOTH)},
    CONTACTS: {one.name: one for one in (*_CONTACT, *_BOTH)},
}
SHOWN: Mapping[str, tuple[str, ...]] = {
    COMPANIES: ("name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"),
    CONTACTS: ("firstname", "lastname", "email", "createdate", "lastmodifieddate", "hs_object_id"),
}
"""What is shown when nothing is asked for."""
CHANGED_AT = {COMPANIES: "hs_lastmodifieddate", CONTACTS: "lastmodifieddate"}


def kind_of(given: str) -> str:
    """The kind of object that a path names: `contacts`, `contact` or `0-1`."""
    for kind, singular in SINGULAR.items():
        if given.lower() in (kind, singular) or TYPE_IDS.get(given) == kind:
            return kind
    raise Refused(400, "VALIDATION_ERROR", f"Unable to infer object type from: {given}")


def unique_property(kind: str, name: str) -> str:
    """The name, if it is that of a unique property. `hs_object_id` is one too."""
    known = PROPERTIES[kind].get(name)
    if known is None or not (known.unique or name == "hs_object_id"):
        raise Refused(400, "VALIDATION_ERROR", f"The property {name} is not a unique property of {kind}.")
    return name


def checked(kind: str, given: Any) -> dict[str, str]:
    """The values to write, as texts; '' where one is to be cleared. Every wrong one is named."""
    if not isinstance(given, dict):
        raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: properties must be an object.")
    values = {name: _text(value) for name, value in given.items()}
    problems = [(name, *problem) for name, value in values.items() if (problem := _problem(kind, name, value))]
    if problems:
        raise invalid(problems)
    if email := values.get("email"):
        values["email"] = email.lower()
    return values


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _problem(kind: str, name: str, value: str) -> tuple[str, str] | None:
    """The code and text of what is wrong with a value."""
    known = PROPERTIES[kind].get(name)
    if known is None:
        return "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
    if known.read_only:
        return "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set.'
    if known.options and value and value not in known.options:
        return "INVALID_OPTION", f"{value} was not one of the allowed options: {list(known.options)}"
    if name == "email" and value and not _EMAIL.fullmatch(value):
        return "INVALID_EMAIL", f"Email address {value} is invalid"
    if len(value) > TEXT_LENGTH_MAX:
        return "INVALID_LENGTH", f"the value is longer than {TEXT_LENGTH_MAX} characters"
    return None
