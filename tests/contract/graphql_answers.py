"""Is an answer what the schema promises for the query? graphql-core checks queries, not answers, so this does.

The query is executed on the published schema with the answer itself as what fields resolve to: whatever is missing,
null, or of another type is an error then, and whatever was not asked for does not come out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLString,
    execute_sync,
    is_specified_scalar_type,
    parse,
    validate,
)

_ID = re.compile(r"gid://shopify/(\w+)/")


def document_problems(schema: GraphQLSchema, document: str) -> list[str]:
    """What the schema has against a document."""
    return [error.message for error in _read(schema, document)[1]]


def answer_problems(
    schema: GraphQLSchema, document: str, data: Any, variables: Mapping[str, Any] | None = None
) -> list[str]:
    """Where `data` is not what the schema promises to the document, or the variables are wrong. Stops early."""
    result = execute_sync(
        _strict(schema),
        _read(schema, document)[0],
        root_value=data,
        variable_values=dict(variables or {}),
        field_resolver=_given,
        type_resolver=_kind,
    )
    if result.errors:
        return [f"{_place(error)}: {error.message}" for error in result.errors]
    return list(_differences(data, result.data, "data"))


@cache
def _read(schema: GraphQLSchema, document: str) -> tuple[DocumentNode, list[GraphQLError]]:
    read = parse(document)
    return read, validate(schema, read)


@cache
def _strict(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema, whose own scalars are texts: amounts, times and addresses; only `JSON` may be anything."""
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLScalarType) and not is_specified_scalar_type(kind) and name != "JSON":
            kind.coerce_output_value = GraphQLString.coerce_output_value
    return schema


def _given(source: Any, info: GraphQLResolveInfo[Any], **_: Any) -> Any:
    """What the answer has under the name that was asked for."""
    if not isinstance(source, dict):
        raise GraphQLError(f"is no {info.parent_type.name}")
    if info.path.key not in source:
        raise GraphQLError("is missing")
    return source[info.path.key]


def _kind(value: Any, _: GraphQLResolveInfo[Any], kind: GraphQLAbstractType) -> str | None:
    """Which kind of object an answer is: as it says itself, or by its id."""
    if not isinstance(value, dict):
        raise GraphQLError(f"is no {kind.name}")
    found = _ID.match(str(value.get("id", "")))
    return value.get("__typename") or (found[1] if found else None)


def _place(error: GraphQLError) -> str:
    return ".".join(map(str, ["data", *(error.path or ())]))


def _differences(given: Any, read: Any, place: str) -> Iterator[str]:
    """Where the answer is not what comes out of it when it is read by the schema."""
    if isinstance(given, dict):
        for name, value in given.items():
            if name not in read:
                yield f"{place}.{name}: was not asked for"
            else:
                yield from _differences(value, read[name], f"{place}.{name}")
    elif isinstance(given, list):
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from _differences(one, other, f"{place}.{number}")
    elif given != read or isinstance(given, bool) != isinstance(read, bool):
        yield f"{place}: {given!r} should be {read!r}"
