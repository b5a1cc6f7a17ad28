"""Tryton takes goods of a return back: a customer return shipment, received and put on the shelf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seamline.errors import Problem, Refusal
from seamline.http import located
from seamline.records.returning import Receipt, ReceiptRequest
from seamline.systems.tryton import mapping, mapping_returns, wire
from seamline.systems.tryton import wire_returns as told
from seamline.systems.tryton.client import TrytonClient


class TrytonReturns:
    """Satisfies the part of `activities.inventory.InventorySystem` that takes goods back."""

    name: str
    _client: TrytonClient
    _company: int

    @located
    async def find_receipts(self, reference: str) -> Sequence[Receipt]:
        """The return shipments whose reference is a key of this return, those left out that are cancelled."""
        domain = [["reference", "like", f"{reference}/%"], ["state", "!=", "cancelled"]]
        found = await self._client.search(
            "find_receipts", mapping_returns.RETURN, domain, told.ReturnShipment, told.RETURN_FIELDS
        )
        return [mapping_returns.RECEIPT.read(one) for one in found]

    @located
    async def create_receipt(self, key: str, request: ReceiptRequest) -> Receipt:
        """A draft return shipment of the order's customer, complete: a raw create runs no `on_change`."""
        party = await self._customer(request)
        values = mapping_returns.RETURN_OUT.write(
            request,
            key=key,
            company=self._company,
            party=party,
            warehouse=await self._warehouse(),
            customers=await self._customers(),
            currency=await self._currency(request.currency),
            products=await self._articles(request),
            sent=await self._sent(party, request),
        )
        made = await self._client.create("create_receipt", mapping_returns.RETURN, values)
        return Receipt(id=str(made), key=key)

    @located
    async def finish_receipt(self, receipt: Receipt) -> Receipt:
        """Receive, then put on the shelf. Its state is read first: others may have pressed the buttons."""
        for state, button in mapping_returns.BUTTONS.items():
            now = await self._read(receipt)
            if now.state == state:
                await self._client.press(button, mapping_returns.RETURN, now.id, button)
        now = await self._read(receipt)
        if now.state != "done":
            problem = Problem(field="id", reason=f"is {now.state}: finish it in Tryton, then retry")
            raise Refusal("not-received", "the goods are not on the shelf", problems=[problem])
        return mapping_returns.RECEIPT.read(now)

    async def _read(self, receipt: Receipt) -> told.ReturnShipment:
        return await self._client.read(
            "read_receipt", mapping_returns.RETURN, int(receipt.id), told.ReturnShipment, told.RETURN_FIELDS
        )

    async def _customer(self, request: ReceiptRequest) -> int:
        code = mapping.party_code(request.order_reference)
        found = await self._client.search("find_party", "party.party", [["code", "=", code]], wire.Coded, ["code"])
        if not found:
            problem = Problem(field="order_reference", reason="has no customer in Tryton: its goods left another way")
            raise Refusal("unknown-customer", "Tryton has no customer of this order", problems=[problem])
        return found[0].id

    async def _warehouse(self) -> told.Warehouse:
        found = await self._client.search(
            "find_warehouse", "stock.location", [["type", "=", "warehouse"]], told.Warehouse, told.WAREHOUSE_FIELDS
        )
        if not found:
            problem = Problem(field="lines", reason="have no warehouse to go to: make one in Tryton, then retry")
            raise Refusal("no-warehouse", "Tryton has no warehouse", problems=[problem])
        return min(found, key=lambda one: one.id)

    async def _customers(self) -> int:
        domain = [["type", "=", "customer"]]
        found = await self._client.search("find_customers", "stock.location", domain, wire.Coded, ["code"])
        return min(one.id for one in found)

    async def _sent(self, party: int, request: ReceiptRequest) -> Mapping[str, int]:
        """The move that brought each article to the customer."""
        domain = mapping_returns.sent_domain(party, request)
        found = await self._client.search("find_sent", mapping_returns.MOVE, domain, wire.Move, wire.MOVE_FIELDS)
        return {one.product.code: one.id for one in found if one.product}

    async def _currency(self, currency: str) -> int:
        domain = [["code", "=", currency]]
        found = await self._client.search("find_currency", "currency.currency", domain, wire.Coded, ["code"])
        if not found:
            problem = Problem(field="currency", reason="is not a currency that Tryton knows")
            raise Refusal("unknown-currency", "Tryton has no currency of this code", problems=[problem])
        return found[0].id

    async def _articles(self, request: ReceiptRequest) -> Mapping[str, wire.Product]:
        domain = [["code", "in", sorted({line.sku for line in request.lines})]]
        found = await self._client.search("find_products", "product.product", domain, wire.Product, wire.PRODUCT_FIELDS)
        products = {one.code: one for one in sorted(found, key=lambda one: -one.id)}
        if problems := mapping.unknown_articles(request, products):
            raise Refusal("unknown-article", "Tryton does not know every article", problems=problems)
        return products
