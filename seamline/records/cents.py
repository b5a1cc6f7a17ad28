"""Money counted in the smallest unit of its currency: whole numbers, in which nothing is lost."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI"), 0),
    **dict.fromkeys(("VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def digits_of(currency: str) -> int:
    """How many digits follow the point: 2 but for those that ISO 4217 lists with others."""
    return _DIGITS.get(currency, 2)


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether the amount can be paid: it has no fraction of the smallest unit."""
    return amount.scaleb(digits_of(currency)) % 1 == 0


def to_cents(amount: Decimal, currency: str) -> int:
    """An exact amount in the smallest unit."""
    return int(amount.scaleb(digits_of(currency)))


def from_cents(cents: int, currency: str) -> Decimal:
    """The amount again, with the currency's digits."""
    return Decimal(cents).scaleb(-digits_of(currency))


def percent_of(cents: int, percent: Decimal) -> int:
    """So many per cent of it, half a unit rounded up."""
    return (cents * int(percent.scaleb(4)) + 500_000) // 1_000_000


def spread(cents: int, weights: Sequence[int]) -> list[int]:
    """Divide it in proportion to the weights, none of them negative, so that the parts add up to it exactly.

    What rounding down leaves over goes to the largest remainders, the first where they are equal. No part exceeds its
    weight where the whole does not exceed their sum.
    """
    whole = sum(weights)
    if not whole:
        return [cents, *[0] * (len(weights) - 1)]
    parts = [cents * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda place: -(cents * weights[place] % whole))
    for place in by_remainder[: cents - sum(parts)]:
        parts[place] += 1
    return parts
