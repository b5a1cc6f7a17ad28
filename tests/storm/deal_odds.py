"""Deals beside the orders, as a storm draws them: what is won, and what becomes of it."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

ORDERS_FOR_DEAL = 4


class Does(StrEnum):
    """What becomes of a deal once it is won."""

    REOPEN = "reopened"
    WIN = "won again"
    AMEND = "amended while won"
    PAY = "invoice paid early"
    CANCEL = "deal cancelled in Temporal"


@dataclass(frozen=True)
class Act:
    """What is done as soon as the ledger has an effect for the deal."""

    does: Does
    moment: str


@dataclass(frozen=True)
class PlannedDeal:
    """A deal, won after so many orders were made."""

    kind: str
    after: int
    wanted: Mapping[str, Any]
    in_marketing: bool
    acts: Sequence[Act] = field(default=())


KINDS: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "plain": (6, {}),
    "of one customer": (3, {}),
    "to be approved": (3, {"lines": [{"unit_price": "12000.00"}]}),
    "in instalments": (3, {"instalments": [{"amount": "700.00"}, {"amount": "500.00"}]}),
    "wrong terms": (2, {"terms": "whenever"}),
}
"""With weights, and as sales would leave them."""
_MOMENTS = ("create-customer", "draft-invoice", "post-invoice", "send-invoice", "write-invoice", "become-customer")
_REOPENED = (Act(Does.REOPEN, "write-invoice"),)
_ACTS: Mapping[tuple[Act, ...], int] = {
    (): 10,
    _REOPENED: 3,
    (*_REOPENED, Act(Does.WIN, "void-invoice")): 3,
    (Act(Does.PAY, "write-invoice"), *_REOPENED): 2,
    (Act(Does.AMEND, "draft-invoice"),): 1,
}


def draw_deals(dice: random.Random, orders: int, *, each: int = ORDERS_FOR_DEAL) -> list[PlannedDeal]:
    """The deals of a storm of so many orders."""
    return [_deal(dice, number, dice.randrange(orders)) for number in range(max(1, orders // each))]


def _deal(dice: random.Random, number: int, after: int) -> PlannedDeal:
    kind = dice.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    name = "common" if kind == "of one customer" else f"customer-{number}"
    domain = f"{name}.example"
    account = {"name": f"{name} Ltd", "website": f"https://www.{domain}", "tax_id": f"GB{sum(domain.encode()):09d}"}
    acts = dice.choices(list(_ACTS), list(_ACTS.values()))[0]
    early = (Act(dice.choice((Does.REOPEN, Does.CANCEL)), dice.choice(_MOMENTS)),)
    wanted = {"terms": None, **KINDS[kind][1], "account": account, "contact": {"email": f"bills@{domain}"}}
    if parts := wanted.get("instalments"):
        today = datetime.now(UTC).date().isoformat()
        wanted["instalments"] = [{"due_date": today, **one} for one in parts]
    return PlannedDeal(kind, after, wanted, dice.random() < 0.7, early if dice.random() < 0.3 else acts)
