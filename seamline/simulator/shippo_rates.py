"""What Shippo's carriers would deliver, for how much: services, prices, address checks. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

LABEL_WEIGHT_KG_MAX = Decimal(30)
RATE_WEIGHT_KG_MAX = Decimal(70)

_POSTCODES = {
    "GB": re.compile(r"(GIR ?0AA|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2})"),
    "US": re.compile(r"[0-9]{5}(-[0-9]{4})?"),
    "DE": re.compile(r"[0-9]{5}"),
}
_NEVER_VALID = {"ZZ99ZZ", "00000"}
_KILOGRAMS = {"g": Decimal("0.001"), "kg": Decimal(1), "lb": Decimal("0.45359237"), "oz": Decimal("0.028349523125")}
_CURRENCIES = {"GB": "GBP", "US": "USD"}
_UNSERVED = {"AQ", "KP", "SY"}


@dataclass(frozen=True)
class Service:
    """A carrier's service. Prices are in the currency of the account, per parcel and per started half kilogram."""

    carrier: str
    provider: str
    token: str
    name: str
    days: int
    base: Decimal
    per_half_kg: Decimal


def _service(carrier: str, provider: str, token: str, name: str, days: int, base: str, per_half_kg: str) -> Service:
    return Service(carrier, provider, token, name, days, Decimal(base), Decimal(per_half_kg))


_DOMESTIC = {
    "GB": (
        _service("hermes_uk", "Hermes UK", "hermes_uk_courier_service", "Courier Collection", 3, "2.89", "0.30"),
        _service("royal_mail", "Royal Mail", "royal_mail_48", "RoyalMail 48", 2, "3.35", "0.42"),
        _service("royal_mail", "Royal Mail", "royal_mail_24", "RoyalMail 24", 1, "4.45", "0.55"),
        _service("dpd_uk", "DPD UK", "dpd_uk_1200", "Door to door 12.00 next day", 1, "9.95", "0.80"),
    ),
    "US": (
        _service("usps", "USPS", "usps_ground_advantage", "Ground Advantage", 5, "5.40", "0.70"),
        _service("usps", "USPS", "usps_priority", "Priority Mail", 2, "8.25", "0.95"),
        _service("ups", "UPS", "ups_next_day_air", "Next Day Air", 1, "31.40", "2.10"),
    ),
    "DE": (
        _service("dpd_de", "DPD DE", "dpd_de_classic", "DPD Classic", 3, "4.80", "0.35"),
        _service("dhl_germany", "DHL Germany", "dhl_germany_paket", "DHL Germany Paket", 2, "5.49", "0.45"),
        _service(
            "dhl_germany", "DHL Germany", "dhl_germany_paket_priority", "DHL Germany Paket Priority", 1, "9.49", "0.70"
        ),
    ),
}
_ABROAD = (
    _service("ups", "UPS", "ups_standard", "UPS Standard", 6, "14.20", "1.60"),
    _service("fedex", "FedEx", "fedex_international_economy", "International Economy", 5, "17.90", "1.90"),
    _service("dhl_express", "DHL Express", "dhl_express_worldwide", "Worldwide", 2, "29.60", "3.10"),
)


_EU = frozenset(
    re.findall("[A-Z]+", "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK")
)


def passes_customs(origin: str, destination: str) -> bool:
    """Whether the carriers want a customs declaration: between countries that are not both in the EU."""
    return origin != destination and not {origin, destination} <= _EU


def postcode_problem(postcode: str, country: str) -> str | None:
    """Why nothing can be delivered to this postcode, or None. Countries without a pattern need any postcode at all."""
    text = " ".join(postcode.upper().split())
    if text.replace(" ", "") in _NEVER_VALID:
        return "The postal code does not exist."
    pattern = _POSTCODES.get(country)
    if pattern is not None and not pattern.fullmatch(text):
        return f"The postal code is not valid for {country}."
    return None


def normalised(address: Mapping[str, Any]) -> dict[str, Any]:
    """The address as Shippo writes it: trimmed, country and postcode in capitals, a British postcode with its space."""
    clean = {name: value.strip() if isinstance(value, str) else value for name, value in address.items()}
    clean["country"] = clean.get("country", "").upper()
    postcode = " ".join(clean.get("zip", "").upper().split())
    if clean["country"] == "GB" and len(postcode) > 3 and " " not in postcode:
        postcode = f"{postcode[:-3]} {postcode[-3:]}"
    clean["zip"] = postcode
    return clean


def weight_kg(parcels: Sequence[Mapping[str, Any]]) -> Decimal:
    """The parcels' weight together. Raises ValueError that names the field when it is no weight."""
    total = Decimal(0)
    for parcel in parcels:
        try:
            weight = Decimal(str(parcel["weight"])) * _KILOGRAMS[str(parcel["mass_unit"])]
        except (ArithmeticError, KeyError):
            raise ValueError("parcels: weight and mass_unit (g, kg, lb, oz) are required.") from None
        if not weight.is_finite() or weight <= 0:
            raise ValueError("parcels: weight must be greater than 0.")
        total += weight
    return total


def currency(origin: str) -> str:
    """The currency of an account whose parcels leave from this country."""
    return _CURRENCIES.get(origin, "EUR")


def offers(origin: str, destination: str, kilograms: Decimal) -> list[tuple[Service, Decimal]]:
    """Services with their price for this weight; empty when nobody carries it there."""
    if destination in _UNSERVED or kilograms > RATE_WEIGHT_KG_MAX:
        return []
    domestic = _DOMESTIC.get(origin, ()) if origin == destination else ()
    halves = (kilograms * 2).to_integral_value(rounding=ROUND_UP)
    return [(service, service.base + service.per_half_kg * halves) for service in domestic or _ABROAD]
