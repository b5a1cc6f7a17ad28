"""What processes that only observe would have done, set beside what people did meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seamline.process.view import Unwritten, Wait
from seamline.records.base import Record
from seamline.records.system import Holding

MADE = ("sale", "label", "fulfilment", "capture", "refund", "void", "invoice", "credit note")
"""What people and processes make for an object, as `trace` calls it."""
GONE = ("cancelled", "canceled", "refunded", "refund requested", "failed", "error", "failure", "voided", "deleted")
"""States of what counts as not there."""


class Held(Record):
    """Something that a system holds for the reference."""

    connection: str
    holding: Holding


class Observed(Record):
    """One process: what it would have written, what held it, and what differs from what people did."""

    id: str
    reference: str
    status: str
    reason: str = ""
    unwritten: tuple[Unwritten, ...] = ()
    waits: tuple[Wait, ...] = ()
    differences: tuple[str, ...] = ()


def differences(unwritten: Sequence[Unwritten], found: Sequence[Held]) -> list[str]:
    """Where what people made is not what the process would have made, one a line."""
    there = [one for one in found if one.holding.kind in MADE and one.holding.state.lower() not in GONE]
    lines = [line for plan in unwritten if plan.holding for line in _compared(plan, there)]
    planned = {(plan.connection, plan.holding) for plan in unwritten}
    others = [one for one in there if (one.connection, one.holding.kind) not in planned and not one.holding.key]
    return [*lines, *(f"people made {_one(one.holding.kind)} at {one.connection}: {_told(one)}" for one in others)]


def _compared(plan: Unwritten, there: Sequence[Held]) -> Iterator[str]:
    made = [one for one in there if (one.connection, one.holding.kind) == (plan.connection, plan.holding)]
    if not made:
        yield f"people made no {plan.holding} at {plan.connection}"
    elif len(made) > 1:
        yield f"people made {len(made)} of {plan.holding} at {plan.connection}: {', '.join(map(_told, made))}"
    elif plan.amount and made[0].holding.amount and made[0].holding.amount != plan.amount:
        amounts = f"{made[0].holding.amount} instead of {plan.amount}"
        yield f"people made the {plan.holding} at {plan.connection} for {amounts}"


def _one(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _told(one: Held) -> str:
    return " ".join(filter(None, (one.holding.id, one.holding.state, one.holding.amount)))
