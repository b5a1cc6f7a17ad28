"""Orders as a shop would send them, thousands of kinds, and what can be broken about them.

The money is counted here in whole cents, line by line as a checkout does it, and not by the rule that is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

from seamline.records.address import Address
from seamline.records.cents import digits_of, spread
from seamline.records.money import Money
from seamline.records.order import Order, Payment
from seamline.records.payment import PaymentMode
from seamline.systems.shopify import mapping, wire

REFERENCE = "shop-uk:5001"
NOW = datetime(2026, 11, 22, 10, 50, tzinfo=UTC)
CURRENCIES = ("GBP", "EUR", "USD", "JPY", "KWD")
MODES = tuple(PaymentMode)
STATUSES = {
    PaymentMode.PAID: ("PAID", "PARTIALLY_REFUNDED", "AUTHORIZED", "PENDING", "PARTIALLY_PAID"),
    PaymentMode.OURS: ("PAID", "AUTHORIZED", "PARTIALLY_PAID"),
    PaymentMode.ON_FULFILMENT: ("AUTHORIZED", "PAID"),
    PaymentMode.TERMS: ("PENDING", "PAID", "PARTIALLY_PAID"),
}


@dataclass(frozen=True)
class Sold:
    """A line as it was sold, in cents: what it costs after its discounts, and the tax in it or on it."""

    price: int
    quantity: int
    net: int
    tax: int
    ships: bool
    gift_card: bool
    bundle: bool = False


class Checkout:
    """One customer's order, by the dice."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.currency = dice.choice(CURRENCIES)
        self.presented = dice.choice((self.currency, *CURRENCIES))
        self.rate = Decimal(1) if self.presented == self.currency else Decimal(dice.randint(50, 300)) / 100
        self.included = dice.random() < 0.5
        self.percent = dice.choice((0, 5, 7, 19, 20))
        self.duties_included = dice.random() < 0.1
        self.lines = [*self._sold(), *self._bundle(), *self._gift_card()]
        self.discount_on_order()
        self.shipping = dice.choice((0, 495, dice.randint(1, 9999)))
        self.duties = dice.randint(1, 5000) if dice.random() < 0.2 else 0
        self.fees = dice.randint(1, 500) if dice.random() < 0.1 else 0
        self.tips = dice.randint(1, 2000) if dice.random() < 0.1 else 0
        self.refunded_beyond = dice.randint(1, 100) if dice.random() < 0.1 else 0
        self.mode = dice.choice(MODES)
        self.status = dice.choice(STATUSES[self.mode])

    def _sold(self) -> list[Sold]:
        return [
            self._line(self.dice.randint(0, 20_000), self.dice.randint(1, 5), ships=self.dice.random() < 0.9)
            for _ in range(self.dice.randint(1, 4))
        ]

    def _bundle(self) -> list[Sold]:
        """One price shared by three articles, each rounded: two of the first, so that a cent can be missing."""
        if self.dice.random() > 0.2:
            return []
        whole = self.dice.randint(100, 10_000)
        shares = spread(whole, (2, 1, 1))
        return [
            Sold(share // count, count, share, self._tax(share), ships=True, gift_card=False, bundle=True)
            for share, count in zip(shares, (2, 1, 1), strict=True)
        ]

    def _gift_card(self) -> list[Sold]:
        return [Sold(2500, 1, 2500, 0, ships=False, gift_card=True)] if self.dice.random() < 0.1 else []

    def _line(self, price: int, quantity: int, *, ships: bool) -> Sold:
        gross = price * quantity
        off = self.dice.randint(0, gross) if self.dice.random() < 0.3 else 0
        return Sold(price, quantity, gross - off, self._tax(gross - off), ships=ships, gift_card=False)

    def _tax(self, cents: int) -> int:
        part = cents * self.percent // (100 + self.percent) if self.included else cents * self.percent // 100
        return part + self.dice.choice((0, 1)) if part else part

    def discount_on_order(self) -> None:
        """A code for the whole order, shared by its lines as a checkout does it."""
        if self.dice.random() > 0.3 or not sum(line.net for line in self.lines):
            return
        whole = sum(line.net for line in self.lines)
        shares = spread(self.dice.randint(0, whole), [line.net for line in self.lines])
        self.lines = [
            Sold(one.price, one.quantity, one.net - off, self._tax(one.net - off), one.ships, one.gift_card, one.bundle)
            for one, off in zip(self.lines, shares, strict=True)
        ]

    @property
    def tax(self) -> int:
        """Of all lines, and of shipping."""
        return sum(line.tax for line in self.lines) + self._shipping_tax

    @property
    def _shipping_tax(self) -> int:
        return self.shipping * self.percent // (100 + self.percent if self.included else 100)

    @property
    def total(self) -> int:
        """What the customer is charged: counted up as on a till."""
        due = 0
        for line in self.lines:
            due += line.net
            due += 0 if self.included else line.tax
        due += self.shipping + self.tips + self.fees
        due += 0 if self.included else self._shipping_tax
        due += 0 if self.duties_included else self.duties
        return max(due, 0)

    def bag(self, cents: int) -> dict[str, Any]:
        """An amount as Shopify writes it, in both currencies."""
        amount = Decimal(cents).scaleb(-digits_of(self.currency))
        shown = round(amount * self.rate, digits_of(self.presented))
        return {
            "shopMoney": {"amount": str(amount), "currencyCode": self.currency},
            "presentmentMoney": {"amount": str(shown), "currencyCode": self.presented},
        }

    def answer(self) -> dict[str, Any]:
        """What Shopify answers."""
        lines = [self._shown(number, line) for number, line in enumerate(self.lines)]
        subtotal = sum(line.net for line in self.lines)
        in_total = self.dice.random() < 0.5
        total = self.total - (self.refunded_beyond if in_total else 0)
        if total < 0:
            total, self.refunded_beyond = self.total, 0
        return {
            "id": "gid://shopify/Order/5001",
            "name": "#5001",
            "createdAt": "2026-11-20T08:00:00Z",
            "currencyCode": self.currency,
            "presentmentCurrencyCode": self.presented,
            "displayFinancialStatus": self.status,
            "test": False,
            "taxesIncluded": self.included,
            "dutiesIncluded": self.duties_included,
            "shippingLine": {"code": "standard", "title": "Standard"},
            "shippingAddress": {
                "name": "Jo Fielding",
                "address1": "12 Mill Lane",
                "city": "Cambridge",
                "zip": "CB2 1RX",
                "countryCodeV2": "GB",
            },
            "currentSubtotalPriceSet": self.bag(subtotal),
            "currentShippingPriceSet": self.bag(self.shipping),
            "currentTotalDutiesSet": self.bag(self.duties) if self.duties else None,
            "currentTotalAdditionalFeesSet": self.bag(self.fees) if self.fees else None,
            "currentTotalTaxSet": self.bag(self.tax),
            "currentTotalPriceSet": self.bag(total),
            "refundDiscrepancySet": self.bag(-self.refunded_beyond),
            "totalTipReceivedSet": self.bag(self.tips),
            "paymentTerms": {"id": "gid://shopify/PaymentTerms/1"} if self.mode is PaymentMode.TERMS else None,
            "transactions": self._transactions(total),
            "lineItems": {"nodes": lines},
            "fulfillmentOrders": {"nodes": [self._part()]},
        }

    def _shown(self, number: int, line: Sold) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/LineItem/{number}",
            "sku": f"SKU-{number}",
            "title": "Article",
            "currentQuantity": line.quantity,
            "requiresShipping": line.ships,
            "isGiftCard": line.gift_card,
            "originalUnitPriceSet": self.bag(line.price),
        }

    def _part(self) -> dict[str, Any]:
        return {
            "id": "gid://shopify/FulfillmentOrder/1",
            "status": "OPEN",
            "assignedLocation": {"name": "Main warehouse"},
            "deliveryMethod": {"methodType": "SHIPPING"},
            "lineItems": {
                "nodes": [
                    {
                        "id": f"gid://shopify/FulfillmentOrderLineItem/{number}",
                        "sku": f"SKU-{number}",
                        "remainingQuantity": line.quantity,
                        "requiresShipping": line.ships,
                        "lineItem": {"id": f"gid://shopify/LineItem/{number}", "isGiftCard": line.gift_card},
                    }
                    for number, line in self._left()
                ]
            },
        }

    def _left(self) -> list[tuple[int, Sold]]:
        """What is not fulfilled yet: the first line that ships, and at times the others."""
        ships = [(number, line) for number, line in enumerate(self.lines) if line.ships]
        return ships if self.dice.random() < 0.2 else ships[:1]

    def _transactions(self, total: int) -> list[dict[str, Any]]:
        """A gift card pays a part, at times; the rest is as the status says."""
        part = total // 3 if self.status == "PARTIALLY_PAID" or self.dice.random() < 0.2 else 0
        paid = [self._moved("1", "SALE", "gift_card", self.bag(part))] if part else []
        whole, first = self.bag(total), self.bag(part)
        left = Decimal(whole["presentmentMoney"]["amount"]) - Decimal(first["presentmentMoney"]["amount"])
        rest = {"presentmentMoney": {"amount": str(left), "currencyCode": self.presented}}
        if self.status in ("AUTHORIZED", "PARTIALLY_PAID") and self.mode is not PaymentMode.TERMS:
            return [*paid, self._moved("2", "AUTHORIZATION", "card", rest)]
        return [*paid, self._moved("2", "SALE", "card", rest)] if self.status.startswith(("PAID", "PART")) else paid

    def _moved(self, number: str, kind: str, gateway: str, amount: dict[str, Any]) -> dict[str, Any]:
        identity = f"gid://shopify/OrderTransaction/{number}"
        return {"id": identity, "kind": kind, "status": "SUCCESS", "gateway": gateway, "amountSet": amount}


