"""What the simulated shops sell and the simulated warehouses hold, before anybody changes it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Article:
    """One article. `price` includes tax, in the shop's currency; `stock` is what a new warehouse holds, in pieces."""

    sku: str
    title: str
    price: Decimal
    weight_grams: int
    stock: int = 100
    ships: bool = True


ARTICLES = {
    article.sku: article
    for article in (
        Article("MUG-BLUE", "Enamel mug, blue", Decimal("14.50"), 380),
        Article("TEE-M", "Linen shirt, M", Decimal("32.00"), 240),
        Article("LAMP-OAK", "Oak desk lamp", Decimal("89.00"), 2400, stock=20),
        Article("BOOK-TIDE", "The Tide Tables", Decimal("18.95"), 520),
        Article("LAST-ONE", "Vase, one of a kind", Decimal("120.00"), 1500, stock=1),
        Article("GIFT-CARD", "Gift card", Decimal("25.00"), 0, stock=0, ships=False),
    )
}
