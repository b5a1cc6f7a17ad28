"""Shopify's Admin GraphQL 2026-07: the shape of what comes back.

Source: https://shopify.dev/docs/api/admin-graphql/2026-07
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

API_VERSION = "2026-07"


class Wire(BaseModel):
    """Base of all that comes back: names as Shopify writes them, unknown fields ignored."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, hide_input_in_errors=True)


Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=4, allow_inf_nan=False)]
T = TypeVar("T")


class MoneyV2(Wire):
    """An amount in one currency."""

    amount: Amount
    currency_code: str


class MoneyBag(Wire):
    """The same amount in the shop's and the customer's currency; only the shop's is read."""

    shop_money: MoneyV2


class BothMoney(MoneyBag):
    """An amount of which the customer's currency is read too."""

    presentment_money: MoneyV2


class PageInfo(Wire):
    """Whether there is more, and where to go on."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Page(Wire, Generic[T]):
    """One page of a connection."""

    page_info: PageInfo = PageInfo()
    nodes: tuple[T, ...] = ()


class Weight(Wire):
    """What one piece weighs. `unit` is KILOGRAMS, GRAMS, POUNDS or OUNCES."""

    unit: str
    value: float = Field(allow_inf_nan=False)


class InventoryItem(Wire):
    """What customs ask of an article."""

    harmonized_system_code: str | None = None
    country_code_of_origin: str | None = None


class Variant(Wire):
    """An article as it is sold."""

    inventory_item: InventoryItem


class LineItem(Wire):
    """One line of the order. `current_quantity` leaves out what was refunded or removed.

    A custom line, or one whose article was deleted, has no variant.
    """

    id: str
    sku: str | None = None
    title: str
    current_quantity: int
    requires_shipping: bool
    is_gift_card: bool = False
    original_unit_price_set: MoneyBag
    discounted_unit_price_after_all_discounts_set: MoneyBag | None = None
    variant: Variant | None = None


class Identified(Wire):
    """An object of which only the id is read."""

    id: str


class Place(Wire):
    """A location of the shop's."""

    is_fulfillment_service: bool = False


class Location(Wire):
    """Where a fulfilment order leaves from. The location itself may be gone."""

    name: str
    location: Place | None = None


class OrderedItem(Wire):
    """The line of the order that a part of it is of."""

    id: str
    is_gift_card: bool = False


class InternationalDuties(Wire):
    """Who pays the duties: DDP, DAP ..."""

    incoterm: str


class DeliveryMethod(Wire):
    """How it gets there: SHIPPING, PICK_UP, PICKUP_POINT, LOCAL, RETAIL or NONE."""

    method_type: str


class FulfillmentOrderLineItem(Wire):
    """What of a line is to be shipped from this location."""

    id: str
    sku: str | None = None
    remaining_quantity: int
    requires_shipping: bool
    weight: Weight | None = None
    line_item: OrderedItem


class FulfillmentHold(Wire):
    """A hold on a fulfilment order; `handle` is the one that its app gave it."""

    id: str
    handle: str | None = None
    held_by_requesting_app: bool = False


class FulfillmentOrder(Wire):
    """Shopify's unit of shipping."""

    id: str
    status: str
    assigned_location: Location
    delivery_method: DeliveryMethod | None = None
    international_duties: InternationalDuties | None = None
    fulfillment_holds: tuple[FulfillmentHold, ...] = ()
    line_items: Page[FulfillmentOrderLineItem]


class MailingAddress(Wire):
    """A postal address; `province_code` is the state's short code."""

    name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code_v2: str | None = Field(default=None, alias="countryCodeV2")
    phone: str | None = None


class PresentmentBag(Wire):
    """The same amount in the shop's and the customer's currency; only the customer's is read."""

    presentment_money: MoneyV2


class Transaction(Wire):
    """A movement of money. `authorization_expires_at` is told to stores on the plan Plus only."""

    id: str
    kind: str
    status: str
    error_code: str | None = None
    gateway: str | None = None
    authorization_expires_at: datetime | None = None
    amount_set: PresentmentBag
    parent_transaction: Identified | None = None


class Transactions(Wire):
    """An order of which only the movements of money are read."""

    transactions: tuple[Transaction, ...] = ()


class RiskFact(Wire):
    """One fact of an assessment. `sentiment` is POSITIVE, NEUTRAL or NEGATIVE."""

    description: str
    sentiment: str


class RiskAssessment(Wire):
    """What one assessor says. `risk_level` is HIGH, MEDIUM, LOW, NONE or PENDING."""

    risk_level: str
    facts: tuple[RiskFact, ...] = ()


class Risk(Wire):
    """What Shopify recommends: CANCEL, INVESTIGATE, ACCEPT or NONE."""

    recommendation: str = "NONE"
    assessments: tuple[RiskAssessment, ...] = ()


class ShippingLine(Wire):
    """The delivery that the customer chose."""

    code: str | None = None
    title: str


