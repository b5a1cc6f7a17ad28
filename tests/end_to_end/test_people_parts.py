"""The same acts at one part of an order, and what comes of another part of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import product

import pytest

from tests.end_to_end.acting import Cell, Ended, Play, check, watched_shops
from tests.end_to_end.people import APART, CELLS, Act, Part

pytestmark = [pytest.mark.usefixtures("played"), pytest.mark.timeout(600)]

HERE = [cell for cell in CELLS if cell[2] is not Part.ALONE]
THIRDS = [tuple(Act)[first::3] for first in range(3)]
"""Each order is two processes: fewer run at once than where each is one."""


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[Cell, Ended]]:
    """Every cell, played; then the checker judges all of them."""
    async with watched_shops(tmp_path_factory.mktemp("parts")) as (told, _):
        ends: dict[Cell, Ended] = {}
        for stage, acts in product(APART, THIRDS):
            ends |= await Play(told, stage, acts, (Part.FIRST, Part.SECOND)).run()
        verdict = await told.verdict()
        assert verdict.ok, verdict.findings
        yield ends


@pytest.mark.parametrize("cell", HERE, ids=["-".join(one.name.lower() for one in cell) for cell in HERE])
async def test_what_comes_of_each_part(played: dict[Cell, Ended], cell: Cell) -> None:
    check(cell, played[cell])
