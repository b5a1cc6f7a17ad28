"""Today's code still agrees with every history recorded: a running process survives its deployment."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from seamline import catalog
from tests.replay.changed import Changed
from tests.replay.record import ALL, HISTORIES
from worker.sandbox import strict_runner

FILES = sorted(HISTORIES.glob("*.json"))
HISTORY_BYTES_MAX = 150_000


def history(file: Path) -> WorkflowHistory:
    text = file.read_text()
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)


def replayer(*workflows: type) -> Replayer:
    return Replayer(workflows=workflows, workflow_runner=strict_runner(), data_converter=pydantic_data_converter)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_a_recorded_history_replays(file: Path) -> None:
    try:
        await replayer(*catalog.workflows()).replay_workflow(history(file))
    except NondeterminismError as error:
        pytest.fail(f"a process that runs would stand still after this release: docs/changing-a-process.md\n{error}")


def test_every_path_is_recorded() -> None:
    assert {file.stem for file in FILES} >= {*ALL}


async def test_a_step_added_without_a_version_is_caught() -> None:
    with pytest.raises(NondeterminismError):
        await replayer(Changed).replay_workflow(history(HISTORIES / "plain.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_history_is_small_and_holds_no_secret(file: Path) -> None:
    text = file.read_text()
    assert len(text) < HISTORY_BYTES_MAX
    for payload in (*_payloads(text), text):
        for secret in ("shippo-test-", "tryton-test-", "smtp-test-", "shpat_", "Bearer", "secret-", "hubspot-test-"):
            assert secret not in payload


def _payloads(text: str) -> list[str]:
    """What the history's payloads hold, decoded."""
    return [base64.b64decode(found).decode(errors="replace") for found in re.findall(r'"data": ?"([^"]+)"', text)]
