"""Slack's incoming webhooks, as Slack documents them."""

from __future__ import annotations

import httpx
import pytest

from seamline.simulator.server import Simulator

PATH = "/slack/chat-main/services/T0SIMULATED/B0SIMULATED/slack-test-chat-main"


async def test_a_message_is_kept_and_in_the_ledger(simulator: Simulator, http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json={"text": "3 processes wait"})
    assert (answer.status_code, answer.text) == (200, "ok")
    (kept,) = (await http.get("/_simulator/messages", params={"connection": "chat-main"})).json()
    assert kept["text"] == "3 processes wait"
    (effect,) = (await http.get("/_simulator/effects")).json()
    assert (effect["operation"], effect["object_id"], effect["reference"]) == ("tell-team", kept["id"], "")
    assert "3 processes wait" in (await http.get(f"/objects/chat-main/message/{kept['id']}")).text
    assert (await http.get("/_simulator/messages", params={"connection": "chat-two"})).json() == []


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        (PATH, b"no JSON", 400, "invalid_payload"),
        (PATH, b'{"text": 3}', 400, "invalid_payload"),
        (PATH, b'{"text": ""}', 400, "no_text"),
        (PATH, b"{}", 400, "no_text"),
        (PATH + "x", b'{"text": "x"}', 403, "invalid_token"),
        (PATH.replace("B0SIMULATED", "B0GONE"), b'{"text": "x"}', 404, "no_service"),
    ],
)
async def test_what_is_wrong_is_said_in_a_word(
    http: httpx.AsyncClient, path: str, body: bytes, status: int, text: str
) -> None:
    answer = await http.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (status, text)
    assert (await http.get("/_simulator/messages")).json() == []


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        ({"kind": "throttle", "delay_seconds": 7}, 429, "rate_limited"),
        ({"kind": "refuse"}, 403, "action_prohibited"),
        ({"kind": "status", "status": 410}, 410, "channel_is_archived"),
        ({"kind": "status", "status": 500}, 500, "rollup_error"),
    ],
)
async def test_faults_have_slacks_shape(
    http: httpx.AsyncClient, fault: dict[str, object], status: int, text: str
) -> None:
    await http.post("/_simulator/faults", json={"connection": "chat-main", **fault})
    answer = await http.post(PATH, json={"text": "x"})
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
