"""With `seamline up` alone, teams are told what waits: by mail and in the chat of the simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from seamline.local import Running
from tests.cli.conftest import until

BAD_POSTCODE = {"address": {"lastName": "Quimby", "zip": "ZZ9 9ZZ"}}
CAUSE = "shippo-main refusal"


def test_a_team_reads_of_an_order_that_waits_and_nothing_of_the_customer(
    stack: Running, order: Callable[..., str]
) -> None:
    order(**BAD_POSTCODE)

    def mail() -> Any:
        return next(
            (one for one in asked(stack, "mails", to="operations@supplies.example") if CAUSE in one["text"]), None
        )

    def message() -> Any:
        return next((one for one in asked(stack, "messages", connection="chat-main") if CAUSE in one["text"]), None)

    for text in (until(mail)["text"], until(message)["text"]):
        assert f"{stack.temporal_ui}/namespaces/default/workflows/order-to-shipment:shop-uk:" in text
        assert "Quimby" not in text
        assert "ZZ9" not in text
    assert "tell-team" in httpx.get(stack.simulator).text


def asked(stack: Running, what: str, **query: str) -> list[dict[str, Any]]:
    """What the simulator has of it."""
    answer = httpx.get(f"{stack.simulator}/_simulator/{what}", params=query)
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found
