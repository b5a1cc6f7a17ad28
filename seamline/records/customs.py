"""What goods are declared to customs with, and which parcels leave their area. Pure.

The table of areas is meant for consumers' parcels: where no declaration is asked for, it says one area.
"""

from __future__ import annotations

import re

from pydantic import Field

from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.tax import EU, MEMBER_STATES

HS_CODE = re.compile(r"\d{6,13}")
INCOTERM = re.compile(r"DDP|DDU|DAP|FCA")
COUNTRY = re.compile(r"[A-Z]{2}")
NORTHERN_IRELAND = "Northern Ireland"
_AREAS = {**dict.fromkeys(MEMBER_STATES, EU), "MC": EU, "IM": "GB", "LI": "CH", "PR": "US"}
_OUTSIDE = (
    ("ES", re.compile(r"(35|38|51|52)\d{3}")),  # Canary Islands, Ceuta, Melilla
    ("FR", re.compile(r"9[78]\d{3}")),  # overseas
    ("DE", re.compile(r"27498|78266")),  # Heligoland, Büsingen
    ("IT", re.compile(r"23041|22061")),  # Livigno, Campione
    ("FI", re.compile(r"22\d{3}")),  # Åland
    ("US", re.compile(r"(09|340|96[2-6])\d{2,3}")),  # armed forces abroad
)


class CustomsLine(Record):
    """Goods of one kind in a parcel. Value and weight are of all its pieces."""

    description: str = Field(min_length=1, max_length=200)
    sku: str = Field(default="", max_length=100)
    hs_code: str = Field(pattern=rf"^{HS_CODE.pattern}$")
    origin: str = Field(pattern=rf"^{COUNTRY.pattern}$")
    quantity: int = Field(gt=0)
    value: Money
    weight_grams: int = Field(gt=0)


class Customs(Record):
    """The declaration of a parcel's goods, which are merchandise."""

    returned: bool = False
    """Whether they go back to who sold them."""

    incoterm: str = Field(pattern=rf"^({INCOTERM.pattern})$")
    """Who pays the duties: DDP the sender, else the customer."""
    lines: tuple[CustomsLine, ...] = Field(min_length=1)


def area(country: str, postcode: str = "") -> str:
    """Where goods move freely: EU, a country, or a place that customs treat as outside its country."""
    given = postcode.strip().upper()
    if country == "GB" and given.startswith("BT"):
        return NORTHERN_IRELAND
    for state, outside in _OUTSIDE:
        if country == state and outside.fullmatch(given):
            return f"{country} {given}"
    return _AREAS.get(country, country)


def leaves_area(ship_from: str, address: Address) -> bool:
    """Whether a parcel passes customs. Northern Ireland is open to the EU and, for consumers, to Great Britain."""
    left, reached = area(ship_from), area(address.country, address.postcode)
    return left != reached and not (reached == NORTHERN_IRELAND and left in (EU, "GB"))
