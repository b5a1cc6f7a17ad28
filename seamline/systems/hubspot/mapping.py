"""Between HubSpot's companies, contacts and subscriptions and our records: declarations, and pure functions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seamline.conversions import TEXT, by, codes
from seamline.errors import Problem
from seamline.fields import Field, FieldMapping, Way
from seamline.records.audience import AudienceRequest, Company, Consent, Person
from seamline.systems.hubspot import wire

_FIELDS_OF_OURS = {"lifecyclestage": "stage", "seamline_key": "key", "seamline_previous_stage": "saved_stage"}
_NOTE = re.compile(r"Seamline (?P<key>\S+) before (?P<basis>[A-Z_]*): (?P<explanation>.*)", re.DOTALL)


def standing(key: str | None, set_to: str | None, stage: str | None) -> str:
    """The effect key of our change, while the stage is the one that we set or, half way, none."""
    return key or "" if set_to and (stage or "") in (set_to, "") else ""


def consent(status: str, source: str, legal_basis: str) -> Consent:
    """Refused by who opted out of all mail; given where the subscription has its legal basis; else unknown."""
    mail = wire.Status(id="", status=status, source=source, legal_basis=legal_basis)
    if mail.opted_out:
        return Consent.REFUSED
    return Consent.GIVEN if mail.subscribed and mail.legal_basis else Consent.UNKNOWN


def lowered(emails: Sequence[str]) -> list[str]:
    """In lower case, as HubSpot keeps them."""
    return [one.lower() for one in emails]


# What we set is kept beside the stage, in properties of the account's own, so that people's changes are seen as theirs.
_STAGE = (
    Field("id", "id", TEXT, way=Way.READ),
    Field("properties.lifecyclestage", "stage", TEXT),
    Field("properties.seamline_stage", "$set_to", TEXT, "the stage that we set, until it is put back", way=Way.WRITE),
    Field("properties.seamline_previous_stage", "saved_stage", TEXT),
    Field(
        ("properties.seamline_key", "properties.seamline_stage", "properties.lifecyclestage"),
        "key",
        by(standing),
        way=Way.READ,
    ),
    Field("properties.seamline_key", "key", TEXT, way=Way.WRITE, fact="effect key"),
    Field(
        "properties.seamline_deal",
        "$deal",
        TEXT,
        "that the key is for, also where it is an instalment's",
        way=Way.WRITE,
        fact="Deal.reference",
    ),
)
COMPANY = FieldMapping("HubSpot", Company, "Company", _STAGE, wire=wire.Object, empty="")
PERSON = FieldMapping(
    "HubSpot",
    Person,
    "Contact",
    (
        *_STAGE,
        Field(
            ("$subscription.status", "$subscription.sourceOfStatus", "$subscription.legalBasis"),
            "consent",
            by(consent),
            way=Way.READ,
        ),
        Field("$subscription.status", "prospect_mail", codes({wire.SUBSCRIBED: True}, otherwise=False), way=Way.READ),
    ),
    wire=wire.Object,
    empty="",
)
SOUGHT = FieldMapping(
    "HubSpot",
    AudienceRequest,
    "Company",
    (
        Field("seamline_reference", "customer", TEXT, "looked for first", fact="Customer.reference"),
        Field("domain", "domain", TEXT, "looked for where no company has the reference", fact="Customer.domain"),
    ),
    way=Way.WRITE,
    empty="",
)
SOUGHT_PEOPLE = FieldMapping(
    "HubSpot",
    AudienceRequest,
    "Contact",
    (Field("email", "emails", by(write=lowered), fact="BillingContact.email"),),
    way=Way.WRITE,
    empty=(),
)
MAPPINGS: tuple[FieldMapping[Any], ...] = (COMPANY, PERSON, SOUGHT, SOUGHT_PEOPLE)


@dataclass(frozen=True)
class Stopped:
    """What we noted when we stopped somebody's mail: our key, and on what legal basis it was sent before."""

    key: str
    legal_basis: str
    explanation: str


def note(key: str, before: wire.Status) -> str:
    """The explanation that says who stopped the mail, and what was noted before."""
    return f"Seamline {key} before {before.legal_basis}: {before.explanation}"


def stopped(mail: wire.Status) -> Stopped | None:
    """What we noted; None where the mail goes on, or somebody else stopped it."""
    found = None if mail.subscribed or mail.opted_out else _NOTE.fullmatch(mail.explanation)
    return Stopped(found["key"], found["basis"], found["explanation"]) if found else None


def moves_back(order: Sequence[str], current: str, wanted: str) -> bool:
    """Whether HubSpot ignores the wanted stage until the one that stands is cleared. One it does not know counts so."""
    if "" in (current, wanted) or current == wanted:
        return False
    return current not in order or order.index(wanted) < order.index(current)


def error_problems(told: wire.Error) -> list[Problem]:
    """A problem for each property that HubSpot names, by our names."""
    problems = []
    for detail in told.errors:
        names = detail.context.get("propertyName") or []
        field = str(names[0]) if isinstance(names, list) and names else ""
        if field:
            problems.append(Problem(field=_FIELDS_OF_OURS.get(field, field), reason=detail.message or detail.code))
    return problems
