"""Shopify's ids: global ones over the API, plain numbers with us."""

from __future__ import annotations

import re

from seamline.conversions import Conversion
from seamline.errors import Problem, Refusal
from seamline.records.reference import RETURN_SIGN, external_id_of

NUMBER = re.compile(r"[1-9][0-9]{0,19}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""An order's name without its `#`, as far as it can stand in a search."""


def order_gid(reference: str) -> str:
    """`gid://shopify/Order/5001` of `shop-uk:5001`, and of its return `shop-uk:5001-R9001`. Refusal for other ids."""
    number = external_id_of(reference).partition(RETURN_SIGN)[0]
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


NUMBER_OF_GID = Conversion("number at the end of the global id", number_of)
ORDER_GID = Conversion("global id of kind Order", write=order_gid)


def gid_of(kind: str) -> Conversion:
    """Shopify's global id of an object of this kind, of a plain number with us."""
    return Conversion(f"global id of kind {kind}", number_of, lambda number: gid(kind, number))
