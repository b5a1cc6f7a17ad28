"""The worker as a program of its own, which can be killed and started again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from seamline.child import Part
from seamline.settings import Settings

WORKER_SECONDS_MAX = 120


def worker_program(settings: Settings, temporal: str, state: Path) -> Part:
    """A worker with these settings at the Temporal of this address; its files are in `state`. It is not started yet."""
    values = settings.model_dump(mode="json", include={"connections", "policy"})
    env = {f"SEAMLINE_{name.upper()}": json.dumps(value) for name, value in values.items()}
    ready = state / "worker.ready"
    command = [sys.executable, "-m", "worker", "--ready-file", str(ready)]
    env |= {"TEMPORAL_ADDRESS": temporal}
    return Part("worker", command, state / "worker.log", ready, start_seconds_max=WORKER_SECONDS_MAX, env=env)
