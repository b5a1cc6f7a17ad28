"""The customers' money in the ledger: what was captured, by whom, and what went back.

What staff or the shop itself do ends in `-by-hand` or `-by-shop`. It is no effect of a process, but it counts: money
that staff captured is there, and money that they gave back is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from seamline.simulator.checker_ledger import Effect, Finding
from seamline.simulator.checker_remedies import is_for_goods, is_of_cancelled_goods

_OURS = ("capture", "refund-payment", "request-payment-refund", "payment-refund-rejected")
_OTHERS = ("-by-hand", "-by-shop")


class Authorization(BaseModel):
    """Money that a customer let be kept for an order. `totals` are all that the order has ever cost."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    reference: str
    amount: Decimal
    sold: Decimal
    """What was paid for the order by other means."""
    currency: str
    totals: tuple[Decimal, ...]


class _Capture:
    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        self.back = Decimal(0)
        """What we gave back."""
        self.back_by_others = Decimal(0)
        self.asked = Decimal(0)
        """What we asked to be given back and is on its way."""

    @property
    def amount(self) -> Decimal:
        return self.effect.amount or Decimal(0)

    @property
    def left(self) -> Decimal:
        """What the customer has not got back."""
        return self.amount - self.back - self.back_by_others - self.asked


def is_about_payment(effect: Effect) -> bool:
    """Whether an entry of the ledger is about a customer's payment."""
    return effect.operation in _OURS or is_by_others(effect)


def is_by_others(effect: Effect) -> bool:
    """Whether staff or the shop itself did it."""
    return effect.operation.endswith(_OTHERS)


class Payments:
    """All captures and what became of them."""

    def __init__(self, effects: Iterable[Effect]) -> None:
        self.findings: list[Finding] = []
        self._captures: dict[tuple[str, str], _Capture] = {}
        for effect in sorted(effects, key=lambda effect: effect.id):
            if effect.operation.startswith("capture"):
                self._captures[effect.connection, effect.object_id] = _Capture(effect)
            elif is_about_payment(effect):
                self._give_back(effect)
        for one in self._captures.values():
            if one.left < 0:
                self._find(one.effect, "over-refunded", f"{-one.left} more than was captured by {one.effect.object_id}")
        standing = Counter(one.effect.reference for one in self._captures.values() if one.left > 0)
        for reference, count in standing.items():
            if count > 1:
                self.findings.append(Finding(reference=reference, rule="twice", detail=f"{count} live captures"))

    def live(self) -> Iterator[Effect]:
        """Our captures of which the customer has not got all back."""
        return (one.effect for one in self._captures.values() if one.left > 0 and not is_by_others(one.effect))

    def pending(self) -> Iterator[Effect]:
        """Captures with a refund under way; the amount is what is under way."""
        for one in self._captures.values():
            if one.asked:
                yield one.effect.model_copy(update={"amount": one.asked})

    def uncollected(self, order: Authorization) -> Iterator[Finding]:
        """What is wrong with the money of a completed order that was authorised: it is captured, once, in full."""
        taken = sum((one.amount - one.back for one in self._captures.values() if _of(one, order)), Decimal(0))
        if taken + order.sold not in order.totals:
            owed = f"{order.totals[-1] - order.sold} {order.currency}"
            detail = f"completed with {taken} captured where {owed} was owed"
            yield Finding(reference=order.reference, rule="money", detail=detail)

    def _give_back(self, effect: Effect) -> None:
        capture = self._captures.get((effect.connection, effect.undoes or ""))
        amount = effect.amount or Decimal(0)
        if capture is None:
            # What staff and the shop give back of a plain sale is no business of ours; for goods there are other rules.
            if not (is_by_others(effect) or is_for_goods(effect) or is_of_cancelled_goods(effect)):
                self._find(effect, "undone-nothing", f"{effect.operation} of {effect.undoes}, which was never captured")
        elif is_by_others(effect):
            capture.back_by_others += amount
        elif effect.operation == "request-payment-refund":
            capture.asked += amount
        elif effect.operation == "payment-refund-rejected":
            capture.asked -= amount
        else:
            capture.asked -= min(amount, capture.asked)
            capture.back += amount

    def _find(self, effect: Effect, rule: str, detail: str) -> None:
        self.findings.append(Finding(reference=effect.reference, rule=rule, detail=detail))


def _of(capture: _Capture, order: Authorization) -> bool:
    return capture.effect.reference == order.reference
