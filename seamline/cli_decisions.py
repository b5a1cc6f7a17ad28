"""The decisions of staff: approve, reject, choose, amend, retry, skip, cancel."""

from __future__ import annotations

import asyncio
import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from seamline.cancelling import Prospect, prospects
from seamline.cancelling import cancel as request_cancel
from seamline.cli_output import AsJson, Refused, print_json, run, say
from seamline.cli_process import Id, describe, handle_of, not_found
from seamline.finding import view_of
from seamline.process.decision import Action, Decided, Decision
from seamline.process.details import nested
from seamline.process.start import problems_of
from seamline.settings import PROCESS_QUEUE, load_settings
from seamline.temporal import connect, polled, reaching

DECIDE_SECONDS_MAX = 20

app = typer.Typer()

WaitName = Annotated[str, typer.Argument(metavar="WAIT", help="The wait it answers: buy-label#1. `show` lists them.")]
Why = Annotated[str, typer.Option(help="Kept with the decision.", metavar="TEXT")]
Who = Annotated[str, typer.Option(help="Kept with the decision; by default your login.", metavar="NAME")]


@app.command()
def approve(process: Id, wait: WaitName, why: Why = "", who: Who = "", as_json: AsJson = False) -> None:
    """Say yes to what a process asks."""
    run(_decide(process, wait, Action.APPROVE, who, why, as_json))


@app.command()
def reject(process: Id, wait: WaitName, why: Why = "", who: Who = "", as_json: AsJson = False) -> None:
    """Say no to what a process asks, and why: most processes are then taken back."""
    run(_decide(process, wait, Action.REJECT, who, why, as_json))


@app.command()
def choose(
    process: Id,
    wait: WaitName,
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="One of those that `show` lists.")],
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[FIELD=VALUE]...", help="What the choice needs: lines.0.sku=MUG-RED")
    ] = None,
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Say which of several ways a process takes."""
    run(_decide(process, wait, Action.CHOOSE, who, why, as_json, changes=_pairs(changes or ()), choice=choice))


@app.command()
def amend(
    process: Id,
    wait: WaitName,
    changes: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="Dotted: address.postcode=BS1 6XN")],
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Correct the data of a step that a system refused, and try it again."""
    run(_decide(process, wait, Action.AMEND, who, why, as_json, changes=_pairs(changes)))


@app.command()
def retry(process: Id, wait: WaitName, why: Why = "", who: Who = "", as_json: AsJson = False) -> None:
    """Try a step again as it is."""
    run(_decide(process, wait, Action.RETRY, who, why, as_json))


@app.command()
def skip(
    process: Id,
    wait: WaitName,
    result: Annotated[str, typer.Option(metavar="JSON", help="What the step would have answered.")] = "{}",
    why: Why = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Go on without a step: it was done by hand, or is not needed."""
    run(_decide(process, wait, Action.SKIP, who, why, as_json, result=_object(result)))


@app.command()
def cancel(
    process: Id,
    wait: Annotated[str, typer.Argument(metavar="[WAIT]", help="Answer this wait with it.")] = "",
    why: Why = "",
    who: Who = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after showing what will be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a process back, and its parts with it. Shows first what will be undone and what cannot be."""
    if wait:
        run(_decide(process, wait, Action.CANCEL, who, why, as_json))
    else:
        run(_cancel(process, who, why, yes, as_json))


async def _decide(
    process: str,
    wait: str,
    action: Action,
    who: str,
    why: str,
    as_json: bool,
    *,
    changes: Mapping[str, str] | None = None,
    result: dict[str, Any] | None = None,
    choice: str = "",
) -> None:
    client = await connect(load_settings())
    handle = await handle_of(client, process)
    await describe(handle)
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        raise Refused("no worker runs, so nobody can take a decision: start one with `seamline worker`")
    change = nested(await _typed(client, handle, wait, changes)) if changes else None
    try:
        decision = Decision(
            wait=wait,
            action=action,
            who=who or getpass.getuser(),
            why=why,
            change=change,
            result=result,
            choice=choice,
        )
    except ValidationError as error:
        raise Refused("; ".join(f"{one.field} {one.reason}" for one in problems_of(error))) from None
    decided = await _update(handle, decision)
    if as_json:
        print_json(decided.model_dump(mode="json"))
    else:
        say(f"{decided.wait}: {decided.action.value}, taken by {handle.id}")


async def _update(handle: WorkflowHandle[Any, Any], decision: Decision) -> Decided:
    try:
        with reaching():
            async with asyncio.timeout(DECIDE_SECONDS_MAX):
                decided: Decided = await handle.execute_update("decide", decision, result_type=Decided)
                return decided
    except WorkflowUpdateFailedError as error:
        reason = error.cause.message if isinstance(error.cause, ApplicationError) else "the process failed to take it"
        raise Refused(f"refused: {reason}") from None
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        raise Refused(
            f"no worker took it within {DECIDE_SECONDS_MAX} s: start one with `seamline worker`, then look with "
            f"`seamline show {handle.id}` whether it counted"
        ) from None
    except RPCError as error:
        raise not_found(handle, error) from None


async def _cancel(process: str, who: str, why: str, yes: bool, as_json: bool) -> None:
    client = await connect(load_settings())
    handle = await handle_of(client, process)
    planned = await prospects(client, await describe(handle))
    if not any(one.running for one in planned):
        raise Refused(f"{handle.id} has ended: there is nothing to cancel")
    if not as_json:
        for one in planned:
            _print_prospect(one)
        if not yes and sys.stdin.isatty():
            typer.confirm("Take it back?", abort=True)
    asked = await request_cancel(client, planned, f"{who or getpass.getuser()}: {why}".removesuffix(": "))
    if not asked:
        raise Refused(f"{handle.id} has ended: there is nothing to cancel")
    if as_json:
        whole, *parts = [one.model_dump(mode="json") for one in planned]
        print_json(
            {**whole, "undo_plan": whole["undo_plan"] or [], "cancel": "requested", "asked": asked, "parts": parts}
        )
    for identity in () if as_json else asked:
        say(f"cancel requested: {identity}; `seamline show {identity}` shows what is taken back")


def _print_prospect(one: Prospect) -> None:
    say(f"{one.id}  {one.status.value}", "bold")
    if one.left:
        say("  has left: stays as it is")
    elif one.undo_plan is None:
        say("  what would be undone cannot be shown: no worker answers")
    elif not one.undo_plan:
        say("  there is nothing to undo")
    for planned in one.undo_plan or ():
        say(f"  - {planned.title} · {planned.connection}: {planned.how}")


async def _typed(
    client: Client, handle: WorkflowHandle[Any, Any], wait: str, changes: Mapping[str, str]
) -> dict[str, object]:
    """Each value as its field needs it: text where there is text now, else JSON where it can be read as such."""
    view = await view_of(client, handle)
    request = next((one.request for one in view.waits if one.name == wait), {}) if view else {}
    return {field: _value(text, _at(request, field)) for field, text in changes.items()}


def _at(request: Any, field: str) -> object:
    for name in field.split("."):
        if isinstance(request, list):
            request = {str(place): item for place, item in enumerate(request)}
        request = request.get(name) if isinstance(request, Mapping) else None
    return request


def _value(text: str, now: object) -> object:
    if isinstance(now, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _pairs(changes: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for change in changes:
        field, equals, text = change.partition("=")
        if not equals or not field:
            raise typer.BadParameter("write each change as FIELD=VALUE, for example address.postcode=BS1 6XN")
        pairs[field] = text
    return pairs


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise typer.BadParameter('--result is a JSON object, for example {"id": "123"}')
    return value
