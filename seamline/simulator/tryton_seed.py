"""What a new simulated ERP holds: a company, a warehouse, countries, currencies, and the seeded articles with stock."""

from __future__ import annotations

from seamline.simulator.goods import ARTICLES
from seamline.simulator.tryton_models import Values
from seamline.simulator.tryton_records import Records

_SEEDED = "tryton-seed"
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


def seed(records: Records) -> None:
    """Fill a connection on its first use. Company 1 trades in GBP from one warehouse."""
    world, connection = records.world, records.connection
    if world.get(connection, _SEEDED, "1"):
        return
    with world.transaction():
        world.put(connection, _SEEDED, "1", {"id": "1"})
        countries = {code: records.add("country.country", code=code, name=name) for code, name in COUNTRIES.items()}
        for code, name in SUBDIVISIONS.items():
            records.add("country.subdivision", code=code, name=name, country=countries[code[:2]]["id"])
        currencies = {code: records.add("currency.currency", code=code, name=name) for code, name in CURRENCIES.items()}
        party = records.add("party.party", name=COMPANY, code="OWN")
        records.add("company.company", party=party["id"], currency=currencies["GBP"]["id"])
        records.add("product.uom", name="Unit", symbol="u")
        records.add("product.uom", name="Kilogram", symbol="kg")
        records.add("account.tax", name="VAT 20 %", rate="0.2")
        records.add("product.category", name="Goods")
        _warehouse(records)
        known = world.stock(connection)
        missing = {article.sku: article.stock for article in ARTICLES.values() if article.sku not in known}
        world.set_stock(connection, missing)


def add_missing_products(records: Records) -> None:
    """Give every sku that has stock a product, since stock can be set for any sku at any time."""
    known = {product["code"] for product in records.find("product.product")}
    unit, category = (records.find(model)[0]["id"] for model in ("product.uom", "product.category"))
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


def _warehouse(records: Records) -> None:
    places = {
        code: records.add("stock.location", name=name, code=code, type="storage")
        for code, name in {"IN": "Input Zone", "STO": "Storage Zone", "OUT": "Output Zone"}.items()
    }
    warehouse = records.add(
        "stock.location",
        name="Warehouse",
        code="WH",
        type="warehouse",
        input_location=places["IN"]["id"],
        storage_location=places["STO"]["id"],
        output_location=places["OUT"]["id"],
    )
    for place in places.values():
        records.set("stock.location", place, parent=warehouse["id"])
    records.add("stock.location", name="Customer", code="CUS", type="customer")
    records.add("stock.location", name="Supplier", code="SUP", type="supplier")
    records.add("stock.location", name="Lost and Found", code="LOST", type="lost_found")
