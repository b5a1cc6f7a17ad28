"""Shopify in the role of the shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from seamline.errors import Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.order import Order
from seamline.records.shipping import Fulfilment, FulfilmentRequest
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.shopify import mapping, wire
from seamline.systems.shopify.client import ShopifyClient, as_model

PAGES_MAX = 20
"""More pages than this of one list are not an order that a person made."""

T = TypeVar("T")


class Account(BaseModel):
    """A Shopify store, reached as an app that the store has installed."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: HttpUrl = Field(description="The store's own address: https://example.myshopify.com")
    client_id: str = Field(min_length=1, description="The app's client id, from its settings in the Dev Dashboard.")
    client_secret: SecretStr = Field(description="The app's client secret. Webhooks are signed with it too.")
    page: str = Field(
        default="{url}/admin/orders/{id}",
        description="Where staff see an order; {url} is the store's address, {id} the order's number.",
    )
    calls_per_second_max: float = Field(default=10, gt=0, le=100, description="How often this store may be called.")
    calls_at_once_max: int = Field(default=8, gt=0, le=100, description="How many calls may run at the same time.")


def connect(name: str, account: Account, http: HttpFactory) -> ShopifyShop:
    """The adapter of the connection `name`. Nothing is sent yet."""
    client = http.client(
        name,
        str(account.url).rstrip("/"),
        calls_per_second_max=account.calls_per_second_max,
        calls_at_once_max=account.calls_at_once_max,
    )
    secret = account.client_secret.get_secret_value()
    return ShopifyShop(name, account, ShopifyClient(client, account.client_id, secret))


