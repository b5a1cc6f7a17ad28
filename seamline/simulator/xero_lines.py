"""The lines of Xero's invoices and credit notes, and what they come to.

Unit amounts are rounded to 2 decimals unless the request asks for 4 (`unitdp=4`); a line's amount and its tax are each
rounded to cents, half away from zero, and added up. A TaxAmount that is given stands. Sources: Xero's published
OpenAPI, https://developer.xero.com/documentation/api/accounting/invoices
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from seamline.simulator.world import Body
from seamline.simulator.xero_answers import Invalid, cents, new_id, number, parts, text
from seamline.simulator.xero_books import ACCOUNTS, Setup

LINES_MAX = 1_000
LINE_AMOUNT_TYPES = ("Exclusive", "Inclusive", "NoTax")
_HUNDRED = Decimal(100)
_QUANTITY_STEP = Decimal("0.0001")


def read_lines(given: Body, setup: Setup, amount_types: str, decimals: int) -> list[Body]:
    """The document's lines as they are stored; Invalid says what is wrong with them."""
    lines = parts(given, "LineItems")
    if not lines or len(lines) > LINES_MAX:
        raise Invalid("One or more line items must be specified")
    return [_line(one, setup, amount_types, decimals) for one in lines]


def totals(lines: list[Body], amount_types: str) -> Body:
    """What the lines come to."""
    amounts = sum((Decimal(one["amount"]) for one in lines), Decimal(0))
    tax = sum((Decimal(one["tax_amount"]) for one in lines), Decimal(0))
    net = amounts - tax if amount_types == "Inclusive" else amounts
    discount = sum((Decimal(one["discount"]) for one in lines), Decimal(0))
    return {
        "subtotal": str(cents(net)),
        "tax": str(cents(tax)),
        "total": str(cents(net + tax)),
        "discount": str(cents(discount)),
    }


def must_be_complete(lines: list[Body], setup: Setup) -> None:
    """Raises Invalid where a line lacks what a posted document needs."""
    for one in lines:
        if one["description"] and not one["account_code"] and not Decimal(one["amount"]):
            continue  # a line of words only
        if not one["description"]:
            raise Invalid("Description must be specified for each line item")
        if not one["account_code"]:
            raise Invalid("Account code must be specified")
        if not one["tax_type"]:
            raise Invalid("Tax type must be specified")
        _must_be_known(one["account_code"], one["tax_type"], setup)


def view(line: Body) -> Body:
    """A line as Xero shows it."""
    shown: Body = {
        "LineItemID": line["id"],
        "Description": line["description"] or "",
        "Quantity": float(line["quantity"]),
        "UnitAmount": float(line["unit_amount"]),
        "TaxAmount": float(line["tax_amount"]),
        "LineAmount": float(line["amount"]),
        "Tracking": [],
        "ValidationErrors": [],
    }
    for name, field in (("AccountCode", "account_code"), ("TaxType", "tax_type"), ("ItemCode", "item_code")):
        if line[field]:
            shown[name] = line[field]
    if line["discount_rate"]:
        shown["DiscountRate"] = float(line["discount_rate"])
    elif Decimal(line["discount"]):
        shown["DiscountAmount"] = float(line["discount"])
    return shown


def _line(given: Body, setup: Setup, amount_types: str, decimals: int) -> Body:
    account, tax_type = text(given, "AccountCode", 10), text(given, "TaxType", 50)
    if tax_type is None and account:
        tax_type = "OUTPUT2" if account in ACCOUNTS and ACCOUNTS[account][2] == "REVENUE" else "NONE"
    _must_be_known(account, tax_type, setup)
    quantity = (_number(given, "Quantity", Decimal(1))).quantize(_QUANTITY_STEP, ROUND_HALF_UP)
    unit = _number(given, "UnitAmount", Decimal(0)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    gross = quantity * unit
    rate, off = number(given, "DiscountRate"), number(given, "DiscountAmount")
    if rate is not None and not 0 <= rate <= _HUNDRED:
        raise Invalid("DiscountRate must be between 0 and 100")
    discount = cents(gross * rate / _HUNDRED) if rate is not None else cents(off or Decimal(0))
    amount = cents(gross - discount)
    stated = number(given, "LineAmount")
    if stated is not None and cents(stated) != amount:
        raise Invalid(f"The line total {cents(stated)} does not match the expected line total {amount}")
    tax = number(given, "TaxAmount")
    return {
        "id": text(given, "LineItemID", 50) or new_id(),
        "description": text(given, "Description"),
        "quantity": str(quantity),
        "unit_amount": str(unit),
        "amount": str(amount),
        "account_code": account,
        "tax_type": "NONE" if amount_types == "NoTax" else tax_type,
        "tax_amount": str(_tax(amount, tax_type, setup, amount_types) if tax is None else cents(tax)),
        "item_code": text(given, "ItemCode", 30),
        "discount": str(discount),
        "discount_rate": None if rate is None else str(rate),
    }


def _tax(amount: Decimal, tax_type: str | None, setup: Setup, amount_types: str) -> Decimal:
    if amount_types == "NoTax" or not tax_type:
        return Decimal("0.00")
    rate = setup.tax_rates[tax_type].rate
    part = rate / (_HUNDRED + rate) if amount_types == "Inclusive" else rate / _HUNDRED
    return cents(amount * part)


def _must_be_known(account: str | None, tax_type: str | None, setup: Setup) -> None:
    if account and account not in ACCOUNTS:
        raise Invalid(f"Account code '{account}' is not a valid code for this document.")
    known = setup.tax_rates.get(tax_type) if tax_type else None
    if tax_type and (known is None or not known.active):
        raise Invalid(f"The TaxType code '{tax_type}' does not exist or cannot be used for this type of transaction.")


def _number(given: dict[str, Any], field: str, default: Decimal) -> Decimal:
    value = number(given, field)
    return default if value is None else value
