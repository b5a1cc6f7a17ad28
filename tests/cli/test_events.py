"""What `seamline up` brings hears of all that happens in shop and carrier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from seamline.local import Running
from tests.cli.conftest import Command, until

Order = Callable[..., str]


@pytest.fixture
def control(stack: Running) -> Iterator[httpx.Client]:
    """The simulator's control, with parcels that move by hand alone."""
    with httpx.Client(base_url=f"{stack.simulator}/_simulator") as control:
        before = control.get("/settings").json()
        control.put("/settings", json={"transit_after_seconds": 3600}).raise_for_status()
        yield control
        control.put("/settings", json=before).raise_for_status()


def test_the_parcels_process_is_told_by_the_carrier(seamline: Command, control: httpx.Client, order: Order) -> None:
    reference = order()

    def view(process: str) -> Any:
        said = seamline("show", f"{process}:{reference}", "--json")
        return said.data["view"] if said.code == 0 else None

    shipped = until(lambda: (found := view("order-to-shipment")) and found["outcome"])
    parcel = f"/parcels/{shipped['result']['tracking_number']}"
    until(lambda: view("follow-parcel"))
    control.post(parcel, json={"state": "TRANSIT"}).raise_for_status()
    until(lambda: "told by the source: parcel-moved" in view("follow-parcel")["notes"])
    control.post(parcel, json={"state": "DELIVERED"}).raise_for_status()
    assert until(lambda: view("follow-parcel")["outcome"])["kind"] == "completed"


def test_an_order_cancelled_in_the_shop_is_taken_back(seamline: Command, control: httpx.Client, order: Order) -> None:
    reference = order(address={"zip": "ZZ9 9ZZ"})
    until(lambda: seamline("list", "--reference", reference, "--status", "waiting", "--json").data)
    path = f"/shops/shop-uk/orders/{reference.partition(':')[2]}/cancel"
    control.post(path, json={"reason": "CUSTOMER"}).raise_for_status()
    ended = until(lambda: seamline("list", "--reference", reference, "--status", "undone", "--json").data)
    assert [one["id"] for one in ended] == [f"order-to-shipment:{reference}"]
