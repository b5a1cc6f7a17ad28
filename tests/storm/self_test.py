"""Whether the storm can fail: the product is broken in one place at a time, and the storm must turn red.

Each break is a replacement of text in a copy of the tree, where a storm runs as a command of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).parents[2]
COPIED = ("seamline", "workflows", "activities", "worker", "tests")
RUN_SECONDS_MAX = 600
RED = 1


@dataclass(frozen=True)
class Break:
    """One place to break, and the storm that finds it. `finds` are the rules of which one must be named."""

    name: str
    file: str
    right: str
    wrong: str
    finds: tuple[str, ...]
    seed: int = 1
    orders: int = 40


BREAKS = (
    Break(
        "the look-up before a label is bought again",
        "activities/ensure.py",
        "    found = await find()\n",
        "    found: list[T] = []\n",
        ("twice", "twice-ever", "left-over"),
    ),
    Break(
        "the shield around undo",
        "seamline/process/process.py",
        "                if not self.is_cancel_request():\n                    raise\n        return task.result()",
        "                raise\n        return task.result()",
        ("left-over", "ended-badly", "not-settled", "money-pending"),
    ),
    Break(
        "the gate",
        "seamline/process/process.py",
        "            if answer.state is UndoState.TOO_LATE:\n",
        "            if answer.state is None:\n",
        ("left-over",),
    ),
    Break(
        "the acknowledgement after Temporal has it",
        "seamline/api/webhooks.py",
        "    workflow_id, started = await door.start(process, start)\n",
        "    later = __import__('asyncio').create_task(door.start(process, start))\n"
        "    later.add_done_callback(lambda task: task.exception())\n"
        '    workflow_id, started = f"{process.name}:{start.reference}", True\n',
        ("lost",),
    ),
)


def run_all(console: Console) -> int:
    """Run every break. 0 when the storm found each, 1 when it missed one."""
    missed = [one for one in BREAKS if not _found(one, console)]
    console.print(f"{len(BREAKS) - len(missed)} of {len(BREAKS)} breaks were found")
    return 1 if missed else 0


def _found(broken: Break, console: Console) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in COPIED:
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        file = tree / broken.file
        text = file.read_text()
        if text.count(broken.right) != 1:
            console.print(f"{broken.file} has changed: renew the break of {broken.name}")
            return False
        file.write_text(text.replace(broken.right, broken.wrong))
        ended = subprocess.run(
            [sys.executable, "-m", "tests.storm", "--seed", str(broken.seed), "--orders", str(broken.orders)],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
        )
    named = [rule for rule in broken.finds if f"  {rule} " in ended.stdout]
    found = ended.returncode == RED and bool(named)
    console.print(f"{'found ' if found else 'MISSED'} {broken.name}: {', '.join(named) or 'nothing that was expected'}")
    if not found:
        console.print(ended.stdout[-3000:] + ended.stderr[-3000:], markup=False, highlight=False)
    return found
