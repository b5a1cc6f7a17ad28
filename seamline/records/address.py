"""Postal addresses."""

from __future__ import annotations

from pydantic import Field

from seamline.errors import Problem
from seamline.records.base import Record


class Address(Record):
    """Where a parcel goes to or comes from. `country` is ISO 3166-1 alpha-2; `region` is the state or province code."""

    name: str = Field(default="", max_length=200)
    company: str = Field(default="", max_length=200)
    street1: str = Field(default="", max_length=200)
    street2: str = Field(default="", max_length=200)
    city: str = Field(default="", max_length=100)
    region: str = Field(default="", max_length=50)
    postcode: str = Field(default="", max_length=20)
    country: str = Field(default="", max_length=2)
    phone: str = Field(default="", max_length=40)
    email: str = Field(default="", max_length=254)

    def broken_rules(self, place: str = "address") -> list[Problem]:
        """Every reason why no carrier could deliver here."""
        required = {"name": self.name or self.company, "street1": self.street1, "city": self.city}
        problems = [Problem(field=f"{place}.{f}", reason="is missing") for f, value in required.items() if not value]
        if len(self.country) != 2 or not self.country.isalpha():
            problems.append(Problem(field=f"{place}.country", reason="must be a two-letter country code"))
        return problems