class ShopifyShop:
    """Satisfies `activities.shop.ShopSystem`."""

    # A fulfilment cannot carry a key; it is found by its tracking number within the fulfilment order.
    repeats: Final[Mapping[str, Repeat]] = {"post_fulfilment": Repeat.LOOK_UP}

    def __init__(self, name: str, account: Account, client: ShopifyClient) -> None:
        self.name = name
        self._account = account
        self._client = client

    async def close(self) -> None:
        """Close the connections to the store."""
        await self._client.close()

    @located
    async def fetch_order(self, reference: str) -> Order:
        """The order with all its lines and fulfilment orders. Refusal `not-found` when there is none."""
        data = await self._client.query("fetch_order", wire.ORDER, {"id": mapping.order_gid(reference)})
        if data.get("order") is None:
            raise _not_found("reference", "is not an order of this shop")
        found = as_model(wire.Order, data["order"], "order")
        lines = await _all(found.line_items, lambda after: self._more_lines(found.id, after))
        parts = await _all(found.fulfillment_orders, lambda after: self._more_parts(found.id, after))
        whole = [part.model_copy(update={"line_items": await self._whole(part)}) for part in parts.nodes]
        found = found.model_copy(
            update={
                "line_items": lines,
                "fulfillment_orders": wire.Page[wire.FulfillmentOrder](nodes=tuple(whole)),
            }
        )
        return mapping.order(reference, found, self._page(mapping.number_of(found.id)))

    @located
    async def find_fulfilments(self, request: FulfilmentRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the fulfilment order, whoever made them. Refusal `not-found`."""
        variables = {"id": mapping.gid("FulfillmentOrder", request.fulfilment_order_id)}
        data = await self._client.query("find_fulfilments", wire.FULFILMENTS, variables)
        if data.get("fulfillmentOrder") is None:
            raise _not_found("fulfilment_order_id", "is not a fulfilment order of this shop")
        page = data["fulfillmentOrder"].get("fulfillments")
        read = as_model(wire.Page[wire.Fulfillment], page, "fulfillments")
        if read.page_info.has_next_page:
            problem = Problem(field="fulfilment_order_id", reason=f"has over {wire.FULFILMENT_PAGE_SIZE} fulfilments")
            raise Refusal("too-large", "the fulfilment order has too many fulfilments", problems=[problem])
        return mapping.fulfilments(read.nodes)

    @located
    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        """Post the fulfilment; Shopify tells the customer nothing. Refusal with what it does not accept."""
        variables = mapping.fulfilment_input(request)
        data = await self._client.mutate("create_fulfilment", wire.CREATE_FULFILMENT, variables)
        made = as_model(wire.FulfillmentCreate, data.get("fulfillmentCreate"), "fulfillmentCreate")
        if made.user_errors or made.fulfillment is None:
            raise mapping.refused(made.user_errors)
        return Fulfilment(
            id=mapping.number_of(made.fulfillment.id),
            tracking_number=request.tracking_number,
            page=request.tracking_page,
        )

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The order and its fulfilments; nothing when there is no such order."""
        variables = {"id": mapping.order_gid(reference)}
        data = await self._client.query("holdings", wire.HOLDINGS, variables)
        if data.get("order") is None:
            return []
        held = as_model(wire.Held, data["order"], "order")
        return mapping.holdings(held, self._page(mapping.number_of(held.id)))

    @located
    async def card(self) -> Card:
        """Reach the store and describe the connection."""
        data = await self._client.query("card", wire.SHOP)
        shop = as_model(wire.Shop, data.get("shop"), "shop")
        return Card(
            connection=self.name,
            system="shopify",
            role="shop",
            holds=("orders", "payments", "fulfilments"),
            connected=f"GraphQL {wire.API_VERSION} over HTTPS, signed webhooks",
            authentication="client credentials, a token for 24 hours",
            limits=f"cost budget of the store; at most {self._account.calls_per_second_max:g} calls a second from here",
            repeats=self.repeats,
            account=f"{shop.name} ({shop.myshopify_domain}, {shop.currency_code})",
        )

    def _page(self, number: str) -> str:
        return self._account.page.replace("{url}", str(self._account.url).rstrip("/")).replace("{id}", number)

    async def _whole(self, part: wire.FulfillmentOrder) -> wire.Page[wire.FulfillmentOrderLineItem]:
        return await _all(part.line_items, lambda after: self._more_part_lines(part.id, after))

    async def _more_lines(self, order_id: str, after: str) -> wire.Page[wire.LineItem]:
        page = await self._more(wire.MORE_LINES, order_id, after, "order", "lineItems")
        return as_model(wire.Page[wire.LineItem], page, "order.lineItems")

    async def _more_parts(self, order_id: str, after: str) -> wire.Page[wire.FulfillmentOrder]:
        page = await self._more(wire.MORE_PARTS, order_id, after, "order", "fulfillmentOrders")
        return as_model(wire.Page[wire.FulfillmentOrder], page, "order.fulfillmentOrders")

    async def _more_part_lines(self, part_id: str, after: str) -> wire.Page[wire.FulfillmentOrderLineItem]:
        page = await self._more(wire.MORE_PART_LINES, part_id, after, "fulfillmentOrder", "lineItems")
        model = wire.Page[wire.FulfillmentOrderLineItem]
        return as_model(model, page, "fulfillmentOrder.lineItems")

    async def _more(self, document: str, of: str, after: str, root: str, name: str) -> Any:
        data = await self._client.query("fetch_order", document, {"id": of, "after": after})
        return (data.get(root) or {}).get(name)


def _not_found(field: str, reason: str) -> Refusal:
    return Refusal("not-found", f"{field} {reason}", problems=[Problem(field=field, reason=reason)])


async def _all(first: wire.Page[T], more: Callable[[str], Awaitable[wire.Page[T]]]) -> wire.Page[T]:
    """All pages as one. Refusal `too-large` when there is no end to them."""
    nodes, info = list(first.nodes), first.page_info
    for _ in range(PAGES_MAX):
        if not info.has_next_page or info.end_cursor is None:
            return wire.Page[Any](nodes=tuple(nodes))
        page = await more(info.end_cursor)
        nodes, info = nodes + list(page.nodes), page.page_info
    problem = Problem(field="reference", reason=f"is an order with more than {PAGES_MAX} pages of lines")
    raise Refusal("too-large", "the order is too large", problems=[problem])
