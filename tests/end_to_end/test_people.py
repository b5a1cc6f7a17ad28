"""People act in the shop, the ERP and at the carrier while a process runs: every cell of the table is played.

All orders of a stage run at once, in one world whose warehouse stands still; real webhooks tell through the real door.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.end_to_end.acting import Cell, Ended, Play, check, watched_shops
from tests.end_to_end.people import CELLS, Part, Stage

pytestmark = [pytest.mark.usefixtures("played"), pytest.mark.timeout(600)]

HERE = [cell for cell in CELLS if cell[2] is Part.ALONE]


@pytest.fixture(scope="module")
async def played(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[Cell, Ended]]:
    """Every cell, played; then the checker judges all of them."""
    async with watched_shops(tmp_path_factory.mktemp("people")) as (told, quiet):
        ends: dict[Cell, Ended] = {}
        for stage in Stage:
            ends |= await Play(quiet if stage is Stage.UNTOLD else told, stage).run()
        verdict = await told.verdict()
        assert verdict.ok, verdict.findings
        yield ends


@pytest.mark.parametrize("cell", HERE, ids=[f"{act.name}-{stage.name}".lower() for act, stage, _ in HERE])
async def test_what_comes_of_it(played: dict[Cell, Ended], cell: Cell) -> None:
    check(cell, played[cell])
