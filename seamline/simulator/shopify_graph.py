"""Runs GraphQL on the simulated shop: the schema, its root fields, connections with paging, and what a query costs."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    build_schema,
    execute_sync,
    get_named_type,
    parse,
    validate,
    value_from_ast_untyped,
)

from seamline.simulator.shopify_ids import number
from seamline.simulator.shopify_money import financial_status
from seamline.simulator.shopify_money_views import View
from seamline.simulator.shopify_mutations import subscription_view
from seamline.simulator.shopify_orders import fulfilment_orders
from seamline.simulator.shopify_stock import StockViews
from seamline.simulator.shopify_views import Shop, display_status
from seamline.simulator.world import Body

PAGE_SIZE_MAX = 250
MUTATION_COST = 10
TOKENS_MAX = 5000
Roots = Mapping[str, Callable[..., Any]]


@cache
def schema() -> GraphQLSchema:
    """The part of Shopify's schema that is spoken here."""
    return build_schema(Path(__file__).with_name("shopify_schema.graphql").read_text())


@dataclass(frozen=True)
class Operation:
    """One valid operation of a request. `name` is its first root field: `order`, `fulfillmentCreate`."""

    document: DocumentNode
    definition: OperationDefinitionNode
    variables: Mapping[str, Any]

    @property
    def idempotency_key(self) -> str | None:
        """The key of the first root field's directive `@idempotent`; None without it."""
        for directive in self.definition.selection_set.selections[0].directives or ():
            if directive.name.value == "idempotent":
                (key,) = (one.value for one in directive.arguments or ())
                if isinstance(key, VariableNode):
                    return self.variables.get(key.name.value)
                return str(value_from_ast_untyped(key))
        return None

    @property
    def name(self) -> str:
        first = self.definition.selection_set.selections[0]
        return first.name.value if isinstance(first, FieldNode) else "query"

    @property
    def is_query(self) -> bool:
        return self.definition.operation is OperationType.QUERY

    @property
    def requested_cost(self) -> int:
        """What it may cost at most: a point an object, less than a point for each of a connection's nodes."""
        fragments = {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}
        base = 0 if self.is_query else MUTATION_COST
        return base + _cost(self.definition.selection_set, fragments, self.variables)


def read_operation(query: str, name: str | None, variables: Mapping[str, Any]) -> Operation | list[GraphQLError]:
    """The operation asked for, or what is wrong with it in GraphQL's words."""
    try:
        document = parse(query, max_tokens=TOKENS_MAX)
    except GraphQLError as error:
        return [error]
    if errors := validate(schema(), document):
        return errors
    definitions = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    chosen = [d for d in definitions if name in (None, "", d.name.value if d.name else None)]
    if len(chosen) != 1:
        return [GraphQLError("No operation with this name, or several without a name, in the document")]
    return Operation(document, chosen[0], variables)


def run(operation: Operation, roots: Roots) -> tuple[View, int]:
    """Execute; the response's `data` and `errors`, and the actual cost."""
    done = execute_sync(
        schema(),
        operation.document,
        root_value=roots,
        variable_values=dict(operation.variables),
        operation_name=operation.definition.name.value if operation.definition.name else None,
        field_resolver=_resolve,
    )
    for error in done.errors or ():
        # Anything but a refusal worded for GraphQL is a defect of the simulator and must not pass for an answer.
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            raise error.original_error
    actual = (0 if operation.is_query else MUTATION_COST) + _objects(done.data)
    response: View = {"data": done.data}
    if done.errors:
        response = {"errors": [error.formatted for error in done.errors], **response}
    return response, min(actual, operation.requested_cost)


class Queries:
    """The root fields of type QueryRoot. With `blind`, searches and the fulfilments of orders are empty."""

    def __init__(self, shop: Shop, subscriptions: Callable[[], Sequence[Body]], *, blind: bool) -> None:
        self.shop = shop
        self.subscriptions = subscriptions
        self.blind = blind

    def roots(self) -> dict[str, Callable[..., Any]]:
        """The fields of the schema's type QueryRoot."""
        return {
            "shop": self.shop.shop,
            "order": self.order,
            "orderByIdentifier": lambda identifier: self.order(identifier["id"]),
            "orders": self.orders,
            "fulfillmentOrder": self.fulfillment_order,
            "fulfillment": self.fulfillment,
            "job": self.job,
            "return": self.customer_return,
            "webhookSubscriptions": self.webhook_subscriptions,
            "locations": self.locations,
            **StockViews(self.shop).roots(),
        }

    def order(self, id: str) -> View | None:
        """An order, null when there is none."""
        return self._found("order", number(id, "Order"), self.shop.order)

    def fulfillment_order(self, id: str) -> View | None:
        """A fulfilment order, null when there is none."""
        return self._found("fulfillment-order", number(id, "FulfillmentOrder"), self.shop.fulfilment_order)

    def fulfillment(self, id: str) -> View | None:
        """A fulfilment, null when there is none."""
        return self._found("fulfillment", number(id, "Fulfillment"), self.shop.fulfilment)

    def customer_return(self, id: str) -> View | None:
        """A return, null when there is none."""
        return self._found("return", number(id, "Return"), self.shop.customer_return)

    def job(self, id: str) -> View | None:
        """A job, null when there is none."""
        return self._found("job", number(id, "Job"), lambda job: {"id": id, "done": job["done"], "query": self.roots()})

    def orders(self, query: str | None = None, sortKey: str = "ID", **_: Any) -> list[View]:
        """Orders that match Shopify's search syntax, terms joined by spaces: `name:#5001 updated_at:>'2026-01-01'`."""
        if self.blind:
            return []
        terms = _terms(query or "")
        found = [one for one in self.shop.world.find(self.shop.connection, "order") if self._matches(one, terms)]
        field = {"CREATED_AT": "created_at", "UPDATED_AT": "updated_at", "PROCESSED_AT": "created_at"}.get(sortKey)
        found.sort(key=lambda one: (one[field] if field else "", int(one["id"])))
        return [self._seen(self.shop.order(one)) for one in found]

    def locations(self, **_: Any) -> list[View]:
        """Every active location."""
        return [] if self.blind else self.shop.locations()

    def webhook_subscriptions(self, topics: Sequence[str] | None = None, **_: Any) -> list[View]:
        """The live webhook subscriptions."""
        views = [subscription_view(one) for one in self.subscriptions()]
        return [] if self.blind else [view for view in views if not topics or view["topic"] in topics]

    def _found(self, kind: str, id: str, show: Callable[[Body], View]) -> View | None:
        body = self.shop.world.get(self.shop.connection, kind, id)
        return None if body is None else self._seen(show(body))

    def _seen(self, view: View) -> View:
        return view | {"fulfillments": []} if self.blind and "fulfillments" in view else view

    def _matches(self, order: Body, terms: Sequence[tuple[str, str, str]]) -> bool:
        parts = fulfilment_orders(self.shop.world, self.shop.connection, order["id"])
        open_or_not = "cancelled" if order["cancelled_at"] else "open"
        values = {
            "id": order["id"],
            "name": order["name"].lstrip("#"),
            "email": order["email"] or "",
            "created_at": order["created_at"],
            "updated_at": order["updated_at"],
            "processed_at": order["created_at"],
            "financial_status": financial_status(order).lower(),
            "fulfillment_status": display_status(parts).lower(),
            "status": open_or_not,
            "test": str(order["test"]).lower(),
        }
        return all(_holds(values.get(field), sign, wanted) for field, sign, wanted in terms)


