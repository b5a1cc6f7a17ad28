"""Records of the simulated ERP: created, written, read and searched as Tryton's ORM does over REST.

A record is a document of the kind of its model's name, with plain JSON values: decimals and dates as texts, links as
ids, references as `model,id`. On the wire decimals and dates are objects with `__class__`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from seamline.simulator.tryton_models import MODELS, Field, Kind, Model, Values
from seamline.simulator.tryton_packages import package_value
from seamline.simulator.tryton_values import (
    OPERATORS,
    Defect,
    UserError,
    added,
    comparable,
    compare,
    created,
    outward,
    split_reference,
    stored,
    wanted_as_stored,
)
from seamline.simulator.world import World, now

DOMAIN_DEPTH_MAX = 20
_MANY = (Kind.ONE2MANY, Kind.MANY2MANY, Kind.COMPUTED_MANY)
_LINKS = (Kind.MANY2ONE, Kind.REFERENCE, *_MANY)


class Records:
    """The records of one connection. `context` is the request's `X-Tryton-Context`."""

    def __init__(self, world: World, connection: str, context: Mapping[str, Any]) -> None:
        self.world = world
        self.connection = connection
        self.context = context

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, model: str, record_id: int) -> Values | None:
        """The stored record, or None."""
        return self.world.get(self.connection, model, str(record_id))

    def known(self, model: str, record_id: int) -> Values:
        """The stored record that is known to exist."""
        record = self.get(model, record_id)
        if record is None:
            raise Defect(f"{model} {record_id} is missing")
        return record

    def find(self, model: str, **equal: Any) -> list[Values]:
        """The stored records with these values."""
        return self.world.find(self.connection, model, equal)

    def read(self, model: str, record: Values, paths: Sequence[str]) -> Values:
        """The fields named, as the wire shows them. `a.b` nests: what `a` links to, with its id and model's name."""
        below: dict[str, list[str]] = {}
        answer: Values = {}
        for path in ["id", *paths]:
            name, _, rest = path.partition(".")
            if name == "__name__":
                continue
            field = _field(model, name)
            if rest:
                if field.kind not in _LINKS:
                    raise Defect(f"{model}.{name} links to nothing")
                below.setdefault(name, []).append(rest)
            else:
                answer[name] = outward(field, self.value(model, record, name))
        for name, rests in below.items():
            answer[name] = self._nested(model, record, name, rests)
        return answer | {"__name__": model}

    def _nested(self, model: str, record: Values, name: str, paths: Sequence[str]) -> Any:
        shown = [self.read(target, one, paths) for target, one in self.linked(model, record, name)]
        if _field(model, name).kind in _MANY:
            return shown
        return shown[0] if shown else None

    def value(self, model: str, record: Values, name: str) -> Any:
        """A field's stored or computed value; of links to many, the ids."""
        field = _field(model, name)
        if field.kind in _MANY:
            return [one["id"] for _, one in self.linked(model, record, name)]
        return self._computed(model, record, name) if field.kind is Kind.COMPUTED else record.get(name)

    def linked(self, model: str, record: Values, name: str) -> list[tuple[str, Values]]:
        """The records a field links to, each with its model's name."""
        field = _field(model, name)
        if field.kind is Kind.ONE2MANY:
            back: Any = record["id"]
            if _field(field.target, field.inverse).kind is Kind.REFERENCE:
                back = f"{model},{record['id']}"
            return [(field.target, one) for one in self.find(field.target, **{field.inverse: back})]
        if field.kind is Kind.MANY2MANY:
            return [(field.target, self.known(field.target, one)) for one in record.get(name) or []]
        if field.kind is Kind.COMPUTED_MANY:
            return [(field.target, one) for one in self._computed_many(model, record, name)]
        value = record.get(name)
        if value is None:
            return []
        target, number = (field.target, value) if field.kind is Kind.MANY2ONE else split_reference(value)
        return [(target, self.known(target, number))]

    def _computed_many(self, model: str, record: Values, name: str) -> list[Values]:
        match model, name:
            case "product.category", _:
                # As in Tryton, the defaults of a company are seen only by who works for it.
                return self.find("account.tax") if self.context.get("company") else []
            case "sale.sale", "shipments":
                numbers = dict.fromkeys(
                    split_reference(move["shipment"])[1] for move in self.find("stock.move", sale=record["id"])
                )
                return [self.known("stock.shipment.out", number) for number in numbers]
            case "sale.sale", "moves":
                return [move for move in self.find("stock.move", sale=record["id"]) if is_outgoing(move)]
            case "sale.line", "moves":
                return self.find("stock.move", origin=f"sale.line,{record['id']}")
            case "stock.shipment.out.return", _:
                # The moves from the customer end where goods come in.
                known = self.find("stock.move", shipment=f"{model},{record['id']}")
                coming = name == "incoming_moves"
                return [one for one in known if (one["to_location"] == record["warehouse_input"]) is coming]
            case _, "root_packages":
                return self.find("stock.package", shipment=f"{model},{record['id']}", parent=None)
            case _:
                moves = self.find("stock.move", shipment=f"stock.shipment.out,{record['id']}")
                return [move for move in moves if is_outgoing(move) is (name == "outgoing_moves")]

    def _computed(self, model: str, record: Values, name: str) -> Any:
        match model, name:
            case _, "rec_name":
                return _rec_name(self, model, record)
            case "party.party", "full_name":
                return record.get("name")
            case "party.address", "full_address":
                parts = [record.get("street"), f"{record.get('postal_code') or ''} {record.get('city') or ''}".strip()]
                return "\n".join(part for part in parts if part)
            case "product.product", _:
                return self._quantity(record)
            case "sale.line", "amount":
                return _line_amount(record)
            case "sale.sale", _:
                return self._amount(name, self.find("sale.line", sale=record["id"]))
            case "stock.package", _:
                return package_value(self, record, name)
            case "stock.shipment.out", "origins":
                sales = dict.fromkeys(move["sale"] for move in self._computed_many(model, record, "outgoing_moves"))
                return ", ".join(_rec_name(self, "sale.sale", self.known("sale.sale", sale)) for sale in sales)
            case _:
                moves = self._computed_many(model, record, "inventory_moves")
                return record["state"] != "assigned" and any(move["state"] == "assigned" for move in moves)

    def _quantity(self, product: Values) -> float:
        """As in Tryton: nothing without locations in the context; with `stock_assign` what is assigned is gone."""
        if not self.context.get("locations"):
            return 0.0
        free = self.world.stock(self.connection).get(product["code"] or "", 0)
        if self.context.get("stock_assign"):
            return float(free)
        moves = self.find("stock.move", product=product["id"], state="assigned")
        return float(free) + float(sum(move["quantity"] for move in moves if not is_outgoing(move)))

    def _amount(self, name: str, lines: Sequence[Values]) -> Decimal:
        untaxed = sum(map(_line_amount, lines), Decimal("0.00"))
        rates = ((one, Decimal(tax["rate"])) for one in lines for _, tax in self.linked("sale.line", one, "taxes"))
        tax = sum((_line_amount(one) * rate for one, rate in rates), Decimal(0)).quantize(Decimal("0.01"))
        return {"untaxed_amount": untaxed, "tax_amount": tax, "total_amount": untaxed + tax}[name]

    # -- searching -------------------------------------------------------------------------------------------------

    def search(self, model: str, domain: Any) -> list[Values]:
        """The active records that match the domain, in the model's order."""
        check_domain(model, domain)
        equal = {c[0]: c[2] for c in domain if _is_plain_equality(model, c)} if domain[:1] != ["OR"] else {}
        records = [one for one in self.find(model, **equal) if one.get("active", True) or _names_active(domain)]
        found = [one for one in records if self._matches(model, one, domain)]
        return found[::-1] if MODELS[model].newest_first else found

    def _matches(self, model: str, record: Values, domain: Sequence[Any]) -> bool:
        if _is_clause(domain):
            return self._holds(model, record, domain)
        inner = domain[1:] if domain[:1] in (["AND"], ["OR"]) else domain
        results = [self._matches(model, record, one) for one in inner]
        return any(results) if domain[:1] == ["OR"] and results else all(results)

    def _holds(self, model: str, record: Values, clause: Sequence[Any]) -> bool:
        path, operator, wanted = clause[:3]
        name, _, rest = path.partition(".")
        field = _field(model, name)
        if rest or operator in ("where", "not where"):
            linked = self.linked(model, record, name)
            if field.kind is Kind.REFERENCE and len(clause) > 3:
                linked = [(target, one) for target, one in linked if target == clause[3]]
            inner = [[rest, operator, wanted]] if rest else wanted
            found = any(self._matches(target, one, inner) for target, one in linked)
            return found is not (operator == "not where" and not rest)
        value = self.value(model, record, name)
        if field.kind in _MANY:
            return any(compare(one, operator, wanted) for one in value)
        if field.kind is Kind.MANY2ONE and isinstance(wanted, str):
            value = next((_rec_name(self, target, one) for target, one in self.linked(model, record, name)), None)
        return compare(comparable(field, value), operator, wanted_as_stored(field, wanted))

    # -- writing ---------------------------------------------------------------------------------------------------

    def add(self, model: str, **values: Any) -> Values:
        """Store a record of known good values: what the ERP makes itself."""
        record_id = self.world.next_id(self.connection, model)
        fields = _model(model).fields
        empty = {name: field.default for name, field in fields.items() if _is_stored(field)}
        record = empty | values | {"id": record_id, "create_date": now().isoformat()}
        self.world.put(self.connection, model, str(record_id), record)
        return record

    def set(self, model: str, record: Values, **values: Any) -> Values:
        """Change a stored record, in place and in the world."""
        record |= values | {"write_date": now().isoformat()}
        self.world.put(self.connection, model, str(record["id"]), record)
        return record

    def create(self, model: str, given: Any) -> Values:
        """Create a record from the wire. Raises UserError for what a user could mend, Defect for the rest."""
        values, many = self._inward(model, given)
        if model == "party.party" and not values.get("code"):
            values["code"] = str(self.world.next_id(self.connection, "party-code"))
        record = self.add(model, **self._defaults(model, values))
        for name, records in many.items():
            field = _field(model, name)
            for one in records:
                self.create(field.target, one | {field.inverse: record["id"]})
        self._check(model, record)
        return record

    def write(self, model: str, record: Values, given: Any) -> Values:
        """Change a record from the wire."""
        values, many = self._inward(model, given)
        if many:
            raise Defect("the simulator changes no lists; change the records in them")
        self.set(model, record, **values)
        self._check(model, record)
        return record

    def _inward(self, model: str, given: Any) -> tuple[Values, dict[str, list[Any]]]:
        if not isinstance(given, dict):
            raise Defect("the body is an object of fields")
        values: Values = {}
        many: dict[str, list[Any]] = {}
        for name, value in given.items():
            field = _field(model, name)
            if field.readonly:
                raise UserError(f'You can not modify the field "{field.label}" of "{MODELS[model].label}".')
            if field.kind is Kind.ONE2MANY:
                many[name] = created(value)
            elif field.kind is Kind.MANY2MANY:
                values[name] = added(value)
            else:
                values[name] = stored(field, value)
        return values, many

    def _defaults(self, model: str, values: Values) -> Values:
        if model != "sale.sale":
            return values
        company = self.get("company.company", self.context.get("company") or 0)
        warehouses = self.find("stock.location", type="warehouse")
        defaults = {
            "company": company["id"] if company else None,
            "currency": company["currency"] if company else None,
            "warehouse": warehouses[0]["id"] if len(warehouses) == 1 else None,
        }
        return defaults | values

    def _check(self, model: str, record: Values) -> None:
        for name, field in MODELS[model].fields.items():
            value = record.get(name)
            if field.required and value in (None, ""):
                raise UserError(f'A value is required for field "{field.label}" in "{MODELS[model].label}".')
            linked = [value] if field.kind is Kind.MANY2ONE and value is not None else []
            linked += value or [] if field.kind is Kind.MANY2MANY else []
            for one in linked:
                if self.get(field.target, one) is None:
                    label = MODELS[model].label
                    raise UserError(f'The value "{one}" for field "{field.label}" in "{label}" does not exist.')
            if field.kind is Kind.SELECTION and value not in (*field.options, None):
                raise UserError(
                    f'The value for field "{field.label}" in "{MODELS[model].label}" is not one of the options.'
                )
        match model:
            case "party.party" if len(self.find(model, code=record["code"])) > 1:
                raise UserError("The code on party must be unique.")
            case "sale.sale":
                self._check_sale(record)
            case "sale.line":
                self._check_line(record)

    def _check_sale(self, sale: Values) -> None:
        for name, owner in (("invoice_address", "invoice_party"), ("shipment_address", "shipment_party")):
            if sale.get(name) is None:
                continue
            party = sale.get(owner) or sale["party"]
            if self.known("party.address", sale[name])["party"] != party:
                raise out_of_domain("sale.sale", name)

    def _check_line(self, line: Values) -> None:
        if line["type"] != "line":
            return
        needed = ("quantity", "unit_price", *(("unit",) if line.get("product") else ()))
        for name in needed:
            if line.get(name) is None:
                raise UserError(f'A value is required for field "{_field("sale.line", name).label}" in "Sale Line".')
        if line.get("product") and not self.known("product.product", line["product"])["salable"]:
            raise out_of_domain("sale.line", "product")


