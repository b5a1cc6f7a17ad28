"""Shopify in the role of the shop: goods that wait for stock, and how much of it the store may sell."""

from __future__ import annotations

from collections.abc import Sequence

from seamline.errors import Problem, Refusal
from seamline.http import located
from seamline.records.level import LevelChange, Levels
from seamline.records.remedy import RefundPart
from seamline.records.shortage import CancelGoodsRequest, CancelledGoods, SplitRequest
from seamline.systems.shopify import documents
from seamline.systems.shopify import mapping_payment as paying
from seamline.systems.shopify import mapping_stock as mapping
from seamline.systems.shopify import wire_stock as wire
from seamline.systems.shopify.client import ShopifyClient, as_model
from seamline.systems.shopify.documents_remedies import REFUND_GOODS, REFUNDS
from seamline.systems.shopify.ids import gid, order_gid
from seamline.systems.shopify.wire import Page
from seamline.systems.shopify.wire_remedies import RefundCreate, Refunds


class ShopifyStock:
    """Satisfies `activities.shop_stock.ShopStockSystem` but for fetching orders."""

    name: str
    _client: ShopifyClient

    @located
    async def split_part(self, reference: str, request: SplitRequest) -> None:
        """Split the lines off. Refusal with what Shopify does not accept."""
        variables = {"splits": [mapping.SPLIT.write(request)]}
        data = await self._client.mutate("split_part", documents.SPLIT, variables)
        made = as_model(wire.Changed, data.get("fulfillmentOrderSplit"), "fulfillmentOrderSplit")
        if made.user_errors:
            raise paying.refused(made.user_errors, {"quantity": "lines"}, "fulfilment_order_id")

    @located
    async def find_cancelled_goods(self, reference: str, key: str, currency: str) -> CancelledGoods | None:
        """The refund that has our key for a note. A failed one does not count: the lines are off, the money is not."""
        data = await self._client.query("find_cancelled_goods", REFUNDS, {"id": order_gid(reference)})
        if data.get("order") is None:
            return None
        found = as_model(Refunds, data["order"], "order").refunds
        made = next((one for one in found if one.note == key and one.refund_line_items.nodes), None)
        return mapping.cancelled_goods(made, key, currency) if made else None

    @located
    async def cancel_goods(
        self, reference: str, key: str, request: CancelGoodsRequest, parts: Sequence[RefundPart], currency: str
    ) -> CancelledGoods:
        """Refund the lines as cancelled. Refusal with what Shopify does not accept."""
        variables = {"id": gid("FulfillmentOrder", request.fulfilment_order_id)}
        data = await self._client.query("cancel_goods", documents.LOCATION, variables)
        place = as_model(wire.LocatedPart, data.get("fulfillmentOrder"), "fulfillmentOrder").assigned_location.location
        given = mapping.CANCEL_GOODS.write(
            request, reference=reference, key=key, currency=currency, parts=parts, location=place.id if place else None
        )
        data = await self._client.mutate("cancel_goods", REFUND_GOODS, {"input": given, "key": key})
        made = as_model(RefundCreate, data.get("refundCreate"), "refundCreate")
        if made.user_errors or made.refund is None:
            raise paying.refused(made.user_errors, {"refundLineItems": "lines"}, "lines")
        return mapping.cancelled_goods(made.refund, key, currency)

    @located
    async def read_note(self, reference: str) -> str:
        """The order's note. Refusal `not-found` when there is no such order."""
        data = await self._client.query("read_note", documents.NOTE, {"id": order_gid(reference)})
        if data.get("order") is None:
            problem = Problem(field="reference", reason="is not an order of this shop")
            raise Refusal("not-found", problem.reason, problems=[problem])
        return as_model(wire.OrderNote, data["order"], "order").note or ""

    @located
    async def write_note(self, reference: str, text: str) -> None:
        """Replace the order's note. Refusal with what Shopify does not accept."""
        variables = {"input": {"id": order_gid(reference), "note": text}}
        data = await self._client.mutate("write_note", documents.SET_NOTE, variables)
        made = as_model(wire.Changed, data.get("orderUpdate"), "orderUpdate")
        if made.user_errors:
            raise paying.refused(made.user_errors, {"note": "text"}, "reference")

    @located
    async def read_levels(self, after: str) -> Levels:
        """A page of articles with their levels. Refusal `too-large` for one that is stocked at too many locations."""
        data = await self._client.query("read_levels", documents.LEVELS, {"after": after or None})
        page = as_model(Page[wire.InventoryItem], data.get("inventoryItems"), "inventoryItems")
        for item in page.nodes:
            if item.inventory_levels.page_info.has_next_page:
                reason = f"has an article at over {documents.LOCATION_SIZE_MAX} locations"
                raise Refusal("too-large", reason, problems=[Problem(field="inventoryItems", reason=reason)])
        following = page.page_info.end_cursor if page.page_info.has_next_page else None
        return Levels(levels=tuple(mapping.levels(page.nodes)), after=following or "")

    @located
    async def set_levels(self, look: str, changes: Sequence[LevelChange]) -> Sequence[str]:
        """Set all, or none and the SKUs whose quantity changed. Refusal with what else Shopify does not accept."""
        variables = {
            "input": {
                "name": "on_hand",
                "reason": "correction",
                "referenceDocumentUri": f"gid://seamline/StockLook/{look}",
                "quantities": [mapping.LEVEL_CHANGE.write(one) for one in changes],
            },
            "key": mapping.native_key(look, changes),
        }
        data = await self._client.mutate("set_levels", documents.SET_LEVELS, variables)
        done = as_model(wire.QuantitiesSet, data.get("inventorySetQuantities"), "inventorySetQuantities")
        stale = mapping.stale_skus(done.user_errors, changes)
        if done.user_errors and not stale:
            raise paying.refused(done.user_errors, {"quantity": "changes"}, "changes")
        return stale
