"""What passes customs is declared, and what cannot be declared waits before anything is reserved for it."""

from __future__ import annotations

from typing import Any

import pytest

from seamline.simulator.checker import check
from seamline.simulator.checker_customs import Consignment, Undeclared
from tests.simulator.test_checker import ORDER, completed, ran, rules

MUG = {"tariff_number": "691200", "origin_country": "GB", "quantity": 1, "value_amount": "14.50"}


def consignment(items: list[dict[str, Any]] | None) -> Consignment:
    return Consignment(connection="shippo-main", label_id="T1", reference=ORDER, items=items)


@pytest.mark.parametrize(
    ("items", "told"),
    [
        ([MUG], []),
        (None, ["label T1 at shippo-main has no declaration"]),
        ([], ["label T1 at shippo-main has no declaration"]),
        (
            [MUG, {**MUG, "tariff_number": "", "origin_country": ""}],
            ["label T1 at shippo-main declares no origin_country, tariff_number"],
        ),
    ],
)
def test_a_parcel_that_passes_customs_is_declared(items: list[dict[str, Any]] | None, told: list[str]) -> None:
    verdict = check(completed(), [ran()], consignments=[consignment(items)])
    assert [(one.rule, one.detail) for one in verdict.findings] == [("customs", detail) for detail in told]


@pytest.mark.parametrize(("country", "red"), [("US", True), ("FR", False), ("GB", False)])
def test_nothing_is_reserved_that_cannot_be_declared(country: str, red: bool) -> None:
    lacking = [Undeclared(reference=ORDER, country=country)]
    assert rules(check(completed(), [ran()], lacking=lacking)) == ({"customs"} if red else set())
    assert check([], [ran("RUNNING", None)], lacking=lacking).ok
    mended = ran().model_copy(update={"answers": frozenset({"retry", "amend"})})
    assert check(completed(), [mended], lacking=lacking).ok
    asked_again = ran().model_copy(update={"answers": frozenset({"retry"})})
    assert rules(check(completed(), [asked_again], lacking=lacking)) == ({"customs"} if red else set())
