"""A sample of the matrix, or the cells that `-k` names. Each must end as its rule says, and the checker agrees."""

from __future__ import annotations

import pytest

from tests.matrix.report import PAGE, page_part
from tests.matrix.run import Report, run_cells
from tests.matrix.sample import SAMPLE
from tests.matrix.table import Cell, Disturbance, Moment, cells, left_out

pytestmark = pytest.mark.timeout(600)
CELLS = tuple(cells())


@pytest.fixture(scope="module")
async def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """All cells that are asked for, played together."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return await run_cells([item.callspec.params["cell"] for item in here], tmp_path_factory.mktemp("matrix"))


@pytest.mark.parametrize("cell", CELLS, ids=str)
async def test_it_ends_as_it_must(cell: Cell, report: Report) -> None:
    [played] = [one for one in report.played if one.cell == cell]
    assert played.findings == ()


async def test_the_checker_finds_nothing_else(report: Report) -> None:
    assert report.strays == []


def test_every_cell_is_played_or_left_out_with_a_reason() -> None:
    left = [cell for cell, reason in left_out() if reason]
    places = {cell.place for cell in (*CELLS, *left) if cell.disturbance is not Disturbance.HAND_OVER}
    matrix = [cell for cell in (*CELLS, *left) if cell.disturbance is not Disturbance.HAND_OVER]
    assert len(set(matrix)) == len(matrix) == len(places) * (len(Disturbance) - 1) * len(Moment)


def test_cells_have_names_of_their_own_and_the_sample_is_among_them() -> None:
    names = [str(cell) for cell in CELLS]
    assert len(set(names)) == len(names)
    assert set(names) >= SAMPLE


def test_the_page_has_the_table() -> None:
    assert page_part() in PAGE.read_text(), "write it anew: python -m tests.matrix --write-page"