def order_of(checkout: Checkout) -> Order:
    """What our adapter reads of it."""
    return mapping.order(REFERENCE, wire.Order.model_validate(checkout.answer()), "", checkout.mode)


@dataclass(frozen=True)
class Break:
    """One rule broken: the field that must be named, and how."""

    field: str
    change: Callable[[Order], Order]


def breaks(order: Order, dice: Random) -> list[Break]:
    """One of the ways to break the money, and some to break the rest, each on its own."""
    some = [*_lines(order, dice), *_parts(order, dice), *_address(dice), *_payment(dice)]
    return [dice.choice(_money(order)), *dice.sample(some, dice.randint(0, 2))]


def _money(order: Order) -> list[Break]:
    cent = Money(amount=Decimal(1).scaleb(-digits_of(order.currency)), currency=order.currency)
    less = cent * -1
    found = [Break("totals.total", _totals("total", cent)), Break("totals.shipping", _is("shipping", less))]
    found += [Break("totals.total", _totals(name, cent)) for name in ("shipping", "duties", "fees", "tips")]
    found += [Break(f"totals.{name}", _is(name, less)) for name in ("duties", "fees", "tips", "taxes", "total")]
    found += [Break("totals.lines", _totals("lines", cent))]
    found += [Break("totals.discounts", _is("discounts", order.totals.lines + cent))]
    found += [Break("totals", _is(name, Money(amount=Decimal(1), currency="CHF"))) for name in ("total", "lines")]
    return found if order.totals.taxes_included else [*found, Break("totals.total", _totals("taxes", cent))]


