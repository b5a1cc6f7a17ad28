"""`python -m tests.matrix`: play the matrix, print it, and say whether it is green. Exit code 0 when it is, else 1."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from rich.console import Console

from seamline.child import ChildFailed
from seamline.folder import FolderInUse
from seamline.local import STATE
from tests.matrix.report import tables, write_page
from tests.matrix.run import Played, run_cells
from tests.matrix.self_test import run_all
from tests.matrix.table import Cell, cells

WIDTH_WITHOUT_TERMINAL = 160


def main() -> int:
    """Do what was asked for."""
    asked = _options()
    console = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)
    if asked.self_test:
        return run_all(console)
    if asked.write_page:
        write_page()
        return 0
    chosen = [cell for cell in cells() if all(word in str(cell) for word in asked.only.split())]
    if not chosen:
        console.print(f"no cell has all of: {asked.only}")
        return 1
    logging.disable(logging.WARNING)  # the SDK tells of every failure that is meant
    seen: list[Cell] = []

    def tell(played: Played) -> None:
        seen.append(played.cell)
        if asked.verbose or played.findings:
            console.print(
                f"{len(seen)}/{len(chosen)} {played.cell}: {played.end} {' '.join(played.findings)}", markup=False
            )

    try:
        report = asyncio.run(run_cells(chosen, asked.state, tell))
    except (ChildFailed, FolderInUse) as error:
        console.print(str(error), markup=False)
        return 1
    for table in tables({one.cell: one.end if not one.findings else "RED" for one in report.played}):
        console.print(table)
    for one in report.red:
        console.print(f"RED {one.cell} ({one.reference}): {'; '.join(one.findings)}", markup=False)
    for stray in report.strays:
        console.print(f"RED {stray}", markup=False)
    green = len(report.played) - len(report.red)
    console.print(f"{green} of {len(report.played)} cells green, {report.seconds:.0f} s")
    return 0 if report.ok else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="cells whose name has all of these words")
    parser.add_argument("--state", type=Path, default=STATE / "matrix", help="folder for the state; emptied first")
    parser.add_argument("--verbose", action="store_true", help="name each cell as it ends")
    parser.add_argument("--write-page", action="store_true", help="write the table of docs/reliability.md anew")
    parser.add_argument("--self-test", action="store_true", help="break the product in several ways and see each found")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
