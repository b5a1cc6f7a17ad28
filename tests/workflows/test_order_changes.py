"""What people do to an order while it is sent: at moments that the table of a whole world cannot catch."""

from __future__ import annotations

from seamline.records.stock import ShipmentState
from tests.workflows.sending import Sending


async def test_goods_that_leave_while_all_their_lines_are_cancelled_go_on_and_are_told(sending: Sending) -> None:
    sending.shop.take_off("901", 1)
    sending.shelf.lacking = {"SKU-901": 1, "SKU-902": 1}
    handle = await sending.begin("order-to-shipment")
    wait = await sending.asked(handle, "short-stock")
    sending.shelf.move(sending.reference, ShipmentState.DONE)
    await sending.decide(handle, wait=wait, action="choose", choice="cancel-lines", who="kim", why="sold out")
    view = await sending.until(handle, lambda view: view.outcome or view.waits)
    assert [one.name for one in view.waits] == ["post-fulfilment#1"]
    assert [one for one in view.manual if "settle it with the customer" in one]
    assert "release" not in [effect for effect, _ in sending.shelf.effects]
    await sending.decide(handle, wait="post-fulfilment#1", action="skip", result={"id": "n", "tracking_number": "n"}, who="kim", why="told")
    assert (await sending.finished(handle))["kind"] == "completed"
