"""Commands about processes: start, list, show."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
)

from seamline import catalog
from seamline.cli_output import AsJson, Refused, print_json, print_table, run, say
from seamline.cli_process import Id, describe, handle_of, with_stops
from seamline.finding import Listed, Status, count_ignored, known_process, list_processes, parts_of, view_of
from seamline.process.details import commands
from seamline.process.start import problems_of
from seamline.process.view import Outcome, View, Wait
from seamline.records.order_rules import WORDS
from seamline.settings import load_settings, start_for
from seamline.temporal import connect, page_of, register_search_attributes, start_process

QUERY_SECONDS_MAX = 10
DECIDE_SECONDS_MAX = 20
LIST_MAX = 10_000

app = typer.Typer()


@app.command()
def start(
    process: Annotated[str, typer.Argument(metavar="PROCESS", help="For example order-to-shipment.")],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="connection:external id: shop-uk:5001")],
    as_json: AsJson = False,
) -> None:
    """Start a process for a reference. Starting it again changes nothing."""
    run(_start(process, reference, as_json))


@app.command(name="list")
def list_(
    status: Annotated[Status | None, typer.Option(help="Only those in this state.")] = None,
    team: Annotated[str, typer.Option(help="Only those that wait for this team.")] = "",
    reference: Annotated[str, typer.Option(help="Only this reference, its parts, parcels, returns.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX, help="At most so many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List processes: where they are, and what they wait for."""
    run(_list(status, team, reference, limit, as_json))


@app.command()
def ignored(as_json: AsJson = False) -> None:
    """Count the orders that were ignored, by shop and reason."""
    run(_ignored(as_json))


@app.command()
def show(process: Id, as_json: AsJson = False) -> None:
    """Show a process: its steps, what holds it, and the commands that would release it."""
    run(_show(process, as_json))


async def _start(process: str, reference: str, as_json: bool) -> None:
    known = catalog.processes()[known_process(process)]
    settings = load_settings()
    try:
        asked = start_for(known, reference, settings, started_by=f"command {getpass.getuser()}")
    except ValidationError as error:
        raise Refused("; ".join(f"{one.field} {one.reason}" for one in problems_of(error))) from None
    except ValueError as error:
        raise Refused(f"reference {error}") from None
    client = await connect(settings)
    await register_search_attributes(client)
    identity, started = await start_process(client, known, asked)
    page = page_of(settings, client.namespace, identity)
    if as_json:
        print_json({"id": identity, "started": started, "temporal_ui": page or None})
    else:
        say(f"{'started' if started else 'already there'}: {identity}" + (f"\n{page}" if page else ""))


async def _list(status: Status | None, team: str, reference: str, limit: int, as_json: bool) -> None:
    client = await connect(load_settings())
    try:
        found = await list_processes(client, status=status, team=team, reference=reference, limit=limit)
    except ValueError as error:
        raise Refused(str(error)) from None
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    rows = [(one.id, one.status.value, one.team, one.cause, _ago(one.started)) for one in found]
    print_table(("id", "status", "team", "cause", "started"), rows, "No process fits.")


async def _ignored(as_json: bool) -> None:
    settings = load_settings()
    counts = await count_ignored(await connect(settings), settings.filling("shop"))
    if as_json:
        print_json([one.model_dump(mode="json") for one in counts])
        return
    rows = [(one.connection, one.reason.value, str(one.count), WORDS[one.reason]) for one in counts]
    print_table(("shop", "reason", "orders", "in words"), rows, "No order was ignored.")


async def _show(process: str, as_json: bool) -> None:
    settings = load_settings()
    client = await connect(settings)
    handle = await handle_of(client, process)
    described = await describe(handle)
    view = await view_of(client, handle)
    if view:
        view = await with_stops(client, view)
    outcome = None if view else await _outcome(handle, described.status)
    page = page_of(settings, client.namespace, handle.id)
    parts = await parts_of(client, handle.id)
    if as_json:
        shown = {**described.model_dump(mode="json"), "temporal_ui": page or None}
        shown["parts"] = [one.model_dump(mode="json") for one in parts]
        print_json({**shown, "view": _dumped(view), "outcome": _dumped(outcome)})
        return
    say(f"{described.id}  {described.status.value}", "bold")
    if page:
        say(page)
    if view is None:
        _print_without_worker(described, outcome)
    else:
        _print_view(handle.id, view)
    for one in parts:
        say(f"part: {one.id}  {one.status.value} {one.cause}".rstrip())


def _print_without_worker(described: Listed, outcome: Outcome | None) -> None:
    say("No worker answers, so the steps cannot be shown: start one with `seamline worker`.", "yellow")
    if described.cause:
        say(f"held by: {described.cause}, for team {described.team}")
    if outcome:
        say(f"outcome: {outcome.kind.value} {outcome.reason}".rstrip())


def _print_view(identity: str, view: View) -> None:
    rows = [(one.title, one.connection, one.state.value, one.object_id, one.detail) for one in view.steps]
    print_table(("step", "connection", "state", "id there", ""), rows, "No step yet.")
    for wait in view.waits:
        _print_wait(identity, wait)
    for undone in view.undone:
        say(f"taken back: {undone.title} ({undone.connection}): {undone.answer.state.value} {undone.answer.detail}")
    for decided in view.decisions:
        claimed = "" if decided.verified else " (claimed)"
        who = f"{decided.who or '?'}{claimed}"
        answer = f"{decided.action.value} {decided.choice}".strip()
        say(f"decided: {decided.wait} {answer} by {who} {decided.at}: {decided.why}")
    for text in (*view.manual, *view.notes):
        say(f"note: {text}")
    if view.outcome:
        say(f"outcome: {view.outcome.kind.value} {view.outcome.reason}".rstrip(), "bold")


def _print_wait(identity: str, wait: Wait) -> None:
    due = f", due {wait.due.astimezone():%Y-%m-%d %H:%M %Z}" if wait.due else ""
    since = _ago(wait.since)
    say(f"\n{wait.status.value}: {wait.title} [{wait.name}], team {wait.team}, since {since}{due}", "yellow")
    say(f"  {wait.cause}" + (f": {wait.reason}" if wait.reason else ""))
    for problem in wait.problems:
        say(f"  {problem.field} {problem.reason}")
    for name, meaning in wait.choices.items():
        say(f"  {name}: {meaning}")
    for action in wait.actions:
        for command in commands(identity, wait, action):
            say(f"    {command}")


async def _outcome(handle: WorkflowHandle[Any, Any], status: Status) -> Outcome | None:
    if status not in (Status.COMPLETED, Status.UNDONE, Status.IGNORED):
        return None
    described = await handle.describe()
    if described.status is not WorkflowExecutionStatus.COMPLETED:
        return None
    return Outcome.model_validate(await handle.result())


def _ago(moment: datetime) -> str:
    seconds = int((datetime.now(UTC) - moment.astimezone(UTC)).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"


def _dumped(record: View | Outcome | None) -> object:
    return record.model_dump(mode="json") if record else None
