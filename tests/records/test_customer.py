"""Who in accounting is the CRM's account: by number, tax id, domain and name, email, or by staff."""

from __future__ import annotations

import pytest

from seamline.records.customer import NEW, Candidate, Customer, match

ACME = Customer(
    reference="crm-main:001A", name="Acme Ltd", tax_id="GB 123 4567 89", domain="acme.example", email="ap@acme.example"
)
OURS = Candidate(id="c1", number="crm-main:001A", name="Acme (old name)", tax_id="GB999999999")
BY_TAX = Candidate(id="c2", name="ACME Limited", tax_id="gb123456789")
BY_DOMAIN = Candidate(id="c3", name="ACME LTD.", domain="acme.example")
BY_EMAIL = Candidate(id="c4", name="A. Payable", email="AP@acme.example")
STRANGER = Candidate(id="c5", name="Zenith", tax_id="GB000000001", domain="zenith.example", email="x@zenith.example")


@pytest.mark.parametrize(
    ("candidates", "chosen", "by"),
    [
        ([BY_EMAIL, BY_DOMAIN, BY_TAX, OURS], "c1", "number"),
        ([BY_EMAIL, BY_DOMAIN, BY_TAX], "c2", "tax id"),
        ([BY_EMAIL, BY_DOMAIN], "c3", "domain and name"),
        ([BY_EMAIL, STRANGER], "c4", "email"),
        ([STRANGER], "", ""),
        ([], "", ""),
    ],
)
def test_the_first_rule_that_finds_one_decides(candidates: list[Candidate], chosen: str, by: str) -> None:
    found = match(ACME, candidates)
    assert (found.chosen, found.by) == (chosen, by)


@pytest.mark.parametrize(
    "candidates",
    [
        [BY_TAX, BY_TAX.model_copy(update={"id": "c6"})],
        [BY_TAX.model_copy(update={"number": "crm-main:001B"})],
        [BY_EMAIL.model_copy(update={"tax_id": "GB000000001"})],
        [BY_TAX.model_copy(update={"archived": True})],
    ],
    ids=["two of the same tax id", "another account's number", "another tax id", "archived"],
)
def test_who_may_be_somebody_else_is_for_staff(candidates: list[Candidate]) -> None:
    found = match(ACME, candidates)
    problems = found.problems(ACME)
    assert found.chosen == ""
    assert problems[0].field == "chosen"
    assert [one.field for one in problems[1:]] == [f"candidates.{place}" for place in range(len(candidates))]
    told = " ".join(one.reason for one in problems)
    assert all(one.id in told for one in candidates)
    assert not any(secret in told for secret in ("Acme", "ACME", "acme.example", "123", "Payable"))


def test_nobody_alike_is_a_new_customer() -> None:
    assert match(ACME, [STRANGER]).problems(ACME) != []
    assert match(ACME, []).problems(ACME) == []


@pytest.mark.parametrize(("chosen", "customer"), [(NEW, None), ("c2", BY_TAX)])
def test_staff_choose_one_or_none(chosen: str, customer: Candidate | None) -> None:
    decided = match(ACME, [BY_TAX, BY_TAX.model_copy(update={"id": "c6"})]).model_copy(update={"chosen": chosen})
    assert decided.problems(ACME) == []
    assert decided.customer == customer


def test_staff_who_choose_nobody_of_them_are_told_whom_they_can() -> None:
    decided = match(ACME, [BY_TAX]).model_copy(update={"chosen": "c9"})
    assert decided.problems(ACME)[0].reason == "is no candidate: choose new or one of c2"


def test_what_differs_is_named_side_by_side() -> None:
    twins = [BY_TAX.model_copy(update={"domain": "other.example"}), BY_TAX.model_copy(update={"id": "c6"})]
    first, second = match(ACME, twins).problems(ACME)[1:]
    assert first.reason == "c2 differs in name, domain and lacks email"
    assert second.reason == "c6 differs in name and lacks domain, email"
