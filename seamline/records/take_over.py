"""An order that others had begun, and what of it is left for us. Pure."""

from __future__ import annotations

from seamline.records.order import Delivery, Order
from seamline.records.policy import Policy
from seamline.records.reference import external_id_of
from seamline.records.shop_rules import TakenOver
from seamline.records.stock import Reservation, ShipmentState


def taken_over(order: Order, policy: Policy) -> TakenOver | None:
    """What others may have made for it, where the shop's rules have it taken over.

    Which of several parts a mark means, nobody can tell: then people decide.
    """
    rule = policy.shop(order.reference).takes_over(order.created_at)
    if rule is None:
        return None
    marks = rule.marks_of(order.number, external_id_of(order.reference))
    return TakenOver(marks=marks, adopt=len(order.fulfilment_orders) == 1)


def once_reserved(before: TakenOver | None, stock: Reservation) -> TakenOver | None:
    """What is known of others' work once the stock is reserved: whether what they reserved has left."""
    gone = not stock.key and stock.state is ShipmentState.DONE
    return before.model_copy(update={"left": True}) if before and gone else before


def only_owes(order: Order, policy: Policy) -> bool:
    """Whether others have shipped all of an order that is taken over, and its payment is left to us."""
    carried = any(part.delivery is Delivery.SHIPPING for part in order.fulfilment_orders)
    shipped = carried and not order.cancelled and not order.open_fulfilment_orders
    return shipped and order.capture_due is not None and taken_over(order, policy) is not None
