"""The matrix as tables: for the terminal with what came of it, for the documentation with what must come of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.table import Table

from tests.matrix.places import GATES, PLACES
from tests.matrix.table import Cell, Disturbance, Moment, cells, expected, left_out

PAGE = Path(__file__).resolve().parents[2] / "docs/reliability.md"
MARKED = re.compile(r"<!-- matrix -->\n.*?<!-- end -->", re.DOTALL)
COLUMNS = tuple(one for one in Disturbance if one is not Disturbance.HAND_OVER)
TITLES = {
    Moment.BEFORE: "Before it happens",
    Moment.AFTER: "After it happened, before the process knows",
    Moment.UNDOING: "While its undo is called",
    Moment.TAKEN_BACK: "After its undo happened, before the process knows",
}


def tables(ends: Mapping[Cell, str]) -> Iterator[Table]:
    """What came of the cells, a table for each moment and one for the gate."""
    for moment, rows in _rows(ends).items():
        table = Table("", *COLUMNS, title=TITLES[moment])
        for row in rows:
            table.add_row(*row)
        yield table
    races = {cell: end for cell, end in ends.items() if cell.place in GATES}
    if races:
        table = Table("call of the gate", "moment", "ended", title="Handed over while it is taken back")
        for cell, end in races.items():
            table.add_row(cell.place.name, cell.moment, end)
        yield table


def _rows(ends: Mapping[Cell, str]) -> dict[Moment, list[list[str]]]:
    rows: dict[Moment, list[list[str]]] = defaultdict(list)
    for moment in Moment:
        for place in PLACES:
            row = [ends.get(Cell(place, disturbance, moment), "") for disturbance in COLUMNS]
            if any(row):
                rows[moment].append([place.name, *row])
    return rows


def page_part() -> str:
    """The generated part of the page."""
    return f"<!-- matrix -->\n{_text()}<!-- end -->"


def write_page() -> None:
    """Write the generated part of the page anew."""
    PAGE.write_text(MARKED.sub(lambda _: page_part(), PAGE.read_text()))


def _text() -> str:
    all_cells = list(cells())
    ends = {cell: str(expected(cell)) for cell in all_cells}
    text = ""
    for moment, rows in _rows(ends).items():
        text += f"**{TITLES[moment]}**\n\n| step | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}\n"
        text += "".join(f"| {' | '.join(cell or '-' for cell in row)} |\n" for row in rows) + "\n"
    text += f"{len(all_cells)} cells, {sum(cell.place in GATES for cell in all_cells)} of them races with the gate.\n\n"
    return text + _reasons()


def _reasons() -> str:
    reasons: dict[str, list[Cell]] = defaultdict(list)
    for cell, reason in left_out():
        reasons[reason].append(cell)
    text = "| left out | why |\n|---|---|\n"
    for reason, some in reasons.items():
        text += f"| {_which(some)} | {reason} |\n"
    return text


def _which(some: list[Cell]) -> str:
    places = dict.fromkeys(cell.place.name for cell in some)
    disturbances = dict.fromkeys(cell.disturbance.value for cell in some)
    moments = [moment.value for moment in Moment if any(cell.moment is moment for cell in some)]
    place = "every step" if len(places) == len(PLACES) else ", ".join(places)
    disturbance = "" if len(disturbances) == len(COLUMNS) else ", ".join(disturbances)
    return "; ".join(filter(None, (place, disturbance, ", ".join(moments))))
