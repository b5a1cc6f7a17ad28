"""`seamline terminated` and `seamline resume`: find what somebody terminated, and take it up again."""

from __future__ import annotations

import asyncio
import getpass
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from temporalio.client import Client

from seamline.cli_decisions import Who, Why
from seamline.cli_output import AsJson, Refused, print_json, print_table, run, say
from seamline.cli_process import Id
from seamline.finding import Status, find_process, list_processes
from seamline.resume import Left, NotResumable, left_by, resume
from seamline.settings import load_settings
from seamline.temporal import connect

LIST_MAX = 1000

app = typer.Typer()


@app.command()
def terminated(
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX, help="At most so many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the processes that somebody terminated, each with its calls that changed something."""
    run(_terminated(limit, as_json))


@app.command(name="resume")
def resume_(process: Id, why: Why = "", who: Who = "", as_json: AsJson = False) -> None:
    """Take up a process again that somebody terminated, from where it was."""
    run(_resume(process, who, why, as_json))


async def _resume(process: str, who: str, why: str, as_json: bool) -> None:
    client = await connect(load_settings())
    identity = await find_process(client, process)
    reason = f"resumed by {who or getpass.getuser()}: {why}".removesuffix(": ")
    try:
        left = await left_by(client, identity)
        await _let_calls_end(left, quiet=as_json)
        run_id = await resume(client, identity, left, reason=reason)
    except NotResumable as error:
        raise Refused(str(error)) from None
    if as_json:
        print_json({"id": identity, "run_id": run_id, **_dumped(left)})
        return
    _print_calls(left)
    say(f"resumed: {identity} goes on where it was; `seamline show {identity}`")


async def all_left(client: Client, limit: int) -> dict[str, Left]:
    """What each terminated process left, by its id, the latest first."""
    left = {}
    for one in await list_processes(client, status=Status.TERMINATED, limit=limit):
        with suppress(NotResumable):  # resumed or forgotten since it was listed
            left[one.id] = await left_by(client, one.id)
    return left


async def _terminated(limit: int, as_json: bool) -> None:
    found = await all_left(await connect(load_settings()), limit)
    if as_json:
        print_json([{"id": identity, **_dumped(left)} for identity, left in found.items()])
        return
    for identity, left in found.items():
        say(identity, "bold")
        _print_calls(left)
        say(f"  seamline resume {identity}")
    if not found:
        say("No process was terminated.")


def _print_calls(left: Left) -> None:
    rows = [(one.operation, one.connection, one.key, one.answer.value) for one in left.called]
    print_table(("call", "connection", "key", ""), rows, "  It changed nothing.")


def _dumped(left: Left) -> dict[str, object]:
    return left.model_dump(mode="json", include={"called"})


async def _let_calls_end(left: Left, *, quiet: bool) -> None:
    """Two calls for one effect at once would find nothing and make one each, so the old one is let end first."""
    seconds = (left.over_at - datetime.now(UTC)).total_seconds() if left.over_at else 0.0
    if seconds > 0:
        if not quiet:
            say(f"a call may still be under way: waiting {seconds:.0f} s until its time is over")
        await asyncio.sleep(seconds)
