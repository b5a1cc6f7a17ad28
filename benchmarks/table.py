"""The figures of all rounds as two tables: each contender's medians, and the ratios that hold within a round."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.contenders import BY_NAME
from benchmarks.measure import Turn

Round = Mapping[str, Turn]
"""Every contender's turn, by name."""

PAIRS = (
    ("seamline", "temporal-queues"),
    ("seamline", "temporal"),
    ("seamline-express", "temporal"),
    ("seamline-express", "temporal-local"),
    ("seamline-express", "dbos"),
    ("seamline-express", "seamline"),
    ("seamline-watched", "seamline"),
    ("seamline-two", "seamline"),
)
"""Who is compared with whom."""
NONE = "-"


@dataclass(frozen=True)
class Column:
    """One figure of a turn."""

    title: str
    of: Callable[[Turn], float | None]
    digits: int = 0


COLUMNS = (
    Column("orders/s", lambda turn: turn.orders_a_second, 1),
    Column("p50 ms", lambda turn: turn.p50_ms),
    Column("p95 ms", lambda turn: turn.p95_ms),
    Column("events", lambda turn: turn.history and turn.history.events),
    Column("bytes", lambda turn: turn.history and turn.history.bytes),
    Column("actions", lambda turn: turn.history and turn.history.actions),
    Column("worker CPU ms", lambda turn: turn.worker_cpu_ms),
    Column("server CPU ms", lambda turn: turn.server_cpu_ms),
    Column("worker MB", lambda turn: turn.worker_mb),
    Column("server MB", lambda turn: turn.server_mb),
)


def contenders_table(rounds: Sequence[Round]) -> str:
    """A line for each contender: the medians over the rounds."""
    lines = [["", *(column.title for column in COLUMNS)]]
    for name in rounds[0]:
        turns = [one[name] for one in rounds]
        lines.append([BY_NAME[name].title, *(_median(turns, column) for column in COLUMNS)])
    return _markdown(lines)


def ratios_table(rounds: Sequence[Round]) -> str:
    """A line for each pair: the ratios computed within each round, their median, the least and the most."""
    lines = [["", "orders/s", "p50", "events"]]
    for name, other in PAIRS:
        if name in rounds[0] and other in rounds[0]:
            title = f"{BY_NAME[name].title} : {BY_NAME[other].title}"
            lines.append(
                [title, *(_ratio(rounds, name, other, column) for column in (COLUMNS[0], COLUMNS[1], COLUMNS[3]))]
            )
    return _markdown(lines)


def _median(turns: Sequence[Turn], column: Column) -> str:
    found = [value for turn in turns if (value := column.of(turn)) is not None]
    return f"{statistics.median(found):,.{column.digits}f}" if found else NONE


def _ratio(rounds: Sequence[Round], name: str, other: str, column: Column) -> str:
    pairs = [(column.of(one[name]), column.of(one[other])) for one in rounds]
    ratios = sorted(mine / theirs for mine, theirs in pairs if mine and theirs)
    if not ratios:
        return NONE
    spread = f" ({ratios[0]:.2f} to {ratios[-1]:.2f})" if len(ratios) > 1 else ""
    return f"{statistics.median(ratios):.2f}{spread}"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *rest = lines
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rest))
