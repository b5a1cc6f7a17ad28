"""What every system must do that fills the role shop: goods that wait for stock, and what the shop may sell."""

from __future__ import annotations

import pytest

from activities.shop import OrderRequest, Shop
from seamline.records.level import Level, LevelChange, LevelsRequest, SetLevels
from seamline.records.order import FulfilmentOrder
from seamline.records.order_rules import broken_rules
from seamline.records.shortage import CancelGoodsRequest, NoteRequest, missing_lines, split_request
from seamline.records.stock import ShortLine
from tests.systems.shop_role_suite import Desk
from tests.systems.shop_suite import ShopSide, fulfilment

ONE_SHORT = (ShortLine(sku="MUG-BLUE", wanted=3, there=1),)
LINES = [{"sku": "MUG-BLUE", "quantity": 3}, {"sku": "TEE-M"}]


class ShopStockConformance:
    """The role shop: stock."""

    async def test_what_is_short_is_split_off_once(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(lines=LINES))
        order = await desk.do(Shop.fetch_order, OrderRequest())
        request = split_request(order, order.open_fulfilment_orders[0], ONE_SHORT)
        await side.lose_reply("split")
        assert (await desk.failed(Shop.split, request)).kind == "outage"
        made = await desk.do(Shop.split, request, attempt=2)
        assert await desk.do(Shop.split, request) == made
        kept, rest = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders
        assert (pieces(kept), pieces(rest), rest.id) == ({"MUG-BLUE": 1, "TEE-M": 1}, {"MUG-BLUE": 2}, made.id)
        assert [operation for operation, _ in await side.ledger(desk.reference)] == ["split-order"]

    async def test_what_is_not_there_to_split_is_refused(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(lines=LINES))
        order = await desk.do(Shop.fetch_order, OrderRequest())
        request = split_request(order, order.open_fulfilment_orders[0], ONE_SHORT)
        more = [one.model_copy(update={"quantity": 9}) for one in request.lines]
        failure = await desk.failed(Shop.split, request.model_copy(update={"lines": tuple(more)}))
        assert (failure.kind, failure.code) == ("refusal", "user-error")
        assert await side.ledger(desk.reference) == []

    @pytest.mark.parametrize(("status", "back"), [("PAID", "29.00"), ("AUTHORIZED", "0.00")])
    async def test_lines_come_off_once_and_what_was_paid_for_them_goes_back(
        self, side: ShopSide, status: str, back: str
    ) -> None:
        desk = Desk(side, await side.order(lines=LINES, financial_status=status))
        before = await desk.do(Shop.fetch_order, OrderRequest())
        part = before.open_fulfilment_orders[0]
        request = CancelGoodsRequest(fulfilment_order_id=part.id, lines=missing_lines(part, ONE_SHORT))
        await side.lose_reply("refund")
        assert (await desk.failed(Shop.cancel_goods, request)).kind == "outage"
        made = await desk.do(Shop.cancel_goods, request, attempt=2)
        assert str(made.amount) == f"{back} GBP"
        assert await desk.do(Shop.cancel_goods, request) == made
        after = await desk.do(Shop.fetch_order, OrderRequest())
        (left,) = after.open_fulfilment_orders
        assert pieces(left) == {"MUG-BLUE": 1, "TEE-M": 1}
        assert str(before.totals.total - after.totals.total) == "29.00 GBP"
        assert broken_rules(after) == []
        ledger = await side.ledger(desk.reference)
        assert [one for one in ledger if one[0] == "refund-payment"] == [("refund-payment", back)] * (status == "PAID")
        assert [operation for operation, _ in ledger].count("cancel-goods") == 1

    async def test_what_is_sent_already_does_not_come_off(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(lines=LINES))
        order = await desk.do(Shop.fetch_order, OrderRequest())
        part = order.open_fulfilment_orders[0]
        await side.adapter.create_fulfilment("key", fulfilment(order))
        request = CancelGoodsRequest(fulfilment_order_id=part.id, lines=missing_lines(part, ONE_SHORT))
        assert (await desk.failed(Shop.cancel_goods, request)).kind == "refusal"
        assert [operation for operation, _ in await side.ledger(desk.reference)] == ["post-fulfilment"]

    async def test_lines_come_off_no_other_part_at_the_same_location(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(lines=LINES))
        order = await desk.do(Shop.fetch_order, OrderRequest())
        split = split_request(order, order.open_fulfilment_orders[0], ONE_SHORT)
        await desk.do(Shop.split, split)
        first, rest = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders
        request = CancelGoodsRequest(fulfilment_order_id=rest.id, lines=rest.lines)
        failure = await desk.failed(Shop.cancel_goods, request)
        assert (failure.kind, failure.code) == ("refusal", "shared-lines")
        assert first.id in failure.problems[0].reason
        kept, still = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders
        assert (pieces(kept), pieces(still)) == ({"MUG-BLUE": 1, "TEE-M": 1}, {"MUG-BLUE": 2})
        alone = CancelGoodsRequest(
            fulfilment_order_id=first.id, lines=tuple(one for one in first.lines if one.sku == "TEE-M")
        )
        await desk.do(Shop.cancel_goods, alone)
        kept, still = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders
        assert (pieces(kept), pieces(still)) == ({"MUG-BLUE": 1}, {"MUG-BLUE": 2})

    async def test_a_note_is_added_once_below_what_people_wrote(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(note="Ring twice"))
        for _ in range(2):
            await desk.do(Shop.add_note, NoteRequest(text="TEE-L in place of TEE-M"))
        assert await side.adapter.read_note(desk.reference) == "Ring twice\nTEE-L in place of TEE-M"
        assert [operation for operation, _ in await side.ledger(desk.reference)] == ["note-order"]

    async def test_what_the_shop_sold_is_committed_and_what_it_sent_is_gone(self, side: ShopSide) -> None:
        before = await level(side)
        reference = await side.order(lines=[{"sku": "MUG-BLUE", "quantity": 3}])
        sold = await level(side)
        assert (sold.on_hand, sold.committed) == (before.on_hand, before.committed + 3)
        await side.by_hand(reference, "cancel")
        assert await level(side) == before

    async def test_a_level_is_set_unless_it_changed_meanwhile(self, side: ShopSide) -> None:
        mug, tee = await level(side), await level(side, "TEE-M")
        desk = Desk(side, f"{side.name}:stock")
        await desk.do(Shop.set_levels, changes("first", (mug, 7), (tee, 5)))
        assert [(await level(side, sku)).on_hand for sku in ("MUG-BLUE", "TEE-M")] == [7, 5]
        done = await desk.do(Shop.set_levels, changes("second", (mug, 9), (await level(side, "TEE-M"), 4)))
        assert (done.count, done.stale) == (1, ("MUG-BLUE",))
        assert [(await level(side, sku)).on_hand for sku in ("MUG-BLUE", "TEE-M")] == [7, 4]

    async def test_the_same_change_counts_again_in_another_look(self, side: ShopSide) -> None:
        desk = Desk(side, f"{side.name}:stock")
        first = await level(side)
        for look, pieces_ in (("first", 7), ("second", first.on_hand), ("third", 7)):
            await desk.do(Shop.set_levels, changes(look, (await level(side), pieces_)))
        assert (await level(side)).on_hand == 7

    async def test_a_change_whose_answer_was_lost_is_harmless(self, side: ShopSide) -> None:
        desk = Desk(side, f"{side.name}:stock")
        request = changes("first", (await level(side), 7))
        await side.lose_reply("levels")
        assert (await desk.failed(Shop.set_levels, request)).kind == "outage"
        await desk.do(Shop.set_levels, request, attempt=2)
        assert (await level(side)).on_hand == 7

    @pytest.mark.parametrize("gone", [{"item_id": "999999999"}, {"location_id": "999999999"}])
    async def test_what_is_not_stocked_is_refused(self, side: ShopSide, gone: dict[str, str]) -> None:
        unknown = (await level(side)).model_copy(update=gone)
        failure = await Desk(side, f"{side.name}:stock").failed(Shop.set_levels, changes("first", (unknown, 7)))
        assert (failure.kind, [one.field for one in failure.problems]) == ("refusal", ["changes"])


async def level(side: ShopSide, sku: str = "MUG-BLUE") -> Level:
    """What the shop says is there of an article at its only location."""
    desk = Desk(side, f"{side.name}:stock")
    page = await desk.do(Shop.levels, LevelsRequest())
    found = list(page.levels)
    while page.after:
        page = await desk.do(Shop.levels, LevelsRequest(after=page.after))
        found += page.levels
    (one,) = [one for one in found if one.sku == sku]
    return one


def changes(look: str, *wanted: tuple[Level, int]) -> SetLevels:
    """Set these levels."""
    return SetLevels(look=look, changes=tuple(LevelChange(level=one, on_hand=on_hand) for one, on_hand in wanted))


def pieces(part: FulfilmentOrder) -> dict[str, int]:
    """What a fulfilment order ships."""
    return {line.sku: line.quantity for line in part.lines}