def check_path(model: str, path: str) -> None:
    """Raise Defect unless the path names fields: `sale.reference`, `lines.product.code`."""
    name, _, rest = path.partition(".")
    if name == "__name__":
        return
    field = _field(model, name)
    if rest and field.kind not in _LINKS:
        raise Defect(f"{model}.{name} links to nothing")
    if rest and field.target:
        check_path(field.target, rest)


def check_read(model: str, path: str) -> None:
    """Raise Defect unless the path names fields that can be read together: not through a link to any model."""
    check_path(model, path)
    name, _, rest = path.partition(".")
    if rest and _field(model, name).kind is Kind.REFERENCE:
        raise Defect("'Reference' object has no attribute 'get_target'")
    if rest:
        check_read(_field(model, name).target, rest)


def check_domain(model: str, domain: Any, depth: int = 0) -> None:
    """Raise Defect unless the domain is a list of clauses and domains on fields that can be searched."""
    _model(model)
    if not isinstance(domain, list) or depth > DOMAIN_DEPTH_MAX:
        raise Defect("a domain is a list of clauses and domains")
    if not _is_clause(domain):
        for one in domain[1:] if domain[:1] in (["AND"], ["OR"]) else domain:
            check_domain(model, one, depth + 1)
        return
    if len(domain) not in (3, 4) or domain[1] not in OPERATORS:
        raise Defect("a clause is a field, an operator and a value")
    path, operator, wanted = domain[:3]
    check_path(model, path)
    field = _field(model, path.partition(".")[0])
    if field.kind is Kind.COMPUTED and path != "rec_name":
        raise Defect(f"{model}.{path} cannot be searched")
    if operator in ("where", "not where"):
        if "." in path or not field.target:
            raise Defect(f"{path} links to nothing")
        check_domain(field.target, wanted, depth + 1)


