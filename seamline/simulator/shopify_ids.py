"""Shopify's global ids, read."""

from __future__ import annotations

import re

from graphql import GraphQLError


def number(id: str, kind: str) -> str:
    """The numeric id of a global id of this kind. GraphQLError `Invalid global id` for anything else."""
    found = re.fullmatch(rf"gid://shopify/{kind}/([0-9]{{1,20}})(\?.*)?", id)
    if found is None:
        raise GraphQLError(f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"})
    if found[1] == "0":
        raise GraphQLError("invalid id", extensions={"code": "RESOURCE_NOT_FOUND"})
    return found[1]
