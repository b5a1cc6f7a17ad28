"""Who is billed: as the CRM knows the account, and who in accounting may be the same."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from seamline.errors import Problem
from seamline.records.address import Address
from seamline.records.base import Record
from seamline.records.reference import Reference

NEW = "new"
"""What staff choose where none of the candidates is the customer."""


class Customer(Record):
    """The account in the CRM. `domain` is the bare host of its web page: `acme.example`."""

    reference: Reference
    name: str = Field(default="", max_length=255)
    tax_id: str = Field(default="", max_length=50)
    domain: str = Field(default="", max_length=253)
    email: str = Field(default="", max_length=254)
    """Where its invoices go: the billing contact's."""
    group: str = Field(default="", max_length=40)
    """The customer group, which decides the terms."""
    address: Address = Address()
    purchase_order_required: bool = False
    page: str = ""


class Candidate(Record):
    """A customer in accounting that may be the account. `number` is the reference it carries, empty when none."""

    id: str
    number: str = ""
    name: str = ""
    tax_id: str = ""
    domain: str = ""
    email: str = ""
    archived: bool = False
    page: str = ""


class CustomerQuery(Record):
    """Whom to look for."""

    customer: Customer


class Match(Record):
    """The candidates, and the one chosen: by a rule, or by staff (`new` where none of them is it)."""

    candidates: tuple[Candidate, ...] = Field(default=(), max_length=50)
    chosen: str = Field(default="", max_length=100)
    by: str = ""
    """The rule that chose it: number, tax id, domain and name, email; empty when none did."""

    @property
    def customer(self) -> Candidate | None:
        """The chosen candidate; None when the customer is to be made."""
        return next((one for one in self.candidates if one.id == self.chosen), None)

    def problems(self, wanted: Customer) -> list[Problem]:
        """Why nobody but staff can tell who it is, each candidate with what differs; empty when it is known."""
        if self.chosen == NEW or self.customer:
            return []
        if self.chosen:
            ids = ", ".join(one.id for one in self.candidates)
            return [Problem(field="chosen", reason=f"is no candidate: choose {NEW} or one of {ids}")]
        if not self.candidates:
            return []
        told = [
            Problem(field=f"candidates.{number}", reason=f"{one.id} {_differences(wanted, one)}")
            for number, one in enumerate(self.candidates)
        ]
        choice = f"is not decided: amend it to one of the candidates' ids, or to {NEW}"
        return [Problem(field="chosen", reason=choice), *told]


def match(wanted: Customer, candidates: Sequence[Candidate]) -> Match:
    """Choose by number, then tax id, then domain and name, then email: the first rule that finds one decides.

    Nothing is chosen where a rule finds several, or where the one found says otherwise about a stronger rule: it
    carries another account's number, or another tax id.
    """
    kept = tuple(candidates)
    for by, fits in _RULES:
        found = [one for one in kept if fits(wanted, one)]
        if not found:
            continue
        live = [one for one in found if not one.archived]
        if len(live) == 1 and not _contradicts(wanted, live[0], by):
            return Match(candidates=kept, chosen=live[0].id, by=by)
        return Match(candidates=kept)
    return Match(candidates=kept)


def plain(text: str) -> str:
    """A name, domain or number as it is compared: letters and digits only, in one case."""
    return "".join(one for one in text.casefold() if one.isalnum())


def _same(one: str, other: str) -> bool:
    return bool(plain(one)) and plain(one) == plain(other)


_RULES = (
    ("number", lambda wanted, one: one.number == wanted.reference),
    ("tax id", lambda wanted, one: _same(wanted.tax_id, one.tax_id)),
    ("domain and name", lambda wanted, one: _same(wanted.domain, one.domain) and _same(wanted.name, one.name)),
    ("email", lambda wanted, one: bool(wanted.email) and wanted.email.casefold() == one.email.casefold()),
)


def _contradicts(wanted: Customer, one: Candidate, by: str) -> bool:
    if by == "number":
        return False
    other_number = bool(one.number) and one.number != wanted.reference
    other_tax = bool(wanted.tax_id and one.tax_id) and not _same(wanted.tax_id, one.tax_id)
    return other_number or other_tax


def _differences(wanted: Customer, one: Candidate) -> str:
    """What differs, by the names of the fields alone: their values are personal, and stand in the candidate."""
    differs = [
        name
        for name in ("name", "tax_id", "domain", "email")
        if getattr(one, name) and getattr(wanted, name) and not _same(getattr(wanted, name), getattr(one, name))
    ]
    missing = [name for name in ("name", "tax_id", "domain", "email") if not getattr(one, name)]
    if one.number and one.number != wanted.reference:
        differs.insert(0, "number")
    words = [f"differs in {', '.join(differs)}" if differs else "differs in nothing"]
    words += [f"lacks {', '.join(missing)}"] if missing else []
    words += ["is archived"] if one.archived else []
    return " and ".join(words)


class CustomerRequest(Record):
    """Make this customer in accounting; it carries the account's reference as its number."""

    customer: Customer


class LinkRequest(Record):
    """Write the account's reference into a customer that has no number yet."""

    candidate_id: str
    number: Reference


class AccountingCustomer(Record):
    """A customer in accounting. `key` is empty when somebody else made it."""

    id: str
    key: str = ""
    number: str = ""
    name: str = ""
    archived: bool = False
    page: str = ""
