"""What the simulated shops sell and the simulated warehouses hold, before anybody changes it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Article:
    """One article. `price` includes tax, in the shop's currency; `stock` is what a new warehouse holds, in pieces.

    `hs_code` and `origin` are for customs.
    """

    sku: str
    title: str
    price: Decimal
    weight_grams: int
    hs_code: str
    origin: str
    stock: int = 100
    ships: bool = True


ARTICLES = {
    article.sku: article
    for article in (
        Article("MUG-BLUE", "Enamel mug, blue", Decimal("14.50"), 380, "732394", "PL"),
        Article("TEE-M", "Linen shirt, M", Decimal("32.00"), 240, "620520", "PT"),
        Article("LAMP-OAK", "Oak desk lamp", Decimal("89.00"), 2400, "940521", "GB", stock=20),
        Article("BOOK-TIDE", "The Tide Tables", Decimal("18.95"), 520, "490199", "GB"),
        Article("LAST-ONE", "Vase, one of a kind", Decimal("120.00"), 1500, "691310", "GB", stock=1),
        Article("GIFT-CARD", "Gift card", Decimal("25.00"), 0, "", "", stock=0, ships=False),
    )
}
