"""Commands about processes: start, list, show, and the decisions of staff."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from seamline import catalog
from seamline.cli_output import AsJson, Refused, print_json, print_table, run, say
from seamline.finding import Listed, Status, find_process, known_process, list_processes, listed
from seamline.process.decision import Action, Decided, Decision
from seamline.process.details import commands, nested
from seamline.process.start import problems_of
from seamline.process.view import Outcome, View, Wait
from seamline.settings import PROCESS_QUEUE, load_settings, start_for
from seamline.temporal import connect, page_of, polled, reaching, register_search_attributes, start_process

QUERY_SECONDS_MAX = 10
DECIDE_SECONDS_MAX = 20
LIST_MAX = 10_000

app = typer.Typer()

Id = Annotated[str, typer.Argument(metavar="ID", help="A process's id, or the reference it is about.")]
WaitName = Annotated[str, typer.Argument(metavar="WAIT", help="The wait it answers: buy-label#1. `show` lists them.")]
Why = Annotated[str, typer.Option(help="Kept with the decision.", metavar="TEXT")]
Who = Annotated[str, typer.Option(help="Kept with the decision; by default your login.", metavar="NAME")]


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
    reference: Annotated[str, typer.Option(help="Only those about this reference.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=LIST_MAX, help="At most so many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List processes: where they are, and what they wait for."""
    run(_list(status, team, reference, limit, as_json))


@app.command()
def show(process: Id, as_json: AsJson = False) -> None:
    """Show a process: its steps, what holds it, and the commands that would release it."""
    run(_show(process, as_json))


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
    as_json: AsJson = False,
) -> None:
    """Take a process back: what it did is undone, as far as that is possible."""
    if wait:
        run(_decide(process, wait, Action.CANCEL, who, why, as_json))
    else:
        run(_cancel(process, who, why, as_json))


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


async def _show(process: str, as_json: bool) -> None:
    settings = load_settings()
    client = await connect(settings)
    handle = await _handle(client, process)
    described = await _described(handle)
    view = await _view(client, handle)
    outcome = None if view else await _outcome(handle, described.status)
    page = page_of(settings, client.namespace, handle.id)
    if as_json:
        shown = {**described.model_dump(mode="json"), "temporal_ui": page or None}
        print_json({**shown, "view": _dumped(view), "outcome": _dumped(outcome)})
        return
    say(f"{described.id}  {described.status.value}", "bold")
    if page:
        say(page)
    if view is None:
        _print_without_worker(described, outcome)
    else:
        _print_view(handle.id, view)


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
        say(f"decided: {decided.wait} {decided.action.value} by {who} {decided.at}: {decided.why}")
    for text in (*view.manual, *view.notes):
        say(f"note: {text}")
    if view.outcome:
        say(f"outcome: {view.outcome.kind.value} {view.outcome.reason}".rstrip(), "bold")


def _print_wait(identity: str, wait: Wait) -> None:
    say(f"\n{wait.status.value}: {wait.title} [{wait.name}], team {wait.team}, since {_ago(wait.since)}", "yellow")
    say(f"  {wait.cause}" + (f": {wait.reason}" if wait.reason else ""))
    for problem in wait.problems:
        say(f"  {problem.field} {problem.reason}")
    for action in wait.actions:
        for command in commands(identity, wait, action):
            say(f"    {command}")


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
) -> None:
    client = await connect(load_settings())
    handle = await _handle(client, process)
    await _described(handle)
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        raise Refused("no worker runs, so nobody can take a decision: start one with `seamline worker`")
    change = nested(await _typed(client, handle, wait, changes)) if changes else None
    try:
        decision = Decision(
            wait=wait, action=action, who=who or getpass.getuser(), why=why, change=change, result=result
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
        raise _not_found(handle, error) from None


async def _cancel(process: str, who: str, why: str, as_json: bool) -> None:
    client = await connect(load_settings())
    handle = await _handle(client, process)
    reason = f"{who or getpass.getuser()}: {why}".removesuffix(": ")
    try:
        with reaching():
            await handle.cancel(reason=reason, rpc_timeout=timedelta(seconds=QUERY_SECONDS_MAX))
    except RPCError as error:
        raise _not_found(handle, error) from None
    if as_json:
        print_json({"id": handle.id, "cancel": "requested"})
    else:
        say(f"cancel requested: {handle.id}; `seamline show {handle.id}` shows what is taken back")


async def _handle(client: Client, process: str) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(await find_process(client, process))


async def _described(handle: WorkflowHandle[Any, Any]) -> Listed:
    try:
        with reaching():
            return listed(await handle.describe(rpc_timeout=timedelta(seconds=QUERY_SECONDS_MAX)))
    except RPCError as error:
        raise _not_found(handle, error) from None


async def _view(client: Client, handle: WorkflowHandle[Any, Any]) -> View | None:
    """The process's own view; None when no worker answers."""
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        return None
    try:
        limit = timedelta(seconds=QUERY_SECONDS_MAX)
        view: View = await handle.query("view", result_type=View, rpc_timeout=limit)
        return view
    except (RPCError, WorkflowQueryFailedError):
        return None


async def _outcome(handle: WorkflowHandle[Any, Any], status: Status) -> Outcome | None:
    if status not in (Status.COMPLETED, Status.UNDONE, Status.IGNORED):
        return None
    described = await handle.describe()
    if described.status is not WorkflowExecutionStatus.COMPLETED:
        return None
    return Outcome.model_validate(await handle.result())


async def _typed(
    client: Client, handle: WorkflowHandle[Any, Any], wait: str, changes: Mapping[str, str]
) -> dict[str, object]:
    """Each value as its field needs it: text where there is text now, else JSON where it can be read as such."""
    view = await _view(client, handle)
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


def _not_found(handle: WorkflowHandle[Any, Any], error: RPCError) -> Exception:
    if error.status is not RPCStatusCode.NOT_FOUND:
        return error
    if "already completed" in error.message:
        return Refused(f"{handle.id} has ended: there is nothing left to decide")
    return Refused(f"there is no process {handle.id}; `seamline list` shows those there are")


def _ago(moment: datetime) -> str:
    seconds = int((datetime.now(UTC) - moment.astimezone(UTC)).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"


def _dumped(record: View | Outcome | None) -> object:
    return record.model_dump(mode="json") if record else None
