"""One contender's turn: fresh servers, a few orders to warm up, orders one at a time, then many at once."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio.client import Client

from benchmarks.contenders import Contender
from benchmarks.history import History, history_of
from benchmarks.place import Vendors, vendors
from benchmarks.usage import between, usage_of
from seamline.child import die_with
from seamline.temporal import PRAGMAS, EmbeddedTemporal, embedded_temporal

PARENT = Path(__file__).parent.parent
ANSWER_SECONDS_MAX = 600


class Wrong(Exception):
    """A contender failed, or did other than the others. The text says which and what."""


@dataclass(frozen=True)
class Sizes:
    """How many orders a turn takes, and on what."""

    warm: int
    alone: int
    """One at a time, for the latency."""
    many: int
    at_once: int
    pragmas: Sequence[str] = PRAGMAS
    """How Temporal's database is opened."""


@dataclass(frozen=True)
class Turn:
    """What one turn told. What could not be measured here, or is none of this contender, is None."""

    orders_a_second: float
    p50_ms: float
    p95_ms: float
    history: History | None
    worker_cpu_ms: float | None
    server_cpu_ms: float | None
    worker_mb: float | None
    server_mb: float | None
    calls: Counter[str]
    """Of the vendors, for one order."""
    effects: Counter[str]
    """The same for every order, else the turn is wrong."""


class Runner:
    """The process that runs a contender's orders."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, log: Path) -> None:
        self.process = process
        self._name = name
        self._log = log

    async def run(self, references: Sequence[str], at_once: int) -> Any:
        """Run these orders, and tell what it took."""
        stdin = self.process.stdin
        assert stdin  # noqa: S101 it was opened as a pipe
        stdin.write(json.dumps({"references": references, "at_once": at_once}).encode() + b"\n")
        await stdin.drain()
        return await self.answer()

    async def answer(self) -> Any:
        """The next line that it says. Raises Wrong where there is none."""
        stdout = self.process.stdout
        assert stdout  # noqa: S101 it was opened as a pipe
        line = await asyncio.wait_for(stdout.readline(), ANSWER_SECONDS_MAX)
        if not line:
            raise Wrong(f"{self._name} ended; its log ends:\n{self._log.read_text()[-2000:]}")
        return json.loads(line)


async def measure(contender: Contender, sizes: Sizes) -> Turn:
    """Its turn. Raises Wrong when an order did not end, or had other effects than the next."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        place = await stack.enter_async_context(vendors(folder))
        serving = embedded_temporal(folder, pragmas=sizes.pragmas)
        server = await stack.enter_async_context(serving) if contender.temporal else None
        runner = await stack.enter_async_context(_running(contender, place, server, sizes, folder))
        return await _turn(contender, sizes, place, server, runner)


async def _turn(
    contender: Contender, sizes: Sizes, place: Vendors, server: EmbeddedTemporal | None, runner: Runner
) -> Turn:
    warm, alone, many = [await place.orders(count) for count in (sizes.warm, sizes.alone, sizes.many)]
    server_pid = server.part.child.process.pid if server and server.part and server.part.child else None
    await runner.run(warm, 1)
    before = await place.calls()
    latencies = sorted((await runner.run(alone, 1))["each"])
    calls = await place.calls() - before
    worker, serving = usage_of(runner.process.pid), usage_of(server_pid)
    seconds = (await runner.run(many, sizes.at_once))["seconds"]
    worker_after, serving_after = usage_of(runner.process.pid), usage_of(server_pid)
    ids = [one.format(alone[0]) for one in contender.ids]
    return Turn(
        orders_a_second=len(many) / seconds,
        p50_ms=1000 * statistics.median(latencies),
        p95_ms=1000 * latencies[min(len(latencies) - 1, round(0.95 * len(latencies)))],
        history=await history_of(await Client.connect(server.address), ids) if server else None,
        worker_cpu_ms=_each(between(worker, worker_after), many) if contender.processes == 1 else None,
        server_cpu_ms=_each(between(serving, serving_after), many),
        worker_mb=worker_after.peak_mb if worker_after and contender.processes == 1 else None,
        server_mb=serving_after.peak_mb if serving_after else None,
        calls=_for_one(contender, calls, alone),
        effects=_effects(contender, await place.effects(), [*alone, *many]),
    )


@asynccontextmanager
async def _running(
    contender: Contender, place: Vendors, server: EmbeddedTemporal | None, sizes: Sizes, folder: Path
) -> AsyncIterator[Runner]:
    ground = {
        "simulator": place.where,
        "temporal": server.address if server else "",
        "folder": str(folder),
        "in_flight": sizes.at_once,
    }
    log = folder / "runner.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *contender.command,
            json.dumps(ground),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            cwd=PARENT,
            preexec_fn=die_with(os.getpid()),
        )
    runner = Runner(process, contender.title, log)
    try:
        await runner.answer()
        yield runner
    finally:
        # Without more to read it ends by itself.
        if process.stdin:
            process.stdin.close()
        await process.wait()


def _each(total: float | None, orders: Sequence[str]) -> float | None:
    return None if total is None else total / len(orders)


def _for_one(contender: Contender, calls: Counter[str], orders: Sequence[str]) -> Counter[str]:
    uneven = [name for name, count in calls.items() if count % len(orders)]
    if uneven:
        raise Wrong(f"{contender.title} did not make the same calls for each order: {', '.join(uneven)}")
    return Counter({name: count // len(orders) for name, count in calls.items()})


def _effects(contender: Contender, done: dict[str, Counter[str]], orders: Sequence[str]) -> Counter[str]:
    first = done.get(orders[0], Counter())
    for reference in orders:
        if done.get(reference) != first:
            raise Wrong(f"{contender.title} did {done.get(reference)} for {reference}, and {first} for {orders[0]}")
    return first
