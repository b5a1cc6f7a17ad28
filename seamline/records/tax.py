"""Which tax an invoice line bears: by where the seller and the customer are, and what is sold."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pydantic import Field

from seamline.records.base import Record

EU = "EU"
ELSEWHERE = "elsewhere"
MEMBER_STATES = frozenset(
    {
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    }
)


class TaxCase(Record):
    """What the tax of a line depends on. `business`: the customer gave a tax id."""

    seller: str
    country: str
    region: str = ""
    category: str
    business: bool

    @property
    def area(self) -> str:
        """Where the customer is, as rules name it beside the country itself; empty in the seller's own country."""
        if self.country == self.seller:
            return ""
        return EU if self.country in MEMBER_STATES else ELSEWHERE


class TaxRule(Record):
    """One rule. Of those that fit a line the first counts."""

    seller: str = Field(pattern=r"^[A-Z]{2}$", description="The country of the legal entity that sells.")
    customer: str = Field(
        pattern=r"^([A-Z]{2}|elsewhere)$",
        description="The customer's country; EU, another country of it; or elsewhere, any other but the seller's own.",
    )
    region: str = Field(default="", max_length=50, description="The customer's region; any where empty.")
    category: str = Field(default="", max_length=40, description="The tax category of what is sold; any where empty.")
    business: bool = Field(default=False, description="For customers with a tax id alone.")
    code: str = Field(min_length=1, max_length=40, description="Accounting's tax code.")
    percent: Decimal = Field(
        ge=0, le=100, max_digits=7, decimal_places=4, allow_inf_nan=False, description="The tax in per cent."
    )

    def fits(self, case: TaxCase) -> bool:
        """Whether the rule is for this case."""
        return (
            self.seller == case.seller
            and self.customer in (case.country, case.area)
            and self.region in ("", case.region)
            and self.category in ("", case.category)
            and (case.business or not self.business)
        )


def tax_rule(rules: Iterable[TaxRule], case: TaxCase) -> TaxRule | None:
    """The rule that decides; None where the tax cannot be decided."""
    return next((rule for rule in rules if rule.fits(case)), None)


def _rule(customer: str, category: str, code: str, percent: int, *, business: bool = False) -> TaxRule:
    return TaxRule(
        seller="GB", customer=customer, category=category, code=code, percent=Decimal(percent), business=business
    )


UK_RULES = (
    _rule("GB", "standard", "OUTPUT2", 20),
    _rule("GB", "reduced", "RROUTPUT", 5),
    _rule("GB", "zero", "ZERORATEDOUTPUT", 0),
    _rule("GB", "exempt", "EXEMPTOUTPUT", 0),
    _rule(EU, "", "ECZROUTPUTSERVICES", 0, business=True),
    _rule(ELSEWHERE, "", "ZERORATEDOUTPUT", 0),
)
"""A seller in the United Kingdom, with the codes of Xero. Consumers in the EU are left to staff."""
