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
SETTLE_SECONDS_MAX, SETTLE_BROKEN_SECONDS_MAX = 180, 30
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
    calm: bool = False
    """Found without kills and faults, which only take time."""


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
        12,
        ("lost",),
    ),
    Break(
        "the stop of all calls",
        "seamline/stopping.py",
        "RateLimit(requests_per_second=0)",
        "RateLimit(requests_per_second=100)",
        "stopped",
        12,
        ("stopped",),
    ),
    Break(
        "a label for each parcel",
        "workflows/order_to_shipment.py",
        "for place, parcel in enumerate(parcels):",
        "for place, parcel in enumerate(parcels[:1]):",
        "parcels",
        6,
        ("count",),
        calm=True,
    ),
    Break(
        "the rest that is back-ordered",
        "workflows/parting.py",
        "        await self.hand_on(type(self), self.start.model_copy(update={**part, **known}))\n",
        "",
        "split-off",
        6,
        ("unshipped",),
        calm=True,
    ),
    Break(
        "the hold of another app",
        "workflows/order_to_shipment.py",
        "not (order.awaits_payment or order.held)",
        "not order.awaits_payment",
        "held",
        8,
        ("held",),
        calm=True,
    ),
    Break(
        "the warehouse of a location",
        "workflows/parting.py",
        "            self.choose(role, connection)\n",
        "            pass\n",
        "two-stores",
        6,
        ("wrong-place",),
        calm=True,
    ),
    Break(
        "the goods of a return",
        "workflows/return_order.py",
        "        if inspection.restocked:\n",
        "        if inspection.restocked < 0:\n",
        "returns",
        8,
        ("count",),
        calm=True,
    ),
    Break(
        "marketing, when a deal is taken back",
        "workflows/reverse_deal.py",
        "        await self.tell_marketing(deal, reversal)\n",
        "",
        "deals",
        10,
        ("left-over",),
        calm=True,
    ),
    Break(
        "observe-only",
        "seamline/process/effect.py",
        "with observing(call.observe_only):",
        "with observing(False):",
        "observed",
        5,
        ("observed-acted",),
        calm=True,
    ),
    Break(
        "the labels that others buy",
        "workflows/replanning.py",
        "        return self.policy.shop(self.start.reference).labels is Labels.OTHERS",
        "        return self.policy.shop(self.start.reference).labels is None",
        "others-labels",
        5,
        ("wrong-hands",),
        calm=True,
    ),
)


def run_all(console: Console, only: str = "") -> int:
    """Run every theme unbroken and broken. 0 when all were green and the storm found each break, else 1."""
    breaks = [one for one in BREAKS if only in one.name]
    found = [_found(one, console) for one in breaks]
    console.print(f"{sum(found)} of {len(breaks)} breaks were found")
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
        [
            sys.executable,
            *("-m", "tests.storm", *(text for pair in asked.items() for text in pair)),
            *(["--calm"] if broken.calm else []),
        ],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS_MAX,
    )
