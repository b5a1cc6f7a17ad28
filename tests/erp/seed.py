"""Fills a new Tryton database with what the simulated one holds. Runs in Tryton's own environment.

`python seed.py DATABASE` reads what to make as JSON on its standard input.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

from proteus import Model, config
from trytond.modules.account.tests.tools import create_chart, create_tax, get_accounts
from trytond.modules.company.tests.tools import create_company
from trytond.modules.currency.tests.tools import get_currency

GROUPS = ("Sales", "Stock", "Party Administration")
"""The groups of the user that the adapter acts as."""


def main() -> None:
    """Seed the database."""
    wanted = json.load(sys.stdin)
    config.set_trytond(sys.argv[1])
    places(wanted["countries"], wanted["subdivisions"])
    currencies(wanted["currencies"])
    company(wanted["company"])
    create_chart()
    articles(wanted["articles"])
    applications(wanted["keys"], wanted["ours"])


def places(countries: dict[str, str], subdivisions: dict[str, str]) -> None:
    """Countries and their parts."""
    Country, Subdivision = Model.get("country.country"), Model.get("country.subdivision")
    made = {code: Country(code=code, name=name) for code, name in countries.items()}
    Country.save(list(made.values()))
    parts = [Subdivision(code=code, name=name, country=made[code[:2]]) for code, name in subdivisions.items()]
    for one in parts:
        one.type = "state"
    Subdivision.save(parts)


def currencies(names: dict[str, str]) -> None:
    """Currencies, which Tryton's own tool makes with their digits."""
    Currency = Model.get("currency.currency")
    for code, name in names.items():
        if not Currency.find([("code", "=", code)]):
            digits = 0 if code == "JPY" else 2
            Currency(name=name, code=code, symbol=code, digits=digits, rounding=Decimal(1).scaleb(-digits)).save()


def company(name: str) -> None:
    """The company that sells, in GBP."""
    party = Model.get("party.party")(name=name, code="OWN")
    party.save()
    create_company(party, get_currency("GBP"))


def articles(wanted: list[dict[str, Any]]) -> None:
    """Articles that can be sold, and what the shelf holds of them."""
    category = _category()
    unit, gram = _unit("Unit"), _unit("Gram")
    Template, Inventory = Model.get("product.template"), Model.get("stock.inventory")
    (storage,) = Model.get("stock.location").find([("code", "=", "STO")])
    count = Inventory(location=storage)
    for one in wanted:
        template = Template(name=one["title"], type="goods" if one["ships"] else "service", default_uom=unit)
        template.salable, template.list_price, template.account_category = True, Decimal(one["price"]), category
        (product,) = template.products
        product.suffix_code = one["sku"]
        if one["ships"]:
            template.weight, template.weight_uom = float(one["weight_grams"]), gram
        template.save()
        if one["stock"]:
            line = count.lines.new(product=template.products[0])
            line.quantity = float(one["stock"])
    count.click("confirm")


def applications(keys: dict[str, str], ours: str) -> None:
    """The users: one that the adapter acts as, and one that may do all, for what people do by hand."""
    User, Group, Application = (Model.get(f"res.{one}") for one in ("user", "group", "user.application"))
    for login, key in keys.items():
        user = User(name=login, login=login)
        user.groups.extend(Group.find([("name", "in", GROUPS)] if login == ours else []))
        user.companies.extend(Model.get("company.company").find())
        user.company = user.companies[0]
        user.save()
        Application(user=user, application="rest", key=key).save()


def _category() -> Any:
    accounts = get_accounts()
    category = Model.get("product.category")(name="Goods", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    tax = create_tax(Decimal("0.2"))
    tax.save()
    category.customer_taxes.append(tax)
    category.save()
    return category


def _unit(name: str) -> Any:
    (found,) = Model.get("product.uom").find([("name", "=", name)])
    return found


main()
