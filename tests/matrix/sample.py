"""The sample of the matrix that every run of the tests plays: some cells of each kind, chosen by a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.matrix.table import KILLS, Cell, Disturbance, cells

SEED = 3
ALONE, STRUCK = 12, 3
"""How many cells, and how many of them for each kill."""


def _sample() -> Iterator[Cell]:
    dice = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    every = list(cells())
    for kill in KILLS:
        yield from dice.sample([cell for cell in every if cell.disturbance is kill], STRUCK)
    yield dice.choice([cell for cell in every if cell.disturbance is Disturbance.UNKNOWN])
    yield from dice.sample([cell for cell in every if cell.disturbance not in (*KILLS, Disturbance.UNKNOWN)], ALONE)


SAMPLE = frozenset(str(cell) for cell in _sample())
