"""The schema that the simulated Shopify speaks is a part of the published one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
)

from seamline.simulator.shopify_graph import schema

SPECS = os.environ.get("SEAMLINE_SPECS")
needs_specs = pytest.mark.skipif(not SPECS, reason="SEAMLINE_SPECS is not set: the published schema is not at hand")
WITH_FIELDS = (GraphQLObjectType, GraphQLInputObjectType, GraphQLInterfaceType)


@pytest.fixture(scope="module")
def published() -> GraphQLSchema:
    text = (Path(str(SPECS)) / "shopify" / "admin-2026-07.graphql").read_text()
    return build_schema(text, assume_valid=True)


@needs_specs
def test_every_name_and_type_is_shopifys(published: GraphQLSchema) -> None:
    assert differences(schema(), published) == []


@needs_specs
def test_a_foreign_field_type_argument_or_value_is_found(published: GraphQLSchema) -> None:
    ours = build_schema(
        """
        type QueryRoot { order(id: ID!, slug: String): Order  parcels: [Parcel!]! }
        type Order { id: ID!  name: String  mood: String  displayFinancialStatus: OrderDisplayFinancialStatus }
        enum OrderDisplayFinancialStatus { PAID SETTLED }
        type Parcel { id: ID! }
        schema { query: QueryRoot }
        """
    )
    assert sorted(differences(ours, published)) == [
        "Order.mood",
        "Order.name: String is String!",
        "OrderDisplayFinancialStatus.SETTLED",
        "Parcel",
        "QueryRoot.order(slug)",
        "QueryRoot.parcels",
    ]


def differences(ours: GraphQLSchema, published: GraphQLSchema) -> list[str]:
    """Every type, field, argument, type of one, and enum value of ours that Shopify does not publish the same."""
    found = []
    for name, kind in ours.type_map.items():
        if name.startswith("__") or is_specified_scalar_type(kind):
            continue
        theirs = published.type_map.get(name)
        if type(theirs) is not type(kind):
            found.append(name)
        elif isinstance(kind, GraphQLEnumType) and isinstance(theirs, GraphQLEnumType):
            found += [f"{name}.{value}" for value in kind.values if value not in theirs.values]
        elif isinstance(kind, WITH_FIELDS) and isinstance(theirs, WITH_FIELDS):
            for field, one in kind.fields.items():
                found += field_differences(f"{name}.{field}", one, theirs.fields.get(field))
    return found


def field_differences(place: str, ours: object, theirs: object) -> list[str]:
    if theirs is None:
        return [place]
    found = [] if str(ours.type) == str(theirs.type) else [f"{place}: {ours.type} is {theirs.type}"]  # type: ignore[attr-defined]
    if isinstance(ours, GraphQLField) and isinstance(theirs, GraphQLField):
        for name, argument in ours.args.items():
            if name not in theirs.args:
                found.append(f"{place}({name})")
            elif str(argument.type) != str(theirs.args[name].type):
                found.append(f"{place}({name}): {argument.type} is {theirs.args[name].type}")
        found += [
            f"{place}({name}) is required"
            for name, argument in theirs.args.items()
            if str(argument.type).endswith("!") and name not in ours.args
        ]
    return found
