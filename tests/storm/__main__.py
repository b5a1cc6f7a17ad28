"""`python -m tests.storm`: run one storm and print what came of it. Exit code 0 when every promise held, else 1."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seamline.child import ChildFailed
from seamline.folder import FolderInUse
from seamline.local import STATE
from tests.storm.limits import Counted
from tests.storm.plan import Plan
from tests.storm.storm import Report, run_storm
from tests.storm.themes import THEMES

ORDERS_MAX = 5000
SETTLE_SECONDS_MAX = 180
WIDTH_WITHOUT_TERMINAL = 140


def main() -> int:
    """Run what was asked for."""
    asked = _options()
    console = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    if asked.self_test:
        from tests.storm.self_test import run_all

        return run_all(console, asked.only)
    folder = asked.state / str(asked.seed)
    plan = THEMES[asked.theme](asked.seed, asked.orders)
    if asked.calm:
        plan = replace(plan, kills={}, faults={}, stops={})
    try:
        report = asyncio.run(run_storm(plan, folder, settle_seconds_max=asked.settle_seconds, blind=asked.blind))
    except (ChildFailed, FolderInUse) as error:
        console.print(str(error), markup=False)
        return 1
    console.print(figures(report, plan))
    tell(console, report)
    return 0 if report.judgement.ok else 1


def figures(report: Report, plan: Plan) -> Table:
    """The storm's figures."""
    table = Table(title=f"storm, seed {report.seed}", show_header=False)
    kept, judgement = report.figures, report.judgement
    rows = {
        "orders": f"{report.kinds.total()}: {_counts(report.kinds)}",
        "express lane": ", ".join(plan.express) or "none",
        "who does what": str(plan.who),
        "deals": f"{report.deals.total()}: {_counts(report.deals)}",
        "processes": f"{sum(judgement.verdict.processes.values())}: {_counts(judgement.verdict.processes)}",
        "calls hit by faults": f"{kept.faults.total()}: {_counts(kept.faults)}",
        "kills": f"{kept.kills.total()}: {_counts(kept.kills)}",
        "decisions": f"{kept.decisions.total()}: {_counts(kept.decisions)}",
        "done by people meanwhile": f"{kept.acts.total()}: {_counts(kept.acts)}",
        "webhooks sent again": str(kept.duplicates),
        "orders polled for": str(kept.gaps),
        "calls stopped by people": f"{len(kept.stops)} times",
        "calls in outages": f"{_worst(judgement.outages)}, of {len(judgement.outages)} outages",
        "calls in 10 s": _worst(judgement.windows),
        "workflow tasks": f"{judgement.failed_tasks.total()} failed, {judgement.timed_out_tasks} timed out",
        "events per completed order": f"{judgement.events_per_completed:.0f}",
        "seconds": f"{report.seconds:.0f}, of which {report.settle_seconds:.0f} to settle",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def tell(console: Console, report: Report) -> None:
    """The verdict in words, with where to look."""
    findings = report.judgement.findings
    if not findings:
        console.print("GREEN: every promise held")
        return
    console.print(f"RED: {len(findings)} findings, seed {report.seed}")
    for one in findings:
        console.print(f"  {one.rule:20} {one.reference:20} {one.detail}", markup=False, highlight=False)
    for path in report.saved:
        console.print(f"  saved {path}", markup=False, highlight=False)


def _worst(counted: Sequence[Counted]) -> str:
    worst = max(counted, key=lambda one: one.share, default=None)
    return f"the worst {worst}" if worst else "none"


def _counts(counts: dict[str, int] | Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()) if count) or "none"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides the orders, the faults and the kills")
    parser.add_argument("--orders", type=_count, default=200, help=f"1 to {ORDERS_MAX}")
    parser.add_argument("--state", type=Path, default=STATE / "storm", help="folder for a folder of each seed")
    parser.add_argument("--theme", choices=THEMES, default="all", help="a plan rich in one thing")
    parser.add_argument("--calm", action="store_true", help="no part is killed, nothing fails, nothing is stopped")
    parser.add_argument("--settle-seconds", type=float, default=SETTLE_SECONDS_MAX, help="until all must have ended")
    parser.add_argument("--blind", action="store_true", help="searches find nothing: the verdict must be red")
    parser.add_argument("--self-test", action="store_true", help="break the product in several ways and see each found")
    parser.add_argument("--only", default="", help="of the self-test: the breaks whose name has this in it")
    return parser.parse_args()


def _count(text: str) -> int:
    if not 1 <= int(text) <= ORDERS_MAX:
        raise ValueError
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
