"""What the shop's activities make of any system that fills the role: nothing twice, nothing of others taken back."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.shop import OrderRequest, Shop
from seamline.errors import Failure
from seamline.process.effect import Call
from seamline.records.base import Record
from seamline.records.money import Money
from seamline.records.payment import CaptureRequest
from seamline.records.risk import Cancellation, CancelRequest, HoldRequest
from tests.systems.conformance import PAUSE_SECONDS, WAIT_SECONDS_MAX
from tests.systems.shop_suite import ShopSide, capture_request

TRY_SECONDS_MAX = 30
Method = Callable[[Any, Any], Coroutine[Any, Any, Any]]


class Desk:
    """The shop's activities for one order, each tried as Temporal would."""

    def __init__(self, side: ShopSide, reference: str) -> None:
        self.side = side
        self.shop = Shop(side.adapter)
        self.reference = reference

    async def do(self, method: Method, request: Record, *, attempt: int = 1) -> Any:
        """What the activity answers."""
        purpose = method.__name__.replace("_", "-")
        env = ActivityEnvironment()
        limit = timedelta(seconds=TRY_SECONDS_MAX)
        env.info = dataclasses.replace(
            env.info, attempt=attempt, start_to_close_timeout=limit, schedule_to_close_timeout=limit
        )
        call = Call[Any](reference=self.reference, key=f"{self.reference}/{purpose}#1", request=request)
        return await env.run(method, self.shop, call)

    async def failed(self, method: Method, request: Record, *, attempt: int = 1) -> Failure:
        """What the activity fails with."""
        with pytest.raises(ApplicationError) as caught:
            await self.do(method, request, attempt=attempt)
        failure: Failure = caught.value.details[0]
        assert all(problem.field and problem.reason for problem in failure.problems)
        return failure

    async def pay(self, action: str, **wanted: Any) -> None:
        """Something happens to the money by hand."""
        await self.side.by_hand(self.reference, "payment", action=action, **wanted)


