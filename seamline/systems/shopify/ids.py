"""Shopify's ids: global ones over the API, plain numbers with us."""

from __future__ import annotations

from seamline.errors import Problem, Refusal
from seamline.records.reference import external_id_of


def order_gid(reference: str) -> str:
    """`gid://shopify/Order/5001` of `shop-uk:5001`. Refusal when the id is not one of Shopify's numbers."""
    number = external_id_of(reference)
    if not (number.isascii() and number.isdigit()):
        problem = Problem(field="reference", reason="must end in Shopify's numeric order id, for example shop-uk:5001")
        raise Refusal("not-found", "there is no order with this id", problems=[problem])
    return gid("Order", number)


def gid(kind: str, number: str) -> str:
    """Shopify's global id of an object."""
    return f"gid://shopify/{kind}/{number}"


def number_of(global_id: str) -> str:
    """The number at a global id's end, without its parameters."""
    return global_id.rsplit("/", 1)[-1].split("?", 1)[0]
