"""What a shop must do for goods that have left: refunds never twice, returns, and another tracking number."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from activities.shop import Shop
from seamline.errors import Refusal
from seamline.records.money import Money
from seamline.records.order_rules import broken_rules
from seamline.records.remedy import Goods, GoodsLine, GoodsRefundRequest, RetrackRequest
from seamline.records.returning import DeclineRequest, ReturnRequest
from tests.systems.shop_role_suite import Desk
from tests.systems.shop_suite import ShopSide, fulfilment

TWO_MUGS_AND_A_LAMP = [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "LAMP-OAK"}]


def gbp(amount: str) -> Money:
    """An amount."""
    return Money(amount=Decimal(amount), currency="GBP")


class ShopRemedyConformance:
    """The role shop: after the point of no return."""

    async def shipped(self, side: ShopSide, **wanted: Any) -> tuple[Desk, Goods, RetrackRequest]:
        """An order that left under TRACK-1, all of its goods, and the request for another number."""
        order = await side.adapter.fetch_order(await side.order(**wanted))
        request = fulfilment(order)
        await side.adapter.create_fulfilment("key", request)
        goods = Goods(
            lines=tuple(GoodsLine(order_line_id=one.order_line_id, quantity=one.quantity) for one in request.lines)
        )
        retrack = RetrackRequest(
            reference=order.reference,
            fulfilment_order_id=request.fulfilment_order_id,
            lost_number="TRACK-1",
            tracking_number="TRACK-2",
            tracking_page="https://carrier.example/TRACK-2",
            carrier="Royal Mail",
        )
        return Desk(side, order.reference), goods, retrack

    # -- refunds -----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("wanted", "worth", "whole"),
        [
            ({}, "14.50", "19.45"),
            ({"discounts": "4.50"}, "10.00", "14.95"),
            ({"lines": [{"quantity": 2, "discount": "1.00"}], "shipping": "0"}, "28.00", "28.00"),
            ({"taxes_included": False}, "17.40", "23.34"),
        ],
    )
    async def test_the_shop_says_what_goods_are_worth(
        self, side: ShopSide, wanted: dict[str, Any], worth: str, whole: str
    ) -> None:
        desk, goods, _ = await self.shipped(side, **wanted)
        assert (await desk.do(Shop.worth_of, goods)).amount == gbp(worth)
        carried = goods.model_copy(update={"shipping": True})
        assert (await desk.do(Shop.worth_of, carried)).amount == gbp(whole)
        more = Goods(lines=(GoodsLine(order_line_id=goods.lines[0].order_line_id, quantity=9),))
        assert (await desk.failed(Shop.worth_of, more)).kind == "refusal"

    async def test_goods_are_refunded_once(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side)
        request = GoodsRefundRequest(goods=goods, amount=gbp("14.50"))
        await side.lose_reply("refund")
        assert (await desk.failed(Shop.refund_goods, request)).kind == "outage"
        for _ in range(2):
            made = await desk.do(Shop.refund_goods, request, attempt=2)
            assert (made.key, made.amount, made.state) == (f"{desk.reference}/refund-goods#1", gbp("14.50"), "done")
        assert (await side.ledger(desk.reference))[1:] == [("refund-payment", "14.50")]
        order = await side.adapter.fetch_order(desk.reference)
        assert (broken_rules(order), order.payment) == ([], "partially refunded")
        assert str(order.totals.total) == "4.95 GBP"

    async def test_a_part_with_delivery_comes_from_what_was_captured(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side, lines=TWO_MUGS_AND_A_LAMP)
        (one, _) = goods.lines
        part = Goods(lines=(GoodsLine(order_line_id=one.order_line_id, quantity=1),), shipping=True)
        amount = (await desk.do(Shop.worth_of, part)).amount
        await desk.do(Shop.refund_goods, GoodsRefundRequest(goods=part, amount=amount))
        order = await side.adapter.fetch_order(desk.reference)
        assert [line.quantity for line in order.lines] == [1, 1]
        assert (broken_rules(order), str(order.totals.shipping)) == ([], "0.00 GBP")

    async def test_what_staff_refunded_is_not_refunded_again(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side)
        await desk.pay("refund", amount="14.50", quantities={"MUG-BLUE": 1})
        made = await desk.do(Shop.refund_goods, GoodsRefundRequest(goods=goods, amount=gbp("14.50")))
        assert (made.key, made.amount) == ("", gbp("14.50"))
        assert [name for name, _ in await side.ledger(desk.reference)][1:] == ["refund-by-hand"]

    async def test_what_staff_refunded_in_part_is_for_people(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side, lines=TWO_MUGS_AND_A_LAMP)
        await desk.pay("refund", amount="14.50", quantities={"MUG-BLUE": 1})
        failure = await desk.failed(Shop.refund_goods, GoodsRefundRequest(goods=goods, amount=gbp("118.00")))
        assert (failure.code, failure.problems[0].field) == ("refunded-in-part", "goods.lines.0.quantity")

    async def test_money_that_staff_gave_back_for_nothing_named_is_for_people(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side)
        await desk.pay("refund", amount="3.00")
        request = GoodsRefundRequest(goods=goods, amount=gbp("14.50"))
        failure = await desk.failed(Shop.refund_goods, request)
        assert (failure.code, failure.problems[0].field) == ("refunded-by-hand", "besides")
        told = request.model_copy(update={"besides": gbp("3.00")})
        assert (await desk.do(Shop.refund_goods, told)).amount == gbp("14.50")

    async def test_no_more_than_was_paid(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side)
        failure = await desk.failed(Shop.refund_goods, GoodsRefundRequest(goods=goods, amount=gbp("19.46")))
        assert (failure.code, failure.problems[0].field) == ("beyond-paid", "amount")
        euros = GoodsRefundRequest(goods=goods, amount=Money(amount=Decimal(1), currency="EUR"))
        failure = await desk.failed(Shop.refund_goods, euros)
        assert (failure.kind, failure.problems[0].field) == ("refusal", "amount")

    async def test_a_refund_that_is_on_its_way_is_followed(self, side: ShopSide) -> None:
        desk, goods, _ = await self.shipped(side)
        await side.slow_refunds()
        request = GoodsRefundRequest(goods=goods, amount=gbp("14.50"))
        made = await desk.do(Shop.refund_goods, request)
        assert made.state == "pending"
        assert (await desk.failed(Shop.goods_refunded, made)).code == "payment-refund-pending"
        await desk.pay("reject-refund")
        assert (await desk.failed(Shop.goods_refunded, made)).code == "payment-refund-failed"

    # -- another number ------------------------------------------------------------------------------------------------

    async def test_a_parcel_sent_again_has_its_number_in_the_shop(self, side: ShopSide) -> None:
        desk, _, request = await self.shipped(side)
        for _ in range(2):
            assert (await desk.do(Shop.retrack, request)).tracking_number == "TRACK-2"
        assert [one.tracking_number for one in await side.adapter.find_tracked(request)] == ["TRACK-2"]
        assert [name for name, _ in await side.ledger(desk.reference)][1:] == ["retrack"]
        gone = request.model_copy(update={"tracking_number": "TRACK-3"})
        failure = await desk.failed(Shop.retrack, gone)
        assert (failure.code, failure.problems[0].field) == ("no-fulfilment", "lost_number")

    # -- returns -----------------------------------------------------------------------------------------------------

    async def returned(self, side: ShopSide, **wanted: Any) -> Desk:
        """A return of one of two mugs."""
        desk, _, _ = await self.shipped(side, lines=TWO_MUGS_AND_A_LAMP)
        reference = await side.send_back(desk.reference, quantities={"MUG-BLUE": 1}, **wanted)
        return Desk(side, reference)

    async def test_a_return_is_fetched(self, side: ShopSide) -> None:
        desk = await self.returned(side, reason="DEFECTIVE", note="a crack")
        found = await desk.do(Shop.fetch_return, ReturnRequest())
        (line,) = found.lines
        assert (found.state, found.order_reference) == ("open", desk.reference.partition("-R")[0])
        assert (line.sku, line.quantity, line.reason, line.note) == ("MUG-BLUE", 1, "defective", "a crack")
        order = await side.adapter.fetch_order(desk.reference)
        assert line.order_line_id == order.lines[0].id

    async def test_a_return_that_is_none_is_refused(self, side: ShopSide) -> None:
        order = await side.order()
        other = await self.returned(side)
        for reference in (f"{order}-R999999", order, f"{order}-R{other.reference.partition('-R')[2]}"):
            with pytest.raises(Refusal) as caught:
                await side.adapter.fetch_return(reference)
            assert caught.value.failure.code == "not-found"

    async def test_a_return_is_approved_and_closed_once(self, side: ShopSide) -> None:
        desk = await self.returned(side, requested=True)
        request = ReturnRequest()
        for _ in range(2):
            assert (await desk.do(Shop.approve_return, request)).state == "open"
        for _ in range(2):
            assert (await desk.do(Shop.close_return, request)).state == "closed"
        assert [name for name, _ in await side.ledger(desk.reference)] == ["approve-return", "close-return"]

    async def test_a_return_is_declined_once(self, side: ShopSide) -> None:
        desk = await self.returned(side, requested=True)
        request = DeclineRequest(note="too late")
        for _ in range(2):
            assert (await desk.do(Shop.decline_return, request)).state == "over"
        assert [name for name, _ in await side.ledger(desk.reference)] == ["decline-return"]
        assert (await desk.failed(Shop.approve_return, ReturnRequest())).code == "return-over"
