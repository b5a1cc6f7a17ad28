"""Whether the matrix can fail: the product is broken in one place at a time, and the cells named must turn red.

Each break is a replacement of text in a copy of the tree, where the cells are played by a command of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.storm.self_test import COPIED, RED, ROOT

RUN_SECONDS_MAX = 600
NAMED = re.compile(r"^RED (\S+) \(", re.MULTILINE)


@dataclass(frozen=True)
class Break:
    """One place to break, the cells that are played (`only`), and some that must be red."""

    name: str
    file: str
    right: str
    wrong: str
    only: str
    red: tuple[str, ...]


BREAKS = (
    Break(
        "the look-up before a label is bought again",
        "activities/ensure.py",
        "    found = await find()\n",
        "    found: list[T] = []\n",
        "buy-label after",
        ("buy-label-lost-reply-after", "buy-label-worker-killed-after", "buy-label-timeout-after"),
    ),
    Break(
        "the shield around undo",
        "seamline/process/process.py",
        "                if not self.is_cancel_request():\n                    raise\n        return task.result()",
        "                raise\n        return task.result()",
        "second-cancel",
        ("capture-second-cancel-undoing", "buy-label-second-cancel-undoing"),
    ),
    Break(
        "the gate",
        "seamline/process/process.py",
        "            if answer.state is UndoState.TOO_LATE:\n",
        "            if answer.state is None:\n",
        "hand",
        ("handed-over-temporal-cancel-after", "gate-search-packed-hand-over-undoing"),
    ),
    Break(
        "the test for a cancel after a step that succeeded",
        "seamline/process/process.py",
        "workflow.cancellation_reason() is not None or bool(self.stop_asked)",
        "bool(self.stop_asked)",
        "temporal-cancel",
        ("buy-label-temporal-cancel-after",),
    ),
    Break(
        "undo registered before its effect",
        "seamline/process/process.py",
        "        return await RunningStep(self, operation, call, check=check, amended=amended, entry=entry).run()\n",
        "        self.undo._entries = self.undo._entries[:-1] if entry else self.undo._entries\n"
        "        done = await RunningStep(self, operation, call, check=check, amended=amended, entry=entry).run()\n"
        "        self.undo._entries += [entry] if entry else []\n"
        "        return done\n",
        "buy-label cancel",
        ("buy-label-temporal-cancel-after",),
    ),
)


def run_all(console: Console) -> int:
    """Run every break. 0 when the matrix found each, 1 when it missed one."""
    missed = [one for one in BREAKS if not _found(one, console)]
    console.print(f"{len(BREAKS) - len(missed)} of {len(BREAKS)} breaks were found")
    return 1 if missed else 0


def _found(broken: Break, console: Console) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in (*COPIED, "docs"):
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        file = tree / broken.file
        text = file.read_text()
        if text.count(broken.right) != 1:
            console.print(f"{broken.file} has changed: renew the break of {broken.name}")
            return False
        file.write_text(text.replace(broken.right, broken.wrong))
        ended = subprocess.run(
            [sys.executable, "-m", "tests.matrix", "--only", broken.only],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
        )
    red = set(NAMED.findall(ended.stdout))
    found = ended.returncode == RED and red.issuperset(broken.red)
    console.print(f"{'found ' if found else 'MISSED'} {broken.name}: {len(red)} cells are red")
    if not found:
        console.print(f"red: {sorted(red)}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}", markup=False)
    return found
