"""The policy of billing as it is set: it refuses what it does not know, and rules that name each other wrongly."""

from __future__ import annotations

from itertools import pairwise

from pydantic import ConfigDict, Field, model_validator

from seamline.records.billing import Billing
from seamline.records.calendar import WorkingDays
from seamline.records.tax import TaxRule
from seamline.records.terms import Terms


class TermsSettings(Terms):
    """Terms that name nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class TaxRuleSettings(TaxRule):
    """A rule that names nothing unknown."""

    model_config = ConfigDict(extra="forbid")


class WorkingDaysSettings(WorkingDays):
    """Working days that name nothing unknown."""

    model_config = ConfigDict(extra="forbid")


_DEFAULTS = Billing()


class BillingSettings(Billing):
    """The rules of billing with all their parts checked."""

    model_config = ConfigDict(extra="forbid")

    terms: dict[str, TermsSettings] = Field(  # type: ignore[assignment]
        default={code: TermsSettings(**terms.model_dump()) for code, terms in _DEFAULTS.terms.items()},
        description="The terms of payment that deals may name: the table below.",
    )
    tax_rules: tuple[TaxRuleSettings, ...] = Field(
        default=tuple(TaxRuleSettings(**rule.model_dump()) for rule in _DEFAULTS.tax_rules),
        max_length=1000,
        description="Which tax a line bears; of those that fit it the first counts: the table below.",
    )
    calendar: WorkingDaysSettings = Field(
        default=WorkingDaysSettings(), description="The working days that terms count: the table below."
    )

    @model_validator(mode="after")
    def _check_terms(self) -> BillingSettings:
        named = {"standard_terms": self.standard_terms}
        named |= {f"group_terms.{group}": code for group, code in self.group_terms.items()}
        wrong = [name for name, code in named.items() if code not in self.terms]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: no such terms are set; there are: {', '.join(self.terms)}")
        return self

    @model_validator(mode="after")
    def _check_entities(self) -> BillingSettings:
        wrong = [f'"{name}"' for name in self.entities if name not in self.seller_countries]
        if wrong:
            raise ValueError(f"seller_countries has no country for {', '.join(wrong)}")
        return self

    @model_validator(mode="after")
    def _check_reminders(self) -> BillingSettings:
        if any(later <= earlier for earlier, later in pairwise(self.remind_days)):
            raise ValueError("remind_days must be in order, each day once")
        return self
