"""Shopify in the role of the shop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr

from seamline.errors import Problem, Refusal
from seamline.http import HttpFactory, located
from seamline.records.order import Order
from seamline.records.payment import CaptureRequest, PaymentMode, RefundRequest, Transaction
from seamline.records.reference import connection_of, external_id_of
from seamline.records.risk import Cancellation, CancellationState, CancelRequest, Hold, HoldRequest
from seamline.records.shipping import Fulfilment, FulfilmentRequest, PartRequest
from seamline.records.system import Card, Holding, Repeat
from seamline.systems.shopify import documents, mapping, wire
from seamline.systems.shopify import mapping_payment as paying
from seamline.systems.shopify import mapping_stock as stocking
from seamline.systems.shopify.client import ShopifyClient, as_model
from seamline.systems.shopify.ids import NAME, NUMBER, gid, number_of, order_gid
from seamline.systems.shopify.shop_remedies import ShopifyRemedies
from seamline.systems.shopify.shop_stock import ShopifyStock
from seamline.systems.shopify.wire_account import Setup

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
    payment_mode: Literal["paid", "ours", "on-fulfilment"] = Field(
        default="paid",
        description="Who takes the money: `paid`, the store, before anything is shipped; `ours`, we capture what is "
        "authorised once the parcel is packed; `on-fulfilment`, the store, once it is told that the parcel left.",
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


class ShopifyShop(ShopifyRemedies, ShopifyStock):
    """Satisfies `activities.shop.ShopSystem`."""

    # A fulfilment cannot carry a key; it is found by its tracking number within the fulfilment order, a capture by its
    # authorisation, a hold by its handle, which Shopify takes once for a fulfilment order. A refund carries our key, by
    # which Shopify knows it for a day, and is found by its capture.
    repeats: Final[Mapping[str, Repeat]] = {
        "post_fulfilment": Repeat.LOOK_UP,
        "hold": Repeat.LOOK_UP,
        "release_hold": Repeat.HARMLESS,
        "cancel_order": Repeat.LOOK_UP,
        "capture": Repeat.LOOK_UP,
        "refund_capture": Repeat.NATIVE_KEY,
        "refund_goods": Repeat.LOOK_UP,
        "retrack": Repeat.LOOK_UP,
        "approve_return": Repeat.LOOK_UP,
        "decline_return": Repeat.LOOK_UP,
        "close_return": Repeat.HARMLESS,
        "split": Repeat.LOOK_UP,
        "cancel_goods": Repeat.LOOK_UP,
        "add_note": Repeat.LOOK_UP,
        "set_levels": Repeat.HARMLESS,
    }

    def __init__(self, name: str, account: Account, client: ShopifyClient) -> None:
        self.name = name
        self._account = account
        self._mode = PaymentMode(account.payment_mode.replace("-", " "))
        self._client = client

    async def close(self) -> None:
        """Close the connections to the store."""
        await self._client.close()

    @located
    async def fetch_order(self, reference: str) -> Order:
        """The order with all its lines and fulfilment orders. Refusal `not-found` when there is none."""
        data = await self._client.query("fetch_order", documents.ORDER, {"id": order_gid(reference)})
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
        return mapping.order(reference, found, self._page(number_of(found.id)), self._mode)

    @located
    async def find_fulfilments(self, request: PartRequest) -> Sequence[Fulfilment]:
        """The live fulfilments of the fulfilment order, whoever made them. Refusal `not-found`."""
        return mapping.fulfilments(await self._fulfilments_of(request.fulfilment_order_id))

    @located
    async def create_fulfilment(self, key: str, request: FulfilmentRequest) -> Fulfilment:
        """Post the fulfilment; Shopify tells the customer nothing. Refusal with what it does not accept."""
        variables = {"fulfillment": mapping.FULFILMENT.write(request)}
        data = await self._client.mutate("create_fulfilment", documents.CREATE_FULFILMENT, variables)
        made = as_model(wire.FulfillmentCreate, data.get("fulfillmentCreate"), "fulfillmentCreate")
        if made.user_errors or made.fulfillment is None:
            raise mapping.refused(made.user_errors)
        return Fulfilment(
            id=number_of(made.fulfillment.id),
            tracking_number=request.tracking_number,
            page=request.tracking_page,
        )

    @located
    async def find_transactions(self, reference: str) -> Sequence[Transaction]:
        """The movements of the order's money, oldest first. Refusal `not-found`."""
        data = await self._client.query("find_transactions", documents.TRANSACTIONS, {"id": order_gid(reference)})
        if data.get("order") is None:
            raise _not_found("reference", "is not an order of this shop")
        return paying.transactions(as_model(wire.Transactions, data["order"], "order").transactions)

    @located
    async def capture(self, reference: str, request: CaptureRequest) -> Transaction:
        """Capture. The transaction can be a failed one. Refusal with what Shopify does not accept."""
        variables = {"input": paying.CAPTURE.write(request, reference=reference)}
        data = await self._client.mutate("capture", documents.CAPTURE, variables)
        made = as_model(wire.OrderCapture, data.get("orderCapture"), "orderCapture")
        if made.user_errors or made.transaction is None:
            raise paying.refused(made.user_errors, {"amount": "amount"}, "authorization_id")
        return paying.TRANSACTION.read(made.transaction, "transaction")

    @located
    async def refund(self, reference: str, key: str, request: RefundRequest) -> Transaction:
        """Refund under the native key. Refusal with what Shopify does not accept."""
        variables = {"input": paying.REFUND.write(request, reference=reference, key=key), "key": key}
        data = await self._client.mutate("refund", documents.REFUND, variables)
        made = as_model(wire.RefundCreate, data.get("refundCreate"), "refundCreate")
        if made.user_errors or made.refund is None or not made.refund.transactions.nodes:
            raise paying.refused(made.user_errors, {"amount": "amount"}, "authorization_id")
        return paying.TRANSACTION.read(made.refund.transactions.nodes[0], "transaction")

    @located
    async def find_hold(self, reference: str, fulfilment_order_id: str) -> Hold | None:
        """Our hold on the fulfilment order; None too when that is closed, or gone."""
        variables = {"id": gid("FulfillmentOrder", fulfilment_order_id)}
        data = await self._client.query("find_hold", documents.HOLDS, variables)
        if data.get("fulfillmentOrder") is None:
            return None
        part = as_model(wire.HeldPart, data["fulfillmentOrder"], "fulfillmentOrder")
        ours = (one for one in part.fulfillment_holds if paying.is_ours(reference, one))
        held = next(ours, None) if part.status == "ON_HOLD" else None
        return Hold(id=number_of(held.id), fulfilment_order_id=fulfilment_order_id) if held else None

    @located
    async def place_hold(self, reference: str, request: HoldRequest) -> Hold:
        """Hold the whole fulfilment order. Refusal with what Shopify does not accept."""
        variables = {
            "id": gid("FulfillmentOrder", request.fulfilment_order_id),
            "hold": paying.HOLD.write(request, reference=reference),
        }
        data = await self._client.mutate("place_hold", documents.HOLD, variables)
        made = as_model(wire.HoldCreate, data.get("fulfillmentOrderHold"), "fulfillmentOrderHold")
        if made.user_errors or made.fulfillment_hold is None:
            raise paying.refused(made.user_errors, {"reasonNotes": "reason"}, "fulfilment_order_id")
        return Hold(id=number_of(made.fulfillment_hold.id), fulfilment_order_id=request.fulfilment_order_id)

    @located
    async def release_hold(self, hold: Hold) -> None:
        """Take this hold off and leave others'. Refusal with what Shopify does not accept."""
        variables = {
            "id": gid("FulfillmentOrder", hold.fulfilment_order_id),
            "holds": [gid("FulfillmentHold", hold.id)],
        }
        data = await self._client.mutate("release_hold", documents.RELEASE_HOLD, variables)
        done = as_model(wire.HoldRelease, data.get("fulfillmentOrderReleaseHold"), "fulfillmentOrderReleaseHold")
        if done.user_errors:
            raise paying.refused(done.user_errors, {}, "fulfilment_order_id")

    @located
    async def cancel_order(self, reference: str, key: str, request: CancelRequest) -> Cancellation:
        """Have Shopify cancel the order soon; what was paid goes back, the customer is told nothing by the shop."""
        variables = paying.CANCEL.write(request, reference=reference, key=key)
        data = await self._client.mutate("cancel_order", documents.CANCEL, variables)
        made = as_model(wire.OrderCancel, data.get("orderCancel"), "orderCancel")
        if made.order_cancel_user_errors or made.job is None:
            raise paying.refused(made.order_cancel_user_errors, {"staffNote": "note", "reason": "reason"}, "reference")
        return Cancellation(state=CancellationState.UNDER_WAY, job_id=number_of(made.job.id))

    @located
    async def read_cancellation(self, reference: str, job_id: str) -> Cancellation:
        """How far the cancellation is; FAILED when nothing is under way any more and the order stands."""
        # The job first: an order that is cancelled after this look is seen by the next one.
        under_way = bool(job_id) and await self._under_way(job_id)
        data = await self._client.query("read_cancellation", documents.CANCELLED, {"id": order_gid(reference)})
        if data.get("order") is None:
            raise _not_found("reference", "is not an order of this shop")
        if as_model(wire.CancelledOrder, data["order"], "order").cancelled_at:
            return Cancellation(state=CancellationState.CANCELLED, job_id=job_id)
        state = CancellationState.UNDER_WAY if under_way else CancellationState.FAILED
        return Cancellation(state=state, job_id=job_id)

    async def _under_way(self, job_id: str) -> bool:
        data = await self._client.query("read_cancellation", documents.JOB, {"id": gid("Job", job_id)})
        return data.get("job") is not None and not as_model(wire.Job, data["job"], "job").done

    @located
    async def holdings(self, reference: str) -> Sequence[Holding]:
        """The order and its fulfilments; nothing when there is no such order, or it is another connection's object."""
        if connection_of(reference) != self.name or not NUMBER.fullmatch(external_id_of(reference)):
            return []
        variables = {"id": order_gid(reference)}
        data = await self._client.query("holdings", documents.HOLDINGS, variables)
        if data.get("order") is None:
            return []
        held = as_model(wire.Held, data["order"], "order")
        return mapping.holdings(held, self._page(number_of(held.id)))

    @located
    async def references(self, external_id: str) -> Sequence[str]:
        """The order with this name (`#1001`) or id, global or not, or of the fulfilment with this id."""
        name = external_id.removeprefix("#")
        if NAME.fullmatch(name):
            data = await self._client.query("resolve", documents.NAMED, {"query": f"name:'{name}'"})
            page = as_model(wire.Page[wire.NamedOrder], data.get("orders"), "orders")
            named = [number_of(one.id) for one in page.nodes if one.name.removeprefix("#") == name]
        else:
            named = []
        return [f"{self.name}:{number}" for number in dict.fromkeys([*named, *await self._by_id(external_id)])]

    @located
    async def card(self) -> Card:
        """Reach the store and describe the connection."""
        data = await self._client.query("card", documents.SHOP)
        shop = as_model(wire.Shop, data.get("shop"), "shop")
        setup = as_model(Setup, await self._client.query("card", documents.SETUP), "setup")
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
            live=not shop.plan.partner_development,
            locations=stocking.locations(setup.locations.nodes),
            test_payments=paying.paid_for_test(setup.orders.nodes),
        )

    def _page(self, number: str) -> str:
        return self._account.page.replace("{url}", str(self._account.url).rstrip("/")).replace("{id}", number)

    async def _by_id(self, external_id: str) -> list[str]:
        number = external_id.removeprefix(gid("Order", "")).removeprefix(gid("Fulfillment", ""))
        if not NUMBER.fullmatch(number):
            return []
        ids = {"order": gid("Order", number), "fulfillment": gid("Fulfillment", number)}
        data = await self._client.query("resolve", documents.IDENTIFIED, ids)
        orders = [data.get("order"), (data.get("fulfillment") or {}).get("order")]
        return [number_of(as_model(wire.Identified, one, "order").id) for one in orders if one]

    async def _whole(self, part: wire.FulfillmentOrder) -> wire.Page[wire.FulfillmentOrderLineItem]:
        return await _all(part.line_items, lambda after: self._more_part_lines(part.id, after))

    async def _more_lines(self, order_id: str, after: str) -> wire.Page[wire.LineItem]:
        page = await self._more(documents.MORE_LINES, order_id, after, "order", "lineItems")
        return as_model(wire.Page[wire.LineItem], page, "order.lineItems")

    async def _more_parts(self, order_id: str, after: str) -> wire.Page[wire.FulfillmentOrder]:
        page = await self._more(documents.MORE_PARTS, order_id, after, "order", "fulfillmentOrders")
        return as_model(wire.Page[wire.FulfillmentOrder], page, "order.fulfillmentOrders")

    async def _more_part_lines(self, part_id: str, after: str) -> wire.Page[wire.FulfillmentOrderLineItem]:
        page = await self._more(documents.MORE_PART_LINES, part_id, after, "fulfillmentOrder", "lineItems")
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
