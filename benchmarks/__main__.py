"""`python -m benchmarks`: rounds in which every contender has its turn, and one table of them all.

Within a round the contenders follow one another on the same machine, each with fresh servers, and each round begins
with another: what the machine does meanwhile meets all alike. So ratios are computed within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.contenders import ALL, BY_NAME, missing
from benchmarks.measure import Sizes, Wrong
from benchmarks.rounds import rounds_of
from benchmarks.table import Round, contenders_table, ratios_table
from seamline.temporal import PRAGMAS

PAGE = Path(__file__).parent.parent / "docs/performance.md"
BEGIN, END = "<!-- measured: make bench WRITE=1 -->", "<!-- /measured -->"


def report(rounds: Sequence[Round], sizes: Sizes) -> str:
    """What is printed, and written into the page."""
    turn = next(iter(rounds[0].values()))
    where = f"{os.cpu_count()} cores, {platform.system()} on {platform.machine()}, Python {platform.python_version()}"
    turn = next(iter(rounds[0].values()))
    of_each: Counter[str] = Counter()
    for name, count in turn.calls.items():
        of_each[name.split()[0]] += count
    told = ", ".join(f"{count} of {connection}" for connection, count in of_each.most_common())
    measured = (
        f"Measured on {datetime.now(UTC):%d %B %Y} ({where}): {len(rounds)} rounds, each of {sizes.alone} orders "
        f"one at a time and {sizes.many} with {sizes.at_once} in flight. An order is {turn.calls.total()} calls "
        f"({told}) and {turn.effects.total()} effects, the same for every contender."
    )
    return "\n\n".join([measured, contenders_table(rounds), ratios_table(rounds)])


def write_into(page: Path, text: str) -> None:
    """Put the figures between the marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and write where asked."""
    chosen = _parser().parse_args(arguments)
    sizes = Sizes(chosen.warm, chosen.alone, chosen.orders, chosen.at_once, chosen.pragma)
    contenders = [BY_NAME[name] for name in chosen.only or BY_NAME]
    for one in contenders:
        if reason := missing(one):
            say(f"left out: {one.title}: {reason}")
    try:
        rounds = asyncio.run(rounds_of([one for one in contenders if not missing(one)], chosen.rounds, sizes, say))
    except Wrong as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    text = report(rounds, sizes)
    sys.stdout.write(f"\n{text}\n")
    if chosen.write:
        write_into(PAGE, text)
    return 0


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--orders", type=int, default=100, help="orders in the part with many at once")
    parser.add_argument("--at-once", type=int, default=50, help="how many of them are in flight")
    parser.add_argument("--alone", type=int, default=15, help="orders one at a time")
    parser.add_argument("--warm", type=int, default=5, help="orders before anything is measured")
    parser.add_argument("--pragma", nargs="+", default=PRAGMAS, help="for Temporal's database, as synchronous=NORMAL")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in ALL], help="these contenders alone")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/performance.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
