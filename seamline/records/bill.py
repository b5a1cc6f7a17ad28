"""From a deal to what its invoice says: dates, lines, tax. Nothing of the amount is lost or added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

from seamline.errors import Problem
from seamline.records.base import Record
from seamline.records.billing import Billing, DateRule, TaxRounding
from seamline.records.calendar import DAYS_AHEAD_MAX
from seamline.records.cents import digits_of, from_cents, is_exact, percent_of, percent_of_sum, spread, to_cents
from seamline.records.customer import Customer
from seamline.records.deal import Deal, DealLine, Instalment
from seamline.records.invoice import InvoiceLine
from seamline.records.money import Currency, Money
from seamline.records.policy import Policy
from seamline.records.tax import TaxRule

AMOUNT_END = 1_000_000_000_000
_DESCRIPTION_LENGTH_MAX = 3900
_MAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_COUNTRY = re.compile(r"[A-Z]{2}")


class Bill(Record):
    """What an invoice is to say. `part` is the instalment's number, 0 for a whole deal; `terms` the policy's code."""

    part: int
    issued: date
    due: date
    terms: str
    currency: Currency
    lines: tuple[InvoiceLine, ...]
    net: Money
    tax: Money
    total: Money


def problems(deal: Deal, part: int, policy: Policy, today: date) -> list[Problem]:
    """Every reason why the deal, or this instalment of it, cannot be billed, each with its field and the remedy."""
    billing = policy.billing
    found = [
        *_entity_problems(deal, billing),
        *_amount_problems(deal, billing),
        *_date_problems(deal, billing),
        *_customer_problems(deal),
        *_line_problems(deal),
        *_tax_problems(deal, billing),
        *_part_problems(deal, part, today),
    ]
    if (deal.terms or billing.usual_terms(deal)) not in billing.terms:
        found.append(_wrong("terms", f"are not known; there are: {', '.join(billing.terms)}"))
    if deal.customer and deal.customer.purchase_order_required and not deal.purchase_order.strip():
        found.append(_wrong("purchase_order", "is missing, and the customer asks for one"))
    return found


def bill(deal: Deal, part: int, policy: Policy, today: date) -> Bill:
    """The bill for the whole deal (part 0) or an instalment. The deal has no `problems`."""
    billing = policy.billing
    instalment = next((one for one in deal.instalments if one.number == part), None)
    issued = billing.issue_date(deal, instalment.bill_on if instalment else None, today)
    terms = deal.terms or billing.usual_terms(deal)
    items = _instalment_items(deal, instalment, billing) if instalment else _whole(deal, billing)
    lines = tuple(_line(deal.currency, *one) for one in zip(items, _taxes(items, billing.tax_rounding), strict=True))
    net = Money.total((line.net for line in lines), deal.currency)
    tax = Money.total((line.tax for line in lines), deal.currency)
    return Bill(
        part=part,
        issued=issued,
        due=billing.terms[terms].due(issued, billing.calendar),
        terms=terms,
        currency=deal.currency,
        lines=lines,
        net=net,
        tax=tax,
        total=net + tax,
    )


# ---- the whole deal --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Item:
    """A line before its tax is known. `net` is in the smallest unit."""

    description: str
    net: int
    rule: TaxRule
    sku: str = ""
    quantity: Decimal = Decimal(1)
    unit_price: Money | None = None
    discount_percent: Decimal = Decimal(0)


def _whole(deal: Deal, billing: Billing) -> list[_Item]:
    return [_item(deal, line, _rule(deal, line, billing)) for line in deal.lines]


def _item(deal: Deal, line: DealLine, rule: TaxRule) -> _Item:
    """The line as it was sold, or as one piece where quantity, price and discount do not come to its total.

    They often do not: a CRM rounds the unit price. Accounting multiplies again, and would refuse the line.
    """
    net = to_cents(line.total.amount, deal.currency)
    description = line.description or line.sku or deal.name or deal.reference
    if _product(line, deal.currency) != net:
        told = f"{description[:_DESCRIPTION_LENGTH_MAX]} ({line.quantity.normalize():f} in all)"
        return _Item(description=told, net=net, rule=rule, sku=line.sku)
    return _Item(
        description=description,
        net=net,
        rule=rule,
        sku=line.sku,
        quantity=line.quantity,
        unit_price=line.unit_price,
        discount_percent=line.discount_percent,
    )


def _product(line: DealLine, currency: str) -> int:
    """What accounting makes of quantity, unit price and discount, half a unit rounded up."""
    price = Fraction(line.unit_price.amount) * (1 - Fraction(line.discount_percent) / 100)
    exact = Fraction(line.quantity) * price / Fraction(from_cents(1, currency))
    return floor(exact + Fraction(1, 2))


def _rule(deal: Deal, line: DealLine, billing: Billing) -> TaxRule:
    rule = billing.tax_of(deal, line.tax_category)
    if rule is None:
        raise ValueError(f"{deal.reference} has problems, and cannot be billed")
    return rule


# ---- an instalment ---------------------------------------------------------------------------------------------------


def _instalment_items(deal: Deal, wanted: Instalment, billing: Billing) -> list[_Item]:
    """One line for each tax rate, of whose part in the deal the instalment takes its share.

    Each takes its share of what the earlier ones left: so the instalments add up to the deal, in each rate too.
    """
    left = _by_rule(deal, billing)
    shares = [0] * len(left)
    ordered = sorted(deal.instalments, key=lambda one: one.number)
    for instalment in ordered:
        shares = spread(to_cents(instalment.amount.amount, deal.currency), list(left.values()))
        if instalment.number == wanted.number:
            break
        left = {rule: rest - share for (rule, rest), share in zip(left.items(), shares, strict=True)}
    title = f"Instalment {ordered.index(wanted) + 1} of {len(ordered)}: {deal.name or deal.reference}"
    kept = [(rule, share) for rule, share in zip(left, shares, strict=True) if share]
    return [_Item(description=title + _at(rule, kept), net=share, rule=rule) for rule, share in kept]


def _by_rule(deal: Deal, billing: Billing) -> dict[TaxRule, int]:
    sums: dict[TaxRule, int] = {}
    for line in deal.lines:
        rule = _rule(deal, line, billing)
        sums[rule] = sums.get(rule, 0) + to_cents(line.total.amount, deal.currency)
    return sums


def _at(rule: TaxRule, kept: Sequence[tuple[TaxRule, int]]) -> str:
    return f", what is taxed at {rule.percent:g} %" if len(kept) > 1 else ""


# ---- tax -------------------------------------------------------------------------------------------------------------


def _taxes(items: Sequence[_Item], rounding: TaxRounding) -> Iterable[int]:
    """The tax of each item, in the smallest unit."""
    if rounding is TaxRounding.LINE:
        return [percent_of(item.net, item.rule.percent) for item in items]
    taxes = [0] * len(items)
    for rate in {item.rule.percent for item in items}:
        places = [place for place, item in enumerate(items) if item.rule.percent == rate]
        shares = percent_of_sum([items[place].net for place in places], rate)
        for place, tax in zip(places, shares, strict=True):
            taxes[place] = tax
    return taxes


def _line(currency: str, item: _Item, tax: int) -> InvoiceLine:
    net = Money(amount=from_cents(item.net, currency), currency=currency)
    return InvoiceLine(
        description=item.description,
        sku=item.sku,
        quantity=item.quantity,
        unit_price=item.unit_price or net,
        discount_percent=item.discount_percent,
        tax_code=item.rule.code,
        net=net,
        tax=Money(amount=from_cents(tax, currency), currency=currency),
    )


# ---- what keeps it from being billed ---------------------------------------------------------------------------------


def _wrong(field: str, reason: str, remedy: str = "correct it in the CRM and retry, or amend it here") -> Problem:
    return Problem(field=field, reason=f"{reason}: {remedy}")


def _missing(field: str, reason: str = "is missing") -> Problem:
    return _wrong(field, reason, "set it in the CRM and retry, or amend it here")


def _entity_problems(deal: Deal, billing: Billing) -> list[Problem]:
    if deal.entity in billing.seller_countries and (not deal.entity or deal.entity in billing.entities):
        return []
    remedy = "correct it in the CRM and retry, or set policy.billing.entities and seller_countries and start anew"
    return [
        _wrong("entity", "is no legal entity that the policy has an accounting connection and a country for", remedy)
    ]


def _amount_problems(deal: Deal, billing: Billing) -> list[Problem]:
    found = []
    if deal.currency not in billing.currencies:
        found.append(_wrong("currency", f"is not billed in; there are: {', '.join(billing.currencies)}"))
    if deal.amount.amount <= 0:
        found.append(_wrong("amount", "is not above zero, so there is nothing to bill"))
    return found + _money_problems("amount", deal.amount, deal.currency)


def _money_problems(field: str, money: Money, currency: str) -> list[Problem]:
    if money.currency != currency:
        return [_wrong(field, "is not in the deal's currency")]
    if abs(money.amount) >= AMOUNT_END:
        return [_wrong(field, f"is not below {AMOUNT_END:,}")]
    if not is_exact(money.amount, currency):
        return [_wrong(field, f"has more than the {digits_of(currency)} digits after the point that {currency} has")]
    return []


def _date_problems(deal: Deal, billing: Billing) -> list[Problem]:
    found = [] if deal.close_date else [_missing("close_date")]
    if billing.invoice_date is DateRule.DELIVERY_DATE and not deal.delivery_date:
        found.append(_missing("delivery_date", "is missing, and invoices bear it"))
    return found


def _customer_problems(deal: Deal) -> list[Problem]:
    contact = deal.contact
    found = []
    if contact is None:
        found.append(_missing("contact"))
    elif not _MAIL.fullmatch(contact.email):
        found.append(_missing("contact.email", "is no mail address" if contact.email else "is missing"))
    if deal.customer is None:
        return [_missing("customer"), *found]
    if not deal.customer.name.strip():
        found.append(_missing("customer.name"))
    if not _COUNTRY.fullmatch(deal.customer.address.country):
        found.append(_missing("customer.address.country", "must be a two-letter country code"))
    return found


def _line_problems(deal: Deal) -> list[Problem]:
    if not deal.lines:
        return [_missing("lines", "are missing")]
    found = []
    for place, line in enumerate(deal.lines):
        found += _one_line_problems(f"lines.{place}", line, deal.currency)
    total = sum(line.total.amount for line in deal.lines)
    if total != deal.amount.amount:
        found.append(_wrong("lines", f"add up to {total:f}, and the deal's amount is {deal.amount.amount:f}"))
    return found


def _one_line_problems(where: str, line: DealLine, currency: str) -> list[Problem]:
    found = _money_problems(f"{where}.total", line.total, currency)
    if line.quantity <= 0:
        found.append(_wrong(f"{where}.quantity", "is not above zero"))
    if line.unit_price.amount < 0:
        found.append(_wrong(f"{where}.unit_price", "is below zero"))
    if line.unit_price.currency != currency:
        found.append(_wrong(f"{where}.unit_price", "is not in the deal's currency"))
    if not 0 <= line.discount_percent <= 100:
        found.append(_wrong(f"{where}.discount_percent", "is not between 0 and 100"))
    if line.total.amount < 0:
        found.append(_wrong(f"{where}.total", "is below zero"))
    return found


def _tax_problems(deal: Deal, billing: Billing) -> list[Problem]:
    """What tax cannot be decided. Where entity or country is wrong, that is told alone."""
    seller = billing.seller_countries.get(deal.entity)
    customer = deal.customer
    if seller is None or customer is None or not _COUNTRY.fullmatch(customer.address.country):
        return []
    found = []
    if seller == customer.address.country and customer.tax_id and seller in billing.e_invoicing_countries:
        reason = f"asks for an e-invoice from a seller in {seller}, which is not made here"
        found.append(_wrong("customer.address.country", reason, "bill the deal by hand, then cancel"))
    undecided = {
        line.tax_category: place
        for place, line in reversed(list(enumerate(deal.lines)))
        if billing.tax_of(deal, line.tax_category) is None
    }
    return found + [_untaxed(place, seller, customer) for place in sorted(undecided.values())]


def _untaxed(place: int, seller: str, customer: Customer) -> Problem:
    kind = "with a tax id" if customer.tax_id else "without a tax id"
    reason = f"has no tax rule for a seller in {seller} and a customer {kind} in {customer.address.country}"
    remedy = "correct line or customer in the CRM and retry, or set policy.billing.tax_rules and start anew"
    return _wrong(f"lines.{place}.tax_category", reason, remedy)


def _part_problems(deal: Deal, part: int, today: date) -> list[Problem]:
    if not deal.instalments:
        return [_missing("instalments", f"have no number {part}")] if part else []
    numbers = [one.number for one in deal.instalments]
    found = [_missing("instalments", f"have no number {part}")] if part and part not in numbers else []
    for place, one in enumerate(deal.instalments):
        found += _instalment_problems(f"instalments.{place}", one, deal.currency, today)
        if numbers.index(one.number) != place:
            found.append(_wrong(f"instalments.{place}.number", "is used twice"))
    total = sum(one.amount.amount for one in deal.instalments)
    if total != deal.amount.amount:
        found.append(_wrong("instalments", f"add up to {total:f}, and the deal's amount is {deal.amount.amount:f}"))
    return found


def _instalment_problems(where: str, one: Instalment, currency: str, today: date) -> list[Problem]:
    found = _money_problems(f"{where}.amount", one.amount, currency)
    if one.amount.amount <= 0:
        found.append(_wrong(f"{where}.amount", "is not above zero"))
    if (one.bill_on - today).days > DAYS_AHEAD_MAX:
        found.append(_wrong(f"{where}.bill_on", "is more than ten years ahead"))
    return found