_TERM = re.compile(r"(?P<field>[a-z_]+):(?P<sign><=|>=|<|>)?(?P<value>'[^']*'|\"[^\"]*\"|[^\s)]+)")


def _terms(query: str) -> list[tuple[str, str, str]]:
    return [
        (found["field"], found["sign"] or "=", found["value"].strip("'\"").lstrip("#"))
        for found in _TERM.finditer(query)
    ]


def _holds(value: str | None, sign: str, wanted: str) -> bool:
    if value is None:
        # As in Shopify, a field that cannot be searched is left out of the search.
        return True
    if sign == "=":
        return wanted in ("any", "*") or value.lower() == wanted.lower()
    left: Any = int(value) if value.isdigit() and wanted.isdigit() else value
    right: Any = int(wanted) if value.isdigit() and wanted.isdigit() else wanted
    return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[sign])


def _resolve(source: Mapping[str, Any], info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """A field of an object shown as a mapping; a link is a function, a root field one with arguments."""
    value = source.get(info.field_name)
    if callable(value):
        takes = info.parent_type.name in _ROOTS or info.field_name in _COMPUTED
        value = value(**arguments) if takes else value()
    if get_named_type(info.return_type).name.endswith("Connection"):
        return _page(value or [], arguments)
    return value[: arguments["first"]] if isinstance(value, list) and arguments.get("first") is not None else value


_ROOTS = ("QueryRoot", "Mutation")
_COMPUTED = ("suggestedRefund", "quantities")


def _page(nodes: Sequence[View], arguments: Mapping[str, Any]) -> View:
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last")
    if max(first or 0, last or 0) > PAGE_SIZE_MAX:
        raise GraphQLError(f"first and last cannot exceed {PAGE_SIZE_MAX}")
    nodes = nodes[::-1] if arguments.get("reverse") else nodes
    ids = [node["id"] for node in nodes]
    start = _place(ids, arguments.get("after"), -1) + 1
    end = _place(ids, arguments.get("before"), len(nodes))
    if first is not None:
        end = min(end, start + first)
    if last is not None:
        start = max(start, end - last)
    edges = [{"cursor": _cursor(node["id"]), "node": node} for node in nodes[start:end]]
    info = {
        "hasNextPage": end < len(nodes),
        "hasPreviousPage": start > 0,
        "startCursor": edges[0]["cursor"] if edges else None,
        "endCursor": edges[-1]["cursor"] if edges else None,
    }
    return {"edges": edges, "nodes": nodes[start:end], "pageInfo": info}


def _cursor(id: str) -> str:
    return base64.b64encode(id.encode()).decode()


def _place(ids: Sequence[str], cursor: str | None, default: int) -> int:
    if cursor is None:
        return default
    try:
        return ids.index(base64.b64decode(cursor, validate=True).decode())
    except (binascii.Error, ValueError):
        raise GraphQLError("Invalid cursor for current pagination sort.") from None


def _cost(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
) -> int:
    total = 0
    for one in selections.selections:
        if isinstance(one, FragmentSpreadNode):
            total += _cost(fragments[one.name.value].selection_set, fragments, variables)
        elif isinstance(one, InlineFragmentNode):
            total += _cost(one.selection_set, fragments, variables)
        elif isinstance(one, FieldNode) and one.selection_set:
            below = _cost(one.selection_set, fragments, variables)
            total += 1 + math.ceil(below * math.sqrt(_size(one, variables)))
    return total


def _size(field: FieldNode, variables: Mapping[str, Any]) -> int:
    for argument in field.arguments or ():
        if argument.name.value in ("first", "last"):
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                size = variables.get(argument.value.name.value)
                return min(size, PAGE_SIZE_MAX) if isinstance(size, int) and size > 0 else 1
    return 1


def _objects(data: Any) -> int:
    if isinstance(data, dict):
        return 1 + sum(_objects(value) for value in data.values())
    return sum(_objects(value) for value in data) if isinstance(data, list) else 0
