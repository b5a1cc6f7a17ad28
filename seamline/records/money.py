"""Amounts of money."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from seamline.records.base import Record
from seamline.records.cents import digits_of

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]


class Money(Record):
    """An exact amount in one currency. Adding or comparing two currencies is a bug and raises ValueError."""

    amount: Decimal = Field(max_digits=18, decimal_places=4, allow_inf_nan=False)
    currency: Currency

    def __add__(self, other: Money) -> Money:
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(amount=self.amount * count, currency=self.currency)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __str__(self) -> str:
        return f"{self.amount:.{digits_of(self.currency)}f} {self.currency}"

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")
        return other.amount

    @staticmethod
    def total(parts: Iterable[Money], currency: str) -> Money:
        """The sum of `parts`, zero when there are none."""
        return sum(parts, Money(amount=Decimal(0), currency=currency))