class ShopRoleConformance:
    """The activities of the role shop."""

    async def authorized(self, side: ShopSide, **wanted: Any) -> tuple[Desk, CaptureRequest]:
        """An order with 19.45 GBP authorised, and the request that captures it."""
        desk = Desk(side, await side.order(financial_status="AUTHORIZED", **wanted))
        return desk, await capture_request(side, desk.reference)

    # -- capturing ---------------------------------------------------------------------------------------------------

    async def test_money_is_captured_once(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        made = await desk.do(Shop.capture, request)
        assert (made.key, str(made.amount)) == (f"{desk.reference}/capture#1", "19.45 GBP")
        assert await desk.do(Shop.capture, request, attempt=2) == made
        assert await side.ledger(desk.reference) == [("capture", "19.45")]

    async def test_a_capture_whose_answer_was_lost_is_ours(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await side.lose_reply("capture")
        assert (await desk.failed(Shop.capture, request)).kind == "outage"
        assert (await desk.do(Shop.capture, request, attempt=2)).key == f"{desk.reference}/capture#1"
        assert await side.ledger(desk.reference) == [("capture", "19.45")]

    async def test_what_staff_captured_is_adopted_as_theirs(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.pay("capture")
        made = await desk.do(Shop.capture, request)
        assert (made.key, str(made.amount)) == ("", "19.45 GBP")
        assert await side.ledger(desk.reference) == [("capture-by-hand", "19.45")]

    async def test_too_little_captured_by_hand_is_for_people(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.pay("capture", amount="10")
        failure = await desk.failed(Shop.capture, request)
        assert (failure.code, [problem.field for problem in failure.problems]) == ("captured-less", ["amount"])
        less = request.model_copy(update={"amount": Money(amount=Decimal(10), currency="GBP")})
        assert (await desk.do(Shop.capture, less)).key == ""
        await desk.pay("pay")
        assert (await desk.do(Shop.capture, request)).key == ""

    async def test_what_was_captured_and_given_back_counts_as_nothing(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.pay("capture")
        await desk.pay("refund")
        assert (await desk.failed(Shop.capture, request)).code == "captured-less"

    @pytest.mark.parametrize(("action", "code"), [("lapse", "authorization-expired"), ("void", "authorization-voided")])
    async def test_an_authorisation_that_is_over(self, side: ShopSide, action: str, code: str) -> None:
        desk, request = await self.authorized(side)
        await desk.pay(action)
        failure = await desk.failed(Shop.capture, request)
        assert (failure.code, failure.problems[0].field) == (code, "authorization_id")
        assert await side.ledger(desk.reference) == []
        await desk.pay("pay")
        paid = await desk.do(Shop.capture, request)
        assert (paid.key, str(paid.amount)) == ("", "19.45 GBP")

    async def test_an_end_that_the_shop_does_not_tell_shows_in_the_capture(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side, authorization_hours=None)
        await desk.pay("lapse")
        gone = request.model_copy(update={"authorization_id": "1"})
        assert (await desk.failed(Shop.capture, request)).code == "authorization-expired"
        assert (await desk.failed(Shop.capture, gone)).code == "authorization-gone"

    async def test_no_more_than_authorised(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        for amount, currency in (("19.46", "GBP"), ("19.45", "EUR")):
            more = request.model_copy(update={"amount": Money(amount=Decimal(amount), currency=currency)})
            failure = await desk.failed(Shop.capture, more)
            assert (failure.code, failure.problems[0].field) == ("beyond-authorized", "amount")

    # -- giving back -------------------------------------------------------------------------------------------------

    async def test_a_capture_is_given_back_once(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        assert (await desk.do(Shop.refund_capture, request)).state == "nothing to undo"
        await desk.do(Shop.capture, request)
        for _ in range(2):
            undone = await desk.do(Shop.refund_capture, request)
            assert (undone.state, str(undone.money)) == ("undone", "19.45 GBP")
        assert await side.ledger(desk.reference) == [("capture", "19.45"), ("refund-payment", "19.45")]

    async def test_a_refund_whose_answer_was_lost_is_not_made_again(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.do(Shop.capture, request)
        await side.lose_reply("refund")
        assert (await desk.failed(Shop.refund_capture, request)).kind == "outage"
        assert (await desk.do(Shop.refund_capture, request, attempt=2)).state == "undone"
        assert await side.ledger(desk.reference) == [("capture", "19.45"), ("refund-payment", "19.45")]

    async def test_only_what_is_left_is_given_back(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.do(Shop.capture, request)
        await desk.pay("refund", amount="9.45")
        assert (await desk.do(Shop.refund_capture, request)).state == "undone"
        assert (await side.ledger(desk.reference))[1:] == [("refund-by-hand", "9.45"), ("refund-payment", "10.00")]

    async def test_a_pending_refund_is_followed_up(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.do(Shop.capture, request)
        await side.slow_refunds()
        undone = await desk.do(Shop.refund_capture, request)
        assert (undone.state, str(undone.money)) == ("requested", "19.45 GBP")
        assert (await desk.failed(Shop.capture_refunded, request)).code == "payment-refund-pending"
        await desk.pay("reject-refund")
        failure = await desk.failed(Shop.capture_refunded, request)
        assert (failure.kind, failure.code) == ("refusal", "payment-refund-failed")
        assert (await desk.do(Shop.refund_capture, request)).state == "requested"
        assert [operation for operation, _ in await side.ledger(desk.reference)] == [
            "capture",
            "request-payment-refund",
            "payment-refund-rejected",
            "request-payment-refund",
        ]

    async def test_a_refund_by_hand_confirms_it_too(self, side: ShopSide) -> None:
        desk, request = await self.authorized(side)
        await desk.do(Shop.capture, request)
        await side.slow_refunds()
        await desk.do(Shop.refund_capture, request)
        await desk.pay("reject-refund")
        await desk.pay("refund")
        assert (await desk.do(Shop.capture_refunded, request)).state == "undone"

    # -- holding and cancelling --------------------------------------------------------------------------------------

    async def test_an_order_is_held_once_and_released(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order(risk="CANCEL"))
        part = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders[0]
        request = HoldRequest(fulfilment_order_id=part.id, reason="high risk")
        assert (await desk.do(Shop.release_hold, request)).state == "nothing to undo"
        await side.lose_reply("hold")
        assert (await desk.failed(Shop.hold, request)).kind == "outage"
        held = await desk.do(Shop.hold, request, attempt=2)
        assert await desk.do(Shop.hold, request) == held
        assert (await desk.do(Shop.release_hold, request)).state == "undone"
        assert (await desk.do(Shop.release_hold, request)).state == "nothing to undo"
        assert [operation for operation, _ in await side.ledger(desk.reference)] == ["hold", "release-hold"]

    async def test_an_order_is_cancelled_once_and_waited_for(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order())
        part = (await desk.do(Shop.fetch_order, OrderRequest())).open_fulfilment_orders[0]
        await desk.do(Shop.hold, HoldRequest(fulfilment_order_id=part.id))
        await side.lose_reply("cancellation")
        request = CancelRequest(note="rejected by fraud")
        assert (await desk.failed(Shop.cancel_order, request)).kind == "outage"
        begun = await desk.do(Shop.cancel_order, request, attempt=2)
        assert await self.until_cancelled(desk, begun) == "cancelled"
        assert (await desk.do(Shop.cancel_order, request)).state == "cancelled"
        assert (await desk.do(Shop.cancelled, Cancellation(state="cancelled"))).state == "cancelled"
        assert (await desk.do(Shop.release_hold, HoldRequest(fulfilment_order_id=part.id))).state == "nothing to undo"
        operations = [operation for operation, _ in await side.ledger(desk.reference)]
        assert operations == ["hold", "refund-by-shop", "release-hold", "cancel-order"]
        assert (await desk.failed(Shop.paid, OrderRequest())).code == "payment-over"

    async def test_a_cancellation_that_the_shop_gave_up(self, side: ShopSide) -> None:
        desk = Desk(side, await side.order())
        failure = await desk.failed(Shop.cancelled, Cancellation(state="under way"))
        assert (failure.kind, failure.code) == ("refusal", "not-cancelled")

    async def until_cancelled(self, desk: Desk, begun: Cancellation) -> str:
        """The state that the wait ends with."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while True:
                try:
                    return str((await desk.do(Shop.cancelled, begun)).state)
                except ApplicationError as error:
                    if error.details[0].code != "not-cancelled-yet":
                        raise
                    await asyncio.sleep(PAUSE_SECONDS)

    # -- waiting for the money ---------------------------------------------------------------------------------------

    async def test_an_order_is_waited_for_until_it_is_paid(self, side: ShopSide) -> None:
        desk, _ = await self.authorized(side)
        failure = await desk.failed(Shop.paid, OrderRequest())
        assert (failure.kind, failure.code) == ("not yet", "not-paid")
        await desk.pay("capture")
        assert (await desk.do(Shop.paid, OrderRequest())).payment == "paid"
        await desk.pay("refund")
        assert (await desk.failed(Shop.paid, OrderRequest())).code == "payment-over"
