"""What Temporal's sandbox would find in a process is found before: production runs without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def refused(code: str, place: str) -> bool:
    """Whether `make check` refuses a line of code there."""
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--stdin-filename", place, "-"]
    return subprocess.run(command, input=code, cwd=ROOT, capture_output=True, text=True).returncode != 0


@pytest.mark.parametrize(
    "code",
    [
        "import time",
        "import random",
        "import secrets",
        "import uuid",
        "import os",
        "import pathlib",
        "import socket",
        "import subprocess",
        "import threading",
        "from concurrent.futures import ThreadPoolExecutor",
        "import asyncio\nasyncio.to_thread(print)",
        "from datetime import UTC, datetime\ndatetime.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import datetime\ndatetime.today()",
        "from datetime import date\ndate.today()",
    ],
)
def test_a_process_may_not_ask_what_a_replay_would_answer_otherwise(code: str) -> None:
    assert refused(code, "workflows/new.py")
    assert not refused(code, "activities/new.py")


def test_a_process_may_count_with_dates() -> None:
    assert not refused("from datetime import date, datetime, timedelta\ntimedelta(days=1)", "workflows/new.py")
