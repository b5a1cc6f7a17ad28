"""Names, addresses and what customers write stay in payloads: ids, attributes, memos, messages and logs hold none."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from seamline.telemetry import JsonFormatter
from tests.end_to_end.world import Handle, World

NAME, STREET, CITY = "Quillsworth", "Nettlebed", "Mousehole"
EMAIL, PHONE, POSTCODE = "q.marked@example.com", "+441736555123", "ZZ9 9ZZ"
MARKS = (NAME, STREET, CITY, EMAIL, PHONE, POSTCODE, "Clovelly", "ZZ99ZZ")
ADDRESS = {
    "firstName": "Ada",
    "lastName": NAME,
    "address1": f"7 {STREET} Lane",
    "city": CITY,
    "phone": PHONE,
    "zip": POSTCODE,
}


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every line that the worker would log; the simulator's mail server, in this process too, has its own log."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name != "mail.log":
                lines.append(self.format(record))

    handler, root = Keep(), logging.getLogger()
    handler.setFormatter(JsonFormatter())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lines
    root.setLevel(before)
    root.removeHandler(handler)


async def test_what_a_customer_wrote_is_in_payloads_alone(world: World, logged: list[str]) -> None:
    await world.fault(world.names.carrier, "transactions.create", "refuse", count=1, reason=f"no {NAME} at {STREET}")
    await world.fault(world.names.mail, "send", "refuse", count=1, reason=f"<{EMAIL}> is unknown here")
    await world.fault(world.names.inventory, "sale.sale.create", "status", status=503, count=1, reason=NAME)
    reference = await world.order(address=ADDRESS, email=EMAIL, phone=PHONE, note=f"for {NAME}")
    handle = await world.start(reference)
    await decided(world, handle, "check-address#1", "amend", change={"postcode": "CB2 1RX"}, why=f"{NAME} said so")
    await decided(world, handle, "buy-label#1", "amend", change={"parcel": {"address": {"name": "Clovelly"}}})
    await decided(world, handle, "send-shipped#1", "retry")
    assert (await world.outcome(handle))["kind"] == "completed"
    await world.outcome(world.handle("follow-parcel", reference))
    for name in ("order-to-shipment", "follow-parcel"):
        seen = await shown_outside_payloads(world.handle(name, reference))
        assert [mark for mark in MARKS if mark in seen] == []
        assert reference in seen
    assert logged
    assert [line for line in logged if any(mark in line for mark in MARKS)] == []


async def decided(world: World, handle: Handle, wait: str, action: str, **more: Any) -> None:
    await world.until(handle, lambda view: [one for one in view.waits if one.name == wait])
    await world.decide(handle, wait=wait, action=action, **more)


async def shown_outside_payloads(handle: Handle) -> str:
    """All that Temporal keeps of a run and shows without a codec: everything but inputs, results and details."""
    described = await handle.describe()
    shown = [handle.id, str(described.typed_search_attributes), json.dumps(await described.memo())]
    history = await handle.fetch_history()
    shown += [json.dumps(_clear(MessageToDict(event))) for event in history.events]
    return "\n".join(shown)


def _clear(value: Any) -> Any:
    """An event without its payloads, which production can encrypt, and with attributes, memo and summaries as text."""
    if isinstance(value, dict):
        clear = {name: _clear(one) for name, one in value.items() if name != "payloads"}
        return base64.b64decode(clear["data"]).decode() if isinstance(clear.get("data"), str) else clear
    return [_clear(one) for one in value] if isinstance(value, list) else value
