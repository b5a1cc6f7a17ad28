"""What a new simulated ERP holds: a company, a warehouse, countries, currencies, and the seeded articles with stock."""

from __future__ import annotations

import uuid
from typing import Any

from seamline.simulator.goods import ARTICLES
from seamline.simulator.tryton_models import Values
from seamline.simulator.tryton_records import Records

_SEEDED = "tryton-seed"
_MARK = {"id": "1", "run": uuid.uuid4().hex}
"""Of this run: a state that an older release left may lack what was added since, so each run looks once."""
COMPANY = "Seaside Goods"
COUNTRIES = {
    "GB": "United Kingdom", "IE": "Ireland", "DE": "Germany", "FR": "France", "NL": "Netherlands", "BE": "Belgium",
    "LU": "Luxembourg", "AT": "Austria", "CH": "Switzerland", "IT": "Italy", "ES": "Spain", "PT": "Portugal",
    "DK": "Denmark", "SE": "Sweden", "NO": "Norway", "FI": "Finland", "IS": "Iceland", "PL": "Poland",
    "CZ": "Czechia", "SK": "Slovakia", "HU": "Hungary", "RO": "Romania", "BG": "Bulgaria", "GR": "Greece",
    "HR": "Croatia", "SI": "Slovenia", "EE": "Estonia", "LV": "Latvia", "LT": "Lithuania", "MT": "Malta",
    "CY": "Cyprus", "US": "United States", "CA": "Canada", "MX": "Mexico", "BR": "Brazil", "AU": "Australia",
    "NZ": "New Zealand", "JP": "Japan", "KR": "South Korea", "SG": "Singapore", "IN": "India", "ZA": "South Africa",
}  # fmt: skip
CURRENCIES = {
    "GBP": "Pound Sterling", "EUR": "Euro", "USD": "US Dollar", "CHF": "Swiss Franc", "SEK": "Swedish Krona",
    "NOK": "Norwegian Krone", "DKK": "Danish Krone", "PLN": "Zloty", "CAD": "Canadian Dollar",
    "AUD": "Australian Dollar", "JPY": "Yen",
}  # fmt: skip
SUBDIVISIONS = {
    "GB-ENG": "England", "GB-SCT": "Scotland", "GB-WLS": "Wales", "GB-NIR": "Northern Ireland", "DE-BE": "Berlin",
    "DE-BY": "Bavaria", "US-CA": "California", "US-NY": "New York", "US-TX": "Texas", "CA-ON": "Ontario",
}  # fmt: skip
UNITS = {"u": "Unit", "kg": "Kilogram"}
CATEGORY = "Goods"


def seed(records: Records) -> None:
    """Fill a connection on a run's first use with what is missing. Company 1 trades in GBP from one warehouse."""
    world, connection = records.world, records.connection
    if world.get(connection, _SEEDED, "1") == _MARK:
        return
    with world.transaction():
        world.put(connection, _SEEDED, "1", _MARK)
        countries = {
            code: _there(records, "country.country", "code", code, name=name) for code, name in COUNTRIES.items()
        }
        for code, name in SUBDIVISIONS.items():
            _there(records, "country.subdivision", "code", code, name=name, country=countries[code[:2]]["id"])
        currencies = {
            code: _there(records, "currency.currency", "code", code, name=name) for code, name in CURRENCIES.items()
        }
        party = _there(records, "party.party", "code", "OWN", name=COMPANY)
        _there(records, "company.company", "party", party["id"], currency=currencies["GBP"]["id"])
        for symbol, name in UNITS.items():
            _there(records, "product.uom", "symbol", symbol, name=name)
        _there(records, "account.tax", "name", "VAT 20 %", rate="0.2")
        _there(records, "product.category", "name", CATEGORY)
        _warehouse(records)
        known = world.stock(connection)
        missing = {article.sku: article.stock for article in ARTICLES.values() if article.sku not in known}
        world.set_stock(connection, missing)


def add_missing_products(records: Records) -> None:
    """Give every sku that has stock a product, since stock can be set for any sku at any time."""
    known = {product["code"]: product for product in records.find("product.product")}
    (unit,) = (one["id"] for one in records.find("product.uom", symbol="u"))
    (category,) = (one["id"] for one in records.find("product.category", name=CATEGORY))
    for product in known.values():
        if product.get("account_category") is None:  # as an older release left it
            records.set("product.product", product, account_category=category)
    for sku in records.world.stock(records.connection):
        if sku in known:
            continue
        article = ARTICLES.get(sku)
        records.add(
            "product.product",
            code=sku,
            name=article.title if article else sku,
            list_price=str(article.price) if article else "10.00",
            default_uom=unit,
            sale_uom=unit,
            account_category=category,
            type="goods" if article is None or article.ships else "service",
        )


def location(records: Records, kind: str, code: str | None = None) -> Values:
    """The seeded location of this type, and code where there are several."""
    found = records.find("stock.location", type=kind, **({"code": code} if code else {}))
    return found[0]


def _there(records: Records, model: str, key: str, value: object, **more: Any) -> Values:
    """The record with this key, added where it is missing."""
    found = records.find(model, **{key: value})
    return found[0] if found else records.add(model, **{key: value}, **more)


def _warehouse(records: Records) -> None:
    places = {
        code: _there(records, "stock.location", "code", code, name=name, type="storage")
        for code, name in {"IN": "Input Zone", "STO": "Storage Zone", "OUT": "Output Zone"}.items()
    }
    warehouse = _there(
        records,
        "stock.location",
        "code",
        "WH",
        name="Warehouse",
        type="warehouse",
        input_location=places["IN"]["id"],
        storage_location=places["STO"]["id"],
        output_location=places["OUT"]["id"],
    )
    for place in places.values():
        records.set("stock.location", place, parent=warehouse["id"])
    for code, name, kind in (("CUS", "Customer", "customer"), ("SUP", "Supplier", "supplier")):
        _there(records, "stock.location", "code", code, name=name, type=kind)
    _there(records, "stock.location", "code", "LOST", name="Lost and Found", type="lost_found")