def _totals(name: str, more: Money) -> Callable[[Order], Order]:
    return lambda order: _with(order, name, getattr(order.totals, name) + more)


def _is(name: str, amount: Money) -> Callable[[Order], Order]:
    return lambda order: _with(order, name, amount)


def _with(order: Order, name: str, amount: Money) -> Order:
    return order.model_copy(update={"totals": order.totals.model_copy(update={name: amount})})


def _lines(order: Order, dice: Random) -> list[Break]:
    place = dice.randrange(len(order.lines))
    price = order.lines[place].unit_price

    def changed(**update: Any) -> Callable[[Order], Order]:
        def change(one: Order) -> Order:
            lines = list(one.lines)
            lines[place] = lines[place].model_copy(update=update)
            return one.model_copy(update={"lines": tuple(lines)})

        return change

    return [
        Break(f"lines.{place}.quantity", changed(quantity=-1)),
        Break(f"lines.{place}.unit_price", changed(unit_price=price * 0 - Money(amount=1, currency=price.currency))),
        Break(f"lines.{place}.unit_price", changed(unit_price=Money(amount=1, currency="CHF"))),
    ]


def _parts(order: Order, dice: Random) -> list[Break]:
    (part,) = order.fulfilment_orders
    place = dice.randrange(len(part.lines))

    def changed(**update: Any) -> Callable[[Order], Order]:
        def change(one: Order) -> Order:
            (given,) = one.fulfilment_orders
            lines = list(given.lines)
            lines[place] = lines[place].model_copy(update=update)
            return one.model_copy(update={"fulfilment_orders": (given.model_copy(update={"lines": tuple(lines)}),)})

        return change

    where = f"fulfilment_orders.0.lines.{place}"
    return [
        Break(f"{where}.quantity", changed(quantity=0)),
        Break(f"{where}.sku", changed(sku="")),
        Break(f"{where}.order_line_id", changed(order_line_id="999")),
    ]


def _address(dice: Random) -> list[Break]:
    missing = dice.choice(("street1", "city", "name", "country"))

    def change(order: Order) -> Order:
        return order.model_copy(update={"address": (order.address or Address()).model_copy(update={missing: ""})})

    gone = Break("address", lambda order: order.model_copy(update={"address": None}))
    return [dice.choice((Break(f"address.{missing}", change), gone))]


def _payment(dice: Random) -> list[Break]:
    def expired(order: Order) -> Order:
        return order.model_copy(update={"payment": Payment.EXPIRED})

    def uncovered(order: Order) -> Order:
        return order.model_copy(
            update={"payment": Payment.AUTHORIZED, "payment_mode": PaymentMode.OURS, "authorization": None}
        )

    return [dice.choice((Break("payment", expired), Break("authorization", uncovered)))]