def _is_clause(domain: Sequence[Any]) -> bool:
    return bool(domain) and isinstance(domain[0], str) and domain[0] not in ("AND", "OR")


def out_of_domain(model: str, name: str) -> UserError:
    """The refusal of a value that the field's domain does not allow."""
    label = _field(model, name).label
    return UserError(f'The value for field "{label}" in "{MODELS[model].label}" is not valid according to its domain.')


def is_outgoing(move: Values) -> bool:
    """Whether a move brings goods to the customer; else it brings them to the output location."""
    return str(move["origin"]).startswith("sale.line,")


def _model(name: str) -> Model:
    if name not in MODELS:
        raise Defect(f"KeyError: {name}")
    return MODELS[name]


def _field(model: str, name: str) -> Field:
    field = _model(model).fields.get(name)
    if field is None:
        raise Defect(f"KeyError: {model}.{name}")
    return field


def _is_stored(field: Field) -> bool:
    return field.kind not in (Kind.ONE2MANY, Kind.COMPUTED_MANY, Kind.COMPUTED)


def _rec_name(records: Records, model: str, record: Values) -> str:
    match model:
        case "company.company":
            return _rec_name(records, "party.party", records.known("party.party", record["party"]))
        case "product.product":
            return f"[{record['code']}] {record['name']}"
        case "sale.sale" | "stock.shipment.out":
            shown = [record.get("number"), f"[{record['reference']}]" if record.get("reference") else None]
            return " ".join(part for part in shown if part) or f"({record['id']})"
    return str(record.get("name") or record["id"])


def _line_amount(line: Values) -> Decimal:
    if line["type"] != "line":
        return Decimal("0.00")
    return (Decimal(str(line["quantity"])) * Decimal(line["unit_price"])).quantize(Decimal("0.01"))


def _is_plain_equality(model: str, clause: Any) -> bool:
    """Whether the world's index answers this clause."""
    if not (isinstance(clause, list) and len(clause) == 3 and isinstance(clause[0], str) and clause[1] == "="):
        return False
    field = MODELS[model].fields.get(clause[0])
    kinds = {Kind.CHAR: str, Kind.SELECTION: str, Kind.MANY2ONE: int, Kind.INTEGER: int}
    kind = kinds.get(field.kind) if field else None
    return kind is not None and isinstance(clause[2], kind)


def _names_active(domain: Iterable[Any]) -> bool:
    return any(isinstance(one, list) and one[:1] == ["active"] for one in domain)
