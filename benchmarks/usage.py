"""What a process used so far, as Linux tells it; nothing elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _SYSTEM = 11, 12
"""Where the times are in /proc/PID/stat, counted after the name, which may hold anything."""


@dataclass(frozen=True)
class Usage:
    """CPU milliseconds since the process began, and the most memory that it held."""

    cpu_ms: float
    peak_mb: float


def usage_of(pid: int | None) -> Usage | None:
    """The usage of a running process; None where the system does not tell, or where there is no process."""
    if pid is None or not Path(f"/proc/{pid}/stat").exists():
        return None
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return Usage((int(stat[_USER]) + int(stat[_SYSTEM])) * 1000 / _TICKS, int(peak.split()[1]) / 1024)


def between(before: Usage | None, after: Usage | None) -> float | None:
    """The CPU milliseconds used between two looks."""
    return after.cpu_ms - before.cpu_ms if before and after else None
