"""What belongs to an order, parts, parcels and returns, is listed, traced and cancelled with it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from seamline.local import Running
from tests.cli.conftest import Command, until
from tests.cli.test_commands import Order, shown

MUG = {"sku": "MUG-BLUE"}
NORTH = "North warehouse"


@pytest.fixture
def rare(stack: Running, request: pytest.FixtureRequest) -> dict[str, Any]:
    """A line of an article of this test's own, of which there is none."""
    sku = f"RARE-{request.node.name.upper()[:20]}"
    httpx.put(f"{stack.simulator}/_simulator/stock/erp-main", json={sku: 0}).raise_for_status()
    httpx.put(f"{stack.simulator}/_simulator/stock/erp-north", json={sku: 0})
    # The north warehouse is in another customs area than the customer.
    return {"sku": sku, "hs_code": "732394", "origin": "PT"}


def ids(seamline: Command, reference: str) -> set[str]:
    """The processes that are listed for a reference."""
    return {one["id"] for one in seamline("list", "--reference", reference, "--json").data}


def test_an_orders_parts_and_parcels_are_listed_and_traced_with_it(seamline: Command, order: Order) -> None:
    reference = order(lines=[MUG, {**MUG, "location": NORTH}])
    shown(seamline, reference, "completed")
    shown(seamline, f"{reference}.2", "completed")
    whole = {f"order-to-shipment:{reference}", f"follow-parcel:{reference}"}
    part = {f"order-to-shipment:{reference}.2", f"follow-parcel:{reference}.2"}
    assert until(lambda: ids(seamline, reference) == whole | part)
    assert ids(seamline, f"{reference}.2") == part
    [meaning] = seamline("trace", reference, "--json").data["meanings"]
    [below] = meaning["below"]
    assert below["reference"] == f"{reference}.2"
    assert {"label", "sale"} <= kinds(below["answers"]) & kinds(meaning["answers"])
    assert f"{reference}.2/buy-label#1" in seamline("trace", reference).out
    assert f"{reference}/buy-label#1" not in seamline("trace", f"{reference}.2").out


def test_a_longer_number_is_another_order(seamline: Command, order: Order) -> None:
    short, long = order(id=7_001, test=True), order(id=70_012, test=True)
    for reference in (short, long):
        shown(seamline, reference, "ignored")
    assert ids(seamline, short) == {f"order-to-shipment:{short}"}


def test_an_order_is_cancelled_with_its_parts(seamline: Command, order: Order, rare: dict[str, Any]) -> None:
    reference = order(lines=[rare, {**rare, "location": NORTH}])
    for one in (reference, f"{reference}.2"):
        shown(seamline, one, "waiting")
    said = seamline("cancel", reference, "--why", "customer asked")
    assert said.code == 0
    for one in (reference, f"{reference}.2"):
        assert f"cancel requested: order-to-shipment:{one};" in said.out
        assert f"order-to-shipment:{one}  waiting" in said.out
        assert shown(seamline, one, "undone").data["closed"]
    assert said.out.count("Reserve stock") == 2
    assert "has ended" in seamline("cancel", reference).err


def test_a_part_is_cancelled_alone(seamline: Command, order: Order, rare: dict[str, Any]) -> None:
    reference = order(lines=[rare, {**rare, "location": NORTH}])
    for one in (reference, f"{reference}.2"):
        shown(seamline, one, "waiting")
    said = seamline("cancel", f"{reference}.2", "--json").data
    assert (said["asked"], said["parts"]) == ([f"order-to-shipment:{reference}.2"], [])
    assert shown(seamline, f"{reference}.2", "undone").data["closed"]
    assert shown(seamline, reference, "waiting").data["closed"] is None
    assert seamline("cancel", reference).code == 0


def test_what_has_left_of_an_order_is_told_before_the_rest_is_cancelled(
    stack: Running, seamline: Command, order: Order, rare: dict[str, Any]
) -> None:
    reference = order(lines=[MUG, {**rare, "location": NORTH}])
    shown(seamline, reference, "completed")
    shown(seamline, f"{reference}.2", "waiting")
    preview = httpx.get(f"{stack.api}/processes/order-to-shipment:{reference}/cancel-preview").json()
    said = seamline("cancel", reference, "--json").data
    parts = [(f"order-to-shipment:{reference}", True), (f"order-to-shipment:{reference}.2", False)]
    assert [(one["workflow_id"], one["left"]) for one in preview] == parts
    assert [one["undo_plan"] for one in preview] == [said["undo_plan"], said["parts"][0]["undo_plan"]]
    assert (said["id"], said["left"], said["asked"]) == (
        f"order-to-shipment:{reference}",
        True,
        [f"order-to-shipment:{reference}.2"],
    )
    assert [(one["left"], bool(one["undo_plan"])) for one in said["parts"]] == [(False, True)]
    assert shown(seamline, f"{reference}.2", "undone").data["closed"]


def kinds(answers: list[dict[str, Any]]) -> set[str]:
    """What the systems hold, by kind."""
    return {held["kind"] for one in answers if one["holdings"] for held in one["holdings"]["holdings"]}
