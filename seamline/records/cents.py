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

_WHOLE = 1_000_000


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
    return (cents * _millionths(percent) + _WHOLE // 2) // _WHOLE


def percent_of_sum(cents: Sequence[int], percent: Decimal) -> list[int]:
    """So many per cent of the sum, rounded once, in parts for each: none is a unit or more from its exact part."""
    return _shared(percent_of(sum(cents), percent), [one * _millionths(percent) for one in cents], _WHOLE)


def spread(cents: int, weights: Sequence[int]) -> list[int]:
    """Divide it in proportion to the weights, which are not negative and not all zero. No part exceeds its weight
    where the whole does not exceed their sum.
    """
    return _shared(cents, [cents * weight for weight in weights], sum(weights))


def _shared(cents: int, numerators: Sequence[int], denominator: int) -> list[int]:
    """Whole parts, as near to the fractions as adding up exactly allows.

    What rounding down leaves over goes to the largest remainders, the first where they are equal.
    """
    parts = [numerator // denominator for numerator in numerators]
    by_remainder = sorted(range(len(parts)), key=lambda place: -(numerators[place] % denominator))
    for place in by_remainder[: cents - sum(parts)]:
        parts[place] += 1
    return parts


def _millionths(percent: Decimal) -> int:
    return int(percent.scaleb(4))
