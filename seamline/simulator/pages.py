"""Small readable pages, so that a link from a terminal shows an object or the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from seamline.simulator.world import Body, World

EFFECTS_SHOWN_MAX = 200
_KINDS = {
    "reserve": "stock.shipment.out",
    "release": "stock.shipment.out",
    "ship": "stock.shipment.out",
    "buy-label": "transaction",
    "request-refund": "refund",
    "refund": "refund",
    "refund-rejected": "refund",
    "post-fulfilment": "fulfillment",
    "cancel-fulfilment": "fulfillment",
    "shop-mail": "fulfillment",
    "send-mail": "mail",
    "tell-team": "message",
    "become-customer": "hubspot-record",
    "restore-stage": "hubspot-record",
    "stop-prospect-mail": "hubspot-recipient",
    "resume-prospect-mail": "hubspot-recipient",
    "write-invoice": "Seamline_Invoice__c",
    "mark-reversed": "Seamline_Invoice__c",
    "create-task": "Task",
}
_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}td,th{{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;
vertical-align:top}}td{{overflow-wrap:anywhere}}pre{{margin:0;white-space:pre-wrap}}</style>
<h1>{title}</h1><p><a href="/">Simulator</a></p>"""


def router(world: World) -> APIRouter:
    """The routes over this world."""
    routes = APIRouter(default_response_class=HTMLResponse)

    @routes.get("/")
    async def ledger(reference: Annotated[str | None, Query(max_length=200)] = None) -> HTMLResponse:
        world.settle()
        effects = world.effects(reference=reference)[-EFFECTS_SHOWN_MAX:]
        title = f"Effects for {reference}" if reference else "Seamline's simulator: the latest effects"
        return _page(title, _effects(effects))

    @routes.get("/objects/{connection}/{kind}/{object_id:path}")
    async def thing(connection: str, kind: str, object_id: str) -> HTMLResponse:
        world.settle()
        body = _found(world, connection, kind, object_id)
        if body is None:
            return _page("Not found", f"<p>{escape(connection)} holds no {escape(kind)} with this id.</p>", 404)
        rows = ([escape(str(name)), _value(value)] for name, value in body.items() if name != "private")
        return _page(f"{connection}: {kind} {object_id}", _table(("field", "value"), rows))

    return routes


def _found(world: World, connection: str, kind: str, object_id: str) -> Body | None:
    """The object as the ledger calls it: a mail by its Message-ID, Shopify's objects by their global id too."""
    if kind == "mail":
        return next(iter(world.find(connection, kind, {"message_id": object_id})), None)
    return world.get(connection, kind, object_id.rpartition("/")[2])


def _page(title: str, content: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(_HEAD.format(title=escape(title)) + content, status)


def _effects(effects: list[Body]) -> str:
    names = ("at", "connection", "operation", "reference", "key", "object_id", "amount", "undoes")
    rows = ([_effect_cell(effect, name) for name in names] for effect in effects)
    return _table(names, rows) if effects else "<p>Nothing has happened.</p>"


def _effect_cell(effect: Body, name: str) -> str:
    text = escape(str(effect[name] or ""))
    if name == "at":
        return f'<time datetime="{text}">{text[11:19]}</time>'
    if name == "amount" and text:
        return f"{text} {escape(effect['currency'] or '')}"
    if name == "reference" and text:
        return f'<a href="/?{escape(urlencode({"reference": effect["reference"]}))}">{text}</a>'
    if name == "object_id" and effect["operation"] in _KINDS:
        parts = (effect["connection"], _KINDS[effect["operation"]], effect["object_id"])
        return f'<a href="/objects/{escape("/".join(quote(part, safe="") for part in parts))}">{text}</a>'
    return text


def _value(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"<pre>{escape(json.dumps(value, indent=1, ensure_ascii=False))}</pre>"
    return escape(str(value))


def _table(names: Iterable[str], rows: Iterable[list[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
