"""Whether the storm can fail: the product is broken in one place at a time, and the storm must turn red.

Each break is a replacement of text in a copy of the tree, where a storm runs as a command of its own. Its theme is a
plan rich in what the break hurts by; unbroken, the same storm must be green.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parents[2]
COPIED = ("seamline", "workflows", "activities", "worker", "tests")
RUN_SECONDS_MAX = 600
SETTLE_SECONDS_MAX, SETTLE_BROKEN_SECONDS_MAX = 90, 15
SEED = 1
GREEN, RED = 0, 1
SAID_MAX = 3000


@dataclass(frozen=True)
class Break:
    """One place to break, and the storm that finds it. `finds` are the rules of which one must be named."""

    name: str
    file: str
    right: str
    wrong: str
    theme: str
    orders: int
    finds: tuple[str, ...]


BREAKS = (
    Break(
        "the look-up before something is made again",
        "activities/ensure.py",
        "    found = await find()\n",
        "    found: list[T] = []\n",
        "lost-answers",
        6,
        ("twice", "twice-ever", "left-over"),
    ),
    Break(
        "the shield around undo",
        "seamline/process/process.py",
        "                if not self.is_cancel_request():\n                    raise\n        return task.result()",
        "                raise\n        return task.result()",
        "cancels-in-undo",
        8,
        ("left-over",),
    ),
    Break(
        "the gate",
        "seamline/process/process.py",
        "            if answer.state is UndoState.TOO_LATE:\n",
        "            if answer.state is None:\n",
        "late-cancels",
        8,
        ("left-over",),
    ),
    Break(
        "the acknowledgement after Temporal has it",
        "seamline/api/webhooks.py",
        "        done = await door.deliver(reference, event)\n",
        "        later = __import__('asyncio').create_task(door.deliver(reference, event))\n"
        "        later.add_done_callback(lambda task: task.exception())\n"
        "        done = __import__('seamline.api.door').api.door.Delivered(reference, True, ())\n",
        "dead-temporal",
        16,
        ("lost",),
    ),
    Break(
        "the stop of all calls",
        "seamline/stopping.py",
        "RateLimit(requests_per_second=0)",
        "RateLimit(requests_per_second=100)",
        "stopped",
        9,
        ("stopped",),
    ),
)


def run_all(console: Console) -> int:
    """Run every theme unbroken and broken. 0 when all were green and the storm found each break, else 1."""
    found = [_found(one, console) for one in BREAKS]
    console.print(f"{sum(found)} of {len(BREAKS)} breaks were found")
    return 0 if all(found) else 1


def _found(broken: Break, console: Console) -> bool:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        file = tree / broken.file
        text = file.read_text()
        if text.count(broken.right) != 1:
            console.print(f"{broken.file} has changed: renew the break of {broken.name}")
            return False
        whole = _storm(broken, tree, SETTLE_SECONDS_MAX)
        file.write_text(text.replace(broken.right, broken.wrong))
        ended = _storm(broken, tree, SETTLE_BROKEN_SECONDS_MAX)
    named = [rule for rule in broken.finds if f"  {rule} " in ended.stdout]
    found = whole.returncode == GREEN and ended.returncode == RED and bool(named)
    told = ", ".join(named) or "nothing that was expected"
    console.print(f"{'found ' if found else 'MISSED'} {broken.name}: {told} ({time.monotonic() - began:.0f} s)")
    for one in (whole, ended):
        if not found:
            console.print((one.stdout + one.stderr)[-SAID_MAX:], markup=False, highlight=False)
    return found


def _storm(broken: Break, tree: Path, settle_seconds_max: int) -> subprocess.CompletedProcess[str]:
    asked = {
        "--theme": broken.theme,
        "--seed": str(SEED),
        "--orders": str(broken.orders),
        "--settle-seconds": str(settle_seconds_max),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.storm", *(text for pair in asked.items() for text in pair)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
    )
