"""Shopify after the parcel has left: refunds for goods, returns, and another tracking number."""

from __future__ import annotations

from collections.abc import Sequence

from seamline.errors import Problem, Refusal
from seamline.http import located
from seamline.records.remedy import Goods, GoodsWorth, KnownRefund, RefundPart, RetrackRequest
from seamline.records.returning import CustomerReturn
from seamline.records.shipping import Fulfilment
from seamline.systems.shopify import documents, mapping, wire
from seamline.systems.shopify import documents_remedies as asked
from seamline.systems.shopify import mapping_remedies as remedies
from seamline.systems.shopify import wire_remedies as told
from seamline.systems.shopify.client import ShopifyClient, as_model
from seamline.systems.shopify.ids import gid, order_gid
from seamline.systems.shopify.mapping_payment import refused


class ShopifyRemedies:
    """Satisfies `RemedySystem` and `ReturnSystem` in `activities`, as part of the shop."""

    name: str
    _client: ShopifyClient

    @located
    async def worth_of(self, reference: str, goods: Goods) -> GoodsWorth:
        """What Shopify would give back. Refusal when the pieces are not the order's, or refunded already."""
        lines = remedies.refund_lines(goods.lines)
        variables = {"id": order_gid(reference), "lines": lines, "shipping": goods.shipping}
        data = await self._client.query("worth_of", asked.WORTH, variables)
        worth = as_model(told.Worth, _order_in(data), "order")
        if worth.suggested_refund is None:
            problem = Problem(field="lines", reason="are not pieces of this order that can be refunded")
            raise Refusal("not-refundable", "the shop would give nothing back for these", problems=[problem])
        return remedies.WORTH.read(worth.suggested_refund, "suggestedRefund")

    @located
    async def find_refunds(self, reference: str) -> Sequence[KnownRefund]:
        """All refunds of the order, oldest first. Refusal `too-large` when there are more than we read at once."""
        data = await self._client.query("find_refunds", asked.REFUNDS, {"id": order_gid(reference)})
        found = as_model(told.Refunds, _order_in(data), "order").refunds
        if len(found) >= asked.REFUND_SIZE_MAX:
            raise remedies.too_many("refunds", asked.REFUND_SIZE_MAX)
        if any(one.refund_line_items.page_info.has_next_page for one in found):
            raise remedies.too_many("lines in a refund", asked.REFUND_LINE_SIZE_MAX)
        moved = [one for one in found if one.transactions.nodes]
        return [remedies.KNOWN_REFUND.read(one, "refunds") for one in moved]

    @located
    async def refund_goods(
        self, reference: str, key: str, native_key: str, goods: Goods, parts: Sequence[RefundPart]
    ) -> KnownRefund:
        """Refund under the native key, our key in the note. Refusal with what Shopify does not accept."""
        currency = parts[0].amount.currency
        given = remedies.REFUND_GOODS.write(goods, reference=reference, key=key, currency=currency, parts=parts)
        variables = {"input": given, "key": native_key}
        data = await self._client.mutate("refund_goods", asked.REFUND_GOODS, variables)
        made = as_model(told.RefundCreate, data.get("refundCreate"), "refundCreate")
        if made.user_errors or made.refund is None or not made.refund.transactions.nodes:
            raise refused(made.user_errors, {"refundLineItems": "goods.lines"}, "amount")
        return remedies.KNOWN_REFUND.read(made.refund, "refund")

    @located
    async def find_tracked(self, request: RetrackRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the fulfilment order, one for each number."""
        return mapping.fulfilments(await self._fulfilments_of(request.fulfilment_order_id))

    @located
    async def retrack(self, request: RetrackRequest, fulfilment: Fulfilment) -> Fulfilment:
        """Put the new number into the lost one's place; others that the fulfilment has stay."""
        same = [one for one in await self._fulfilments_of(request.fulfilment_order_id) if _number(one) == fulfilment.id]
        shown = [one for found in same for one in found.tracking_info]
        numbers = [
            request.tracking_number if one.number == request.lost_number else (one.number or "") for one in shown
        ]
        urls = [request.tracking_page if one.number == request.lost_number else (one.url or "") for one in shown]
        tracking = remedies.RETRACK.write(request, numbers=numbers, urls=urls if all(urls) else [])
        variables = {"id": gid("Fulfillment", fulfilment.id), "tracking": tracking}
        data = await self._client.mutate("retrack", asked.RETRACK, variables)
        done = as_model(told.TrackingUpdate, data.get("fulfillmentTrackingInfoUpdate"), "fulfillmentTrackingInfoUpdate")
        if done.user_errors:
            raise refused(done.user_errors, {"trackingInfoInput": "tracking_number"}, "fulfilment_order_id")
        return Fulfilment(id=fulfilment.id, tracking_number=request.tracking_number, page=request.tracking_page)

    @located
    async def fetch_return(self, reference: str) -> CustomerReturn:
        """The return that the reference names. Refusal `not-found` when there is none, or it is of another order."""
        found = await self._return(remedies.return_id_of(reference))
        read = None if found is None else remedies.RETURN.read(found, "return", reference=reference)
        if read is None or order_gid(read.order_reference) != order_gid(reference):
            problem = Problem(field="reference", reason="is not a return of this order in this shop")
            raise Refusal("not-found", "there is no such return", problems=[problem])
        return read

    @located
    async def approve_return(self, return_id: str) -> None:
        """Approve what the customer asked for. Refusal with what Shopify does not accept."""
        await self._change("approve_return", asked.APPROVE_RETURN, "returnApproveRequest", return_id)

    @located
    async def decline_return(self, return_id: str, note: str) -> None:
        """Decline it, and have the shop tell the customer. Refusal with what Shopify does not accept."""
        await self._change("decline_return", asked.DECLINE_RETURN, "returnDeclineRequest", return_id, note=note)

    @located
    async def close_return(self, return_id: str) -> None:
        """Close it. Nothing happens when it is closed."""
        await self._change("close_return", asked.CLOSE_RETURN, "returnClose", return_id)

    async def _change(self, operation: str, document: str, root: str, return_id: str, **more: str) -> None:
        data = await self._client.mutate(operation, document, {"id": gid("Return", return_id), **more})
        done = as_model(told.ReturnChanged, data.get(root), root)
        if done.user_errors:
            raise refused(done.user_errors, {}, "return_id")

    async def _return(self, return_id: str) -> told.Return | None:
        data = await self._client.query("fetch_return", asked.RETURN, {"id": gid("Return", return_id)})
        if data.get("return") is None:
            return None
        found = as_model(told.Return, data["return"], "return")
        if found.return_line_items.page_info.has_next_page:
            raise remedies.too_many("lines in a return", asked.RETURN_LINE_SIZE_MAX)
        return found

    async def _fulfilments_of(self, fulfilment_order_id: str) -> Sequence[wire.Fulfillment]:
        """The fulfilments of a fulfilment order. Refusal `not-found`, or `too-large` when they are more than a page."""
        variables = {"id": gid("FulfillmentOrder", fulfilment_order_id)}
        data = await self._client.query("find_fulfilments", documents.FULFILMENTS, variables)
        if data.get("fulfillmentOrder") is None:
            problem = Problem(field="fulfilment_order_id", reason="is not a fulfilment order of this shop")
            raise Refusal("not-found", "there is no such fulfilment order", problems=[problem])
        page = data["fulfillmentOrder"].get("fulfillments")
        read = as_model(wire.Page[wire.Fulfillment], page, "fulfillments")
        if read.page_info.has_next_page:
            problem = Problem(
                field="fulfilment_order_id", reason=f"has over {documents.FULFILMENT_PAGE_SIZE} fulfilments"
            )
            raise Refusal("too-large", "the fulfilment order has too many fulfilments", problems=[problem])
        return read.nodes


def _number(found: wire.Fulfillment) -> str:
    return found.id.rsplit("/", 1)[-1]


def _order_in(data: dict[str, object]) -> object:
    if data.get("order") is None:
        problem = Problem(field="reference", reason="is not an order of this shop")
        raise Refusal("not-found", "there is no such order", problems=[problem])
    return data["order"]
