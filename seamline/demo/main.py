"""`seamline demo`: real processes on a real Temporal, through everything, and an independent checker's verdict."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import httpx
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.child import ChildFailed
from seamline.demo import aftersales, deals, invoices, kinds, orders, places
from seamline.demo.erp import Erp, simulated
from seamline.demo.stage import NotSeen, Stage, systems_of
from seamline.demo.story import Scenario, Told
from seamline.folder import FolderInUse, user_of
from seamline.local import DEMO_STATE, STATE, Local, local_stack
from seamline.local_settings import CARRIER, WAREHOUSE
from seamline.signals import stop_on_signals
from seamline.simulator.checker import Verdict, audit

SETTLE_SECONDS_MAX = 15
CONTROL_SECONDS_MAX = 30
WIDTH_WITHOUT_TERMINAL = 120
STORIES = (*orders.STORIES, *kinds.STORIES, *places.STORIES, *aftersales.STORIES, *deals.STORIES, *invoices.STORIES)
SWIFT = {
    "pack_after_seconds": 0.5,
    "hand_over_after_seconds": 0.5,
    "transit_after_seconds": 1,
    "deliver_after_seconds": 1,
}


def run(broken: str = "", used: AbstractAsyncContextManager[Erp] | None = None) -> int:
    """Run the demo. `broken="lookup"` makes searches for what we made find nothing. The exit code of the command.

    `used` starts another ERP in place of the simulated one.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    if running := user_of(STATE):
        # Commands in this folder turn to what runs here, so that is one.
        console.print(f"{running} runs in this folder: end it first, or work in another folder")
        return 1
    try:
        return asyncio.run(_run(console, broken, used or simulated()))
    except (ChildFailed, FolderInUse) as error:
        console.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(console: Console, broken: str, used: AbstractAsyncContextManager[Erp]) -> int:
    started = time.monotonic()
    console.print("Starting Temporal, the simulated systems, the door and a worker ...")
    async with used as erp, local_stack(DEMO_STATE, "the demo", anew=True, settings=erp.settings) as local:
        console.print(f"The warehouses' ERP is {erp.title}.")
        _tell_where(console, local, time.monotonic() - started)
        client = await Client.connect(local.running.temporal, data_converter=pydantic_data_converter)
        async with (
            httpx.AsyncClient(base_url=local.running.simulator, timeout=CONTROL_SECONDS_MAX) as control,
            erp.working(control),
        ):
            stage = Stage(local, client, console, control, erp)
            await stage.world(**SWIFT)
            await stage.short_minutes()
            if broken:
                await stage.fault(CARRIER, "transactions.list", "blind")
                await erp.blind(WAREHOUSE)
                console.print("[red]Searches for what we made find nothing: the checker must turn red.[/]")
            table = _results_table()
            right = [await _play(stage, number, scenario, table) for number, scenario in enumerate(STORIES, 1)]
            verdict = await _verdict(local, client)
            made = _made(places.by_connection(await stage.get("effects")))
        console.print(Rule("what happened"))
        console.print(table)
        console.print(made)
        _tell_verdict(console, verdict)
        good = all(right) and verdict.ok
        if sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("DEMO_EXIT"):
            console.print("Everything stays up: look around, then press Ctrl-C.")
            await stop_on_signals().wait()
    return 0 if good else 1


async def _play(stage: Stage, number: int, scenario: Scenario, table: Table) -> bool:
    stage.console.print(Rule(f"{number}. {scenario.title}", align="left"))
    began = time.monotonic()
    try:
        told = await scenario.play(stage)
    except (NotSeen, httpx.HTTPError) as error:
        told = Told(False, str(error))
    effects = systems_of(await stage.effects(*told.references))
    seconds = f"{time.monotonic() - began:.1f} s"
    mark = "[green]✓[/]" if told.ok else "[red]✗[/]"
    stage.say(f"{mark} {told.actual} · {seconds}")
    table.add_row(f"{number}. {scenario.title}", scenario.expected, f"{mark} {told.actual}", effects, seconds)
    return told.ok


async def _verdict(local: Local, client: Client) -> Verdict:
    """What the checker says once everything has settled, or of how things stand when it does not."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        verdict = await audit(local.running.simulator, client, settled=True)
        if verdict.ok or time.monotonic() > deadline:
            return verdict
        await asyncio.sleep(1)


def _tell_where(console: Console, local: Local, seconds: float) -> None:
    running = local.running
    console.print(f"Ready after {seconds:.1f} s. Look around:")
    for name, url in (
        ("Temporal UI", running.temporal_ui),
        ("simulated systems", running.simulator),
        ("API", f"{running.api}/docs"),
    ):
        console.print(f"  {name:18} [link={url}]{url}[/link]", highlight=False)


def _results_table() -> Table:
    table = Table(show_lines=True)
    for name in ("scenario", "expected", "actual", "effects per system", "time"):
        table.add_column(name, overflow="fold")
    return table


def _made(effects: Mapping[str, Counter[str]]) -> Table:
    """What stands in the ledger of each connection."""
    table = Table("connection", "made there", title="by connection")
    for connection, counts in sorted(effects.items()):
        table.add_row(connection, ", ".join(f"{count} {operation}" for operation, count in sorted(counts.items())))
    return table


def _tell_verdict(console: Console, verdict: Verdict) -> None:
    if verdict.ok:
        console.print("[bold green]The independent checker is green[/]: the systems' ledgers and Temporal agree.")
        return
    console.print("[bold red]The independent checker is red:[/]")
    for finding in verdict.findings:
        console.print(f"  {finding.reference}: {finding.rule}: {finding.detail}", markup=False, highlight=False)
