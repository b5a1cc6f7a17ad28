"""Builds of the product as they are released: a copy of its code with another story, and workers that run it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.history.v1 import HistoryEvent

from seamline.catalog import ROOT
from seamline.child import Child
from tests.end_to_end.world import SECONDS_MAX, Handle, World

DEPLOYMENT = "seamline"
PACKAGES = ("seamline", "activities", "workflows", "worker")
STORY = "workflows/order_to_shipment.py"


@dataclass
class Build:
    """One release: its code in a folder, and the environment that its workers have."""

    id: str
    code: Path
    env: Mapping[str, str]
    worker: Child | None = None

    async def start(self) -> None:
        """Run a worker of it."""
        ready = self.code / "ready"
        ready.unlink(missing_ok=True)
        command = [*PYTHON, "worker", "--ready-file", str(ready)]
        self.worker = await Child.start(self.id, command, self.code / "worker.log", env=self.env)

        async def is_ready() -> bool:
            return ready.exists()

        await self.worker.until(is_ready, SECONDS_MAX)

    async def stop(self) -> None:
        """End its worker."""
        if self.worker:
            await self.worker.stop()

    async def release(self, *arguments: str) -> tuple[int, str]:
        """`python -m worker.release` with this build's code: its exit code, and what it says."""
        process = await asyncio.create_subprocess_exec(
            *PYTHON,
            "worker.release",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, **self.env},
        )
        output, _ = await asyncio.wait_for(process.communicate(), SECONDS_MAX)
        return process.returncode or 0, output.decode()


PYTHON = (sys.executable, "-P", "-m")
"""Without the current folder on the path, which holds the code of the tests' own build."""


def build(world: World, folder: Path, identity: str, changes: Mapping[str, str] | None = None) -> Build:
    """The code of today with the story's text changed, each piece by another."""
    code = folder / identity
    for package in PACKAGES:
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    story = (code / STORY).read_text()
    for old, new in (changes or {}).items():
        assert old in story
        story = story.replace(old, new)
    (code / STORY).write_text(story)
    settings = world.settings.model_dump(mode="json", include={"connections", "policy"})
    settings["worker"] = {"deployment": DEPLOYMENT, "build_id": identity}
    address = world.client.service_client.config.target_host
    env = {f"SEAMLINE_{name.upper()}": json.dumps(value) for name, value in settings.items()}
    return Build(identity, code, {**env, "TEMPORAL_ADDRESS": address, "PYTHONPATH": str(code)})


async def builds_of(handle: Handle) -> Sequence[str]:
    """The builds that ran a process, in order, each once in a row."""
    builds: list[str] = []
    for event in (await handle.fetch_history()).events:
        if (one := _build_of(event)) and builds[-1:] != [one]:
            builds.append(one)
    return builds


def _build_of(event: HistoryEvent) -> str:
    if not event.HasField("workflow_task_completed_event_attributes"):
        return ""
    return event.workflow_task_completed_event_attributes.deployment_version.build_id
