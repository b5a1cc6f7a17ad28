"""A simulator of its own for each test, over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from seamline.http import Answer, trusted
from seamline.simulator.server import Simulator, running
from tests.contract import descriptions
from tests.contract.judges import Hearing
from tests.simulated import vendors_of

ANSWER_SECONDS_MAX = 10


@pytest.fixture
async def simulator(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Simulator]:
    """A running simulator with an empty world."""
    async with running(tmp_path / "world.db", vendors=vendors_of(request.module)) as started:
        yield started


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the simulator without credentials.

    What the simulator answers it is held to the vendors' published descriptions, where they are at hand.
    """
    answers: list[httpx.Response] = []

    async def keep(answer: httpx.Response) -> None:
        answers.append(answer)

    async with httpx.AsyncClient(
        base_url=simulator.url, timeout=ANSWER_SECONDS_MAX, verify=trusted(), event_hooks={"response": [keep]}
    ) as client:
        yield client
    if descriptions.AT_HAND:
        hearing = Hearing()
        for one in answers:
            hearing.answer(one.request, Answer(one.status_code, dict(one.headers), one.content))
        assert "\n".join(hearing.problems) == ""