class Order(Wire):
    """An order. Its pages of lines and fulfilment orders may be the first of several."""

    id: str
    name: str
    created_at: datetime
    currency_code: str
    presentment_currency_code: str
    display_financial_status: str | None = None
    test: bool
    cancelled_at: datetime | None = None
    email: str | None = None
    customer_locale: str | None = None
    taxes_included: bool
    duties_included: bool
    shipping_line: ShippingLine | None = None
    shipping_address: MailingAddress | None = None
    current_subtotal_price_set: MoneyBag
    current_shipping_price_set: MoneyBag
    current_total_duties_set: MoneyBag | None = None
    current_total_tax_set: MoneyBag
    current_total_price_set: BothMoney
    current_total_additional_fees_set: MoneyBag | None = None
    refund_discrepancy_set: MoneyBag
    total_tip_received_set: MoneyBag
    payment_terms: Identified | None = None
    risk: Risk = Risk()
    transactions: tuple[Transaction, ...] = ()
    line_items: Page[LineItem]
    fulfillment_orders: Page[FulfillmentOrder]


class TrackingInfo(Wire):
    """A parcel's number."""

    number: str | None = None
    url: str | None = None
    company: str | None = None


class Fulfillment(Wire):
    """Lines that left. `status` is SUCCESS, or CANCELLED, ERROR, FAILURE when it does not count."""

    id: str
    status: str
    tracking_info: tuple[TrackingInfo, ...] = ()


class UserError(Wire):
    """What Shopify refuses in a mutation, and where in the input."""

    field: tuple[str, ...] | None = None
    message: str


class FulfillmentCreate(Wire):
    """The answer to `fulfillmentCreate`."""

    fulfillment: Fulfillment | None = None
    user_errors: tuple[UserError, ...] = ()


class OrderCapture(Wire):
    """The answer to `orderCapture`."""

    transaction: Transaction | None = None
    user_errors: tuple[UserError, ...] = ()


class Refund(Wire):
    """A refund; whether the money is back, its transactions say."""

    transactions: Page[Transaction] = Page[Transaction]()


class RefundCreate(Wire):
    """The answer to `refundCreate`."""

    refund: Refund | None = None
    user_errors: tuple[UserError, ...] = ()


class HeldPart(Wire):
    """A fulfilment order of which only the holds are read."""

    status: str
    fulfillment_holds: tuple[FulfillmentHold, ...] = ()


class HoldCreate(Wire):
    """The answer to `fulfillmentOrderHold`."""

    fulfillment_hold: FulfillmentHold | None = None
    user_errors: tuple[UserError, ...] = ()


class HoldRelease(Wire):
    """The answer to `fulfillmentOrderReleaseHold`."""

    user_errors: tuple[UserError, ...] = ()


class Job(Wire):
    """Work that Shopify does later."""

    id: str
    done: bool


class OrderCancel(Wire):
    """The answer to `orderCancel`."""

    job: Job | None = None
    order_cancel_user_errors: tuple[UserError, ...] = ()


class NamedOrder(Wire):
    """An order of which id and name are read."""

    id: str
    name: str


class CancelledOrder(Wire):
    """An order of which only is read whether it is cancelled."""

    id: str
    cancelled_at: datetime | None = None


class Held(Wire):
    """What the shop holds for an order, for people."""

    id: str
    display_financial_status: str | None = None
    display_fulfillment_status: str
    cancelled_at: datetime | None = None
    current_total_price_set: MoneyBag
    fulfillments: tuple[Fulfillment, ...] = ()
    transactions: tuple[Transaction, ...] = ()


class Plan(Wire):
    """What the shop pays for; a development store pays nothing and sells nothing."""

    partner_development: bool


class Shop(Wire):
    """The shop behind the credentials."""

    name: str
    myshopify_domain: str
    currency_code: str
    plan: Plan


class ThrottleStatus(Wire):
    """How much of the cost budget is left, in points, and how many come back a second."""

    currently_available: float = 0
    restore_rate: float = 0


class Cost(Wire):
    """What a query costs and what is left."""

    requested_query_cost: float = 0
    throttle_status: ThrottleStatus = ThrottleStatus()


class Extensions(Wire):
    """What Shopify says beside the data."""

    cost: Cost = Cost()


class ErrorExtensions(Wire):
    """The code of a GraphQL error: THROTTLED, ACCESS_DENIED, undefinedField ..."""

    code: str = ""


class GraphQLError(Wire):
    """One GraphQL error."""

    message: str = ""
    extensions: ErrorExtensions = ErrorExtensions()


class Reply(Wire):
    """The envelope of every answer."""

    data: dict[str, Any] | None = None
    errors: tuple[GraphQLError, ...] | str = ()
    """A text where Shopify refuses before GraphQL runs: `[API] Invalid API key ...`."""
    extensions: Extensions = Extensions()


class Token(BaseModel):
    """The answer of the client credentials grant. `expires_in` is in seconds."""

    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: str = Field(min_length=1, repr=False)
    expires_in: float = Field(default=86_399, gt=0)
