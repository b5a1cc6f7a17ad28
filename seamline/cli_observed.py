"""The report of a trial: what processes that only observe would have written, and what people did instead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from temporalio.client import Client, WorkflowExecution

from seamline.cli_output import AsJson, print_json, run, say
from seamline.cli_systems import ask_all, told
from seamline.cli_trace import Traced
from seamline.finding import Status, list_processes, listed, view_of
from seamline.observed import Held, Observed, differences
from seamline.process import attributes
from seamline.process.start import OBSERVED
from seamline.process.view import View
from seamline.settings import Settings, load_settings
from seamline.temporal import connect, reaching

LIMIT_MAX = 1000
AT_ONCE_MAX = 4

app = typer.Typer()


@app.command()
def observed(
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="At most so many of each, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Report on observe-only: what would have been written, what waits and why, what differs from what people did."""
    run(_observed(limit, as_json))


async def _observed(limit: int, as_json: bool) -> None:
    settings = load_settings()
    client = await connect(settings)
    ended = [one.id for one in await list_processes(client, status=Status.OBSERVED, limit=limit)]
    gate = asyncio.Semaphore(AT_ONCE_MAX)

    async def reported(identity: str) -> Observed | None:
        async with gate:
            return await report_on(client, settings, identity)

    names = [*await _running(client, limit), *ended]
    found = [one for one in await asyncio.gather(*map(reported, names)) if one]
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    for one in found:
        _say(one)
    effects = sum(len(one.unwritten) for one in found)
    waiting = sum(bool(one.waits) for one in found)
    differing = sum(bool(one.differences) for one in found)
    say(f"{len(found)} observed: {effects} effects held back, {waiting} wait, {differing} differ from what people did")


async def _running(client: Client, limit: int) -> Sequence[str]:
    """Those that still run: visibility cannot be asked for what only the memo tells."""
    found: list[str] = []
    query = f"ExecutionStatus = 'Running' AND {attributes.REFERENCE.name} IS NOT NULL"
    with reaching():
        async for one in client.list_workflows(query):
            if len(found) < limit and await _only_observes(one):
                found.append(one.id)
    return found


async def _only_observes(one: WorkflowExecution) -> bool:
    return bool(await one.memo_value(OBSERVED, False))


async def report_on(client: Client, settings: Settings, identity: str) -> Observed | None:
    """What one process would have done, beside what the systems hold now; None when no worker answers."""
    handle = client.get_workflow_handle(identity)
    view = await view_of(client, handle)
    if view is None:
        return None
    status = listed(await handle.describe()).status.value
    reason = view.outcome.reason if view.outcome else ""
    compared = await _compared(client, settings, view) if view.outcome else []
    return Observed(
        id=identity,
        reference=view.reference,
        status=status,
        reason=reason,
        unwritten=view.unwritten,
        waits=view.waits,
        differences=tuple(compared),
    )


async def _compared(client: Client, settings: Settings, view: View) -> list[str]:
    answers = await ask_all(client, settings, "trace", Traced, about=view.reference, reference=view.reference)
    found = [
        Held(connection=one.connection, holding=holding)
        for one in answers
        for holding in (one.holdings.holdings if one.holdings else ())
    ]
    unasked = [one for one in answers if one.failure]
    silent = {one.connection for one in unasked}
    planned = [one for one in view.unwritten if one.connection not in silent]
    return [
        *differences(planned, found),
        *(f"{one.connection} could not be asked: {told(one.failure)}" for one in unasked),
    ]


def _say(one: Observed) -> None:
    say(f"{one.id}  {one.status}" + (f"  {one.reason}" if one.reason else ""), "bold")
    for effect in one.unwritten:
        say(f"  would be written  {effect.title} ({effect.connection}): {effect.told}".rstrip(": "))
    for wait in one.waits:
        say(f"  waits             {wait.title}, team {wait.team}: {wait.cause} {wait.reason}".rstrip())
    for line in one.differences:
        say(f"  differs           {line}")
