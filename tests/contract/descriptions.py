"""What the vendors publish about their APIs, read once from the folder that SEAMLINE_SPECS names."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from graphql import GraphQLSchema, build_schema
from openapi_core import Config, OpenAPI

AT_HAND = bool(os.environ.get("SEAMLINE_SPECS"))
MISSING = "SEAMLINE_SPECS is not set: the vendors' published descriptions are not at hand"
needs_descriptions = pytest.mark.skipif(not AT_HAND, reason=MISSING)

METHODS = {"get", "post", "put", "delete"}
_SHIPPO_ERROR = {
    "description": "",
    "content": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {
                        "type": "object",
                        "required": ["detail"],
                        "properties": {"detail": {"type": "string"}},
                        "additionalProperties": False,
                    },
                    {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {
                            "type": "array",
                            "items": {"anyOf": [{"type": "string"}, {"type": "object"}]},
                        },
                    },
                ]
            }
        }
    },
}

_AS_IT_IS = Config(spec_validator_cls=None)  # type: ignore[arg-type]
"""None of the descriptions is strictly valid OpenAPI."""


def folder() -> Path:
    """Where the descriptions are. KeyError when that is not said."""
    return Path(os.environ["SEAMLINE_SPECS"])


@cache
def shopify_schema() -> GraphQLSchema:
    """Shopify's Admin schema."""
    return build_schema((folder() / "shopify" / "admin-2026-07.graphql").read_text(), assume_valid=True)


@cache
def shippo() -> dict[str, Any]:
    """Shippo's OpenAPI, completed.

    It has the schemas of a new refund and not the path, which Shippo's client calls. Of most paths it describes no
    errors: these are held to the one error body that it has, `detail`, or to lists of texts by field, nested as
    the fields are. What Shippo's newer client expects is added: the whole customs declaration of a shipment where the
    description has an id, and who made a label.
    """
    description: dict[str, Any] = _read("shippo/openapi.yaml")
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/RefundRequestBody"}}}
    answer = {"$ref": "#/components/responses/refundResponse"}
    description["paths"]["/refunds"]["post"] = {"requestBody": {"content": body}, "responses": {"201": answer}}
    schemas = description["components"]["schemas"]
    declared = schemas["ShipmentBase"]["properties"]["customs_declaration"]
    schemas["Transaction"]["properties"]["created_by"] = {"type": "object", "nullable": True}
    schemas["ShipmentBase"]["properties"]["customs_declaration"] = {
        "anyOf": [declared, {"$ref": "#/components/schemas/CustomsDeclaration"}]
    }
    for operations in description["paths"].values():
        for method in operations.keys() & METHODS:
            operations[method]["responses"].setdefault("default", _SHIPPO_ERROR)
    return description


@cache
def xero() -> dict[str, Any]:
    """Xero's OpenAPI of its accounting, without its security: openapi-core knows no OAuth; the simulator does."""
    description: dict[str, Any] = _read("xero/xero_accounting.yaml")
    for operations in description["paths"].values():
        for method in operations.keys() & METHODS:
            operations[method].pop("security", None)
    return description


@cache
def shippo_api() -> OpenAPI:
    """Shippo's description, ready to validate with."""
    return OpenAPI.from_dict(shippo(), config=_AS_IT_IS)


@cache
def xero_api() -> OpenAPI:
    """Xero's description, ready to validate with."""
    return OpenAPI.from_dict(xero(), config=_AS_IT_IS)


def _read(name: str) -> Any:
    return yaml.load((folder() / name).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
