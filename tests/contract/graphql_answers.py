"""Is an answer what the schema promises for the query? graphql-core checks queries, not answers, so this does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    is_leaf_type,
    parse,
)

TEXTS = {"String", "ID", "DateTime", "URL", "Decimal", "Money", "UnsignedInt64", "CountryCode"}


def answer_problems(schema: GraphQLSchema, document: str, data: Any) -> list[str]:
    """Where `data` is not what the schema promises to the document; empty when all is well."""
    operation = next(one for one in parse(document).definitions if isinstance(one, OperationDefinitionNode))
    root = schema.get_root_type(operation.operation)
    assert root is not None
    return list(_object(schema, root, operation.selection_set, data, "data"))


def _object(
    schema: GraphQLSchema, kind: GraphQLNamedType, wanted: SelectionSetNode, value: Any, place: str
) -> Iterator[str]:
    if isinstance(kind, GraphQLInterfaceType):
        # We ask for one kind of object alone, and a simulated shop has no other.
        (fragment,) = wanted.selections
        assert isinstance(fragment, InlineFragmentNode)
        assert fragment.type_condition
        kind, wanted = schema.type_map[fragment.type_condition.name.value], fragment.selection_set
    if not isinstance(kind, GraphQLObjectType) or not isinstance(value, dict):
        yield f"{place}: is no {kind.name}"
        return
    asked = set()
    for node in wanted.selections:
        assert isinstance(node, FieldNode), f"{FragmentSpreadNode.__name__} is not read here"
        name = node.alias.value if node.alias else node.name.value
        asked.add(name)
        if name not in value:
            yield f"{place}.{name}: is missing"
            continue
        yield from _value(schema, kind.fields[node.name.value].type, node.selection_set, value[name], f"{place}.{name}")
    yield from (f"{place}.{name}: was not asked for" for name in value.keys() - asked)


def _value(schema: GraphQLSchema, kind: Any, wanted: SelectionSetNode | None, value: Any, place: str) -> Iterator[str]:
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield f"{place}: is null"
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        if not isinstance(value, list):
            yield f"{place}: is no list"
            return
        for number, one in enumerate(value):
            yield from _value(schema, kind.of_type, wanted, one, f"{place}.{number}")
    elif is_leaf_type(kind):
        if not _fits(kind, value):
            yield f"{place}: {value!r} is no {kind}"
    elif wanted is not None:
        yield from _object(schema, kind, wanted, value, place)


def _fits(kind: Any, value: Any) -> bool:
    if isinstance(kind, GraphQLEnumType):
        return value in kind.values
    checks = {"Boolean": bool, "Int": int, "Float": (int, float)}
    if kind.name in checks:
        return isinstance(value, checks[kind.name]) and (kind.name == "Boolean" or not isinstance(value, bool))
    return isinstance(value, str) if kind.name in TEXTS else True
