"""Commands about systems: what they hold, how they are connected, and whether everything stands."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from seamline.cli_output import AsJson, Refused, print_json, print_table, run, say
from seamline.errors import Failure, Kind
from seamline.records.base import Record
from seamline.records.reference import check_reference
from seamline.records.system import Card, Holding
from seamline.settings import PROCESS_QUEUE, Settings, load_settings
from seamline.temporal import connect, polled, reaching

ANSWER_SECONDS_MAX = 60
NOT_PICKED_UP = "not-picked-up"
"""What the engine, too, calls a task that no worker took."""

app = typer.Typer()

A = TypeVar("A", bound=BaseModel)


class Holdings(Record):
    """What one system holds."""

    holdings: tuple[Holding, ...] = ()


class Traced(Record):
    """One connection's answer to `trace`."""

    connection: str
    holdings: Holdings | None = None
    failure: Failure | None = None


class Surveyed(Record):
    """One connection's answer to `survey`."""

    connection: str
    card: Card | None = None
    failure: Failure | None = None


@app.command()
def trace(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="connection:external id: shop-uk:5001")],
    as_json: AsJson = False,
) -> None:
    """Show, live, what each system holds for a reference."""
    run(_trace(reference, as_json))


@app.command()
def systems(as_json: AsJson = False) -> None:
    """List the connections: role, data held, how connected, limits, what makes repeats safe, reachable or not."""
    run(_systems(as_json))


async def _trace(reference: str, as_json: bool) -> None:
    try:
        check_reference(reference)
    except ValueError as error:
        raise Refused(f"REFERENCE {error}") from None
    settings = load_settings()
    answers = await ask_all(await connect(settings), settings, "trace", reference, Traced)
    if as_json:
        print_json([one.model_dump(mode="json") for one in answers])
        return
    rows = []
    for one in answers:
        held = one.holdings.holdings if one.holdings else ()
        rows += [(one.connection, it.kind, it.id, it.state, it.key, it.amount, it.page) for it in held]
        if one.failure or not held:
            rows.append((one.connection, told(one.failure), "", "", "", "", ""))
    print_table(("connection", "what", "id", "state", "key", "amount", "page"), rows, "No connection is set.")


async def _systems(as_json: bool) -> None:
    settings = load_settings()
    answers = await ask_all(await connect(settings), settings, "survey", "", Surveyed)
    if as_json:
        print_json([one.model_dump(mode="json") for one in answers])
        return
    for one in answers:
        connection = settings.connections[one.connection]
        say(f"{one.connection}  {connection.system} as {', '.join(connection.fills)}", "bold")
        if one.card is None:
            say(f"  not reachable: {told(one.failure)}", "red")
            continue
        repeats = ", ".join(f"{operation}: {repeat.value}" for operation, repeat in one.card.repeats.items())
        facts = {
            "reachable": one.card.account or "yes",
            "holds": ", ".join(one.card.holds),
            "connected": one.card.connected,
            "authentication": one.card.authentication,
            "limits": one.card.limits,
            "repeats": repeats or "only reads",
        }
        for name, fact in facts.items():
            say(f"  {name:<15} {fact}")
    if not answers:
        say("No connection is set: seamline.example.toml shows how.")


def told(failure: Failure | None) -> str:
    """A failure in words."""
    if failure is None:
        return "nothing"
    if failure.code == NOT_PICKED_UP:
        return "no worker serves this connection, or its breaker is open"
    return f"{failure.kind.value}: {failure.code}" + (f" ({failure.reason})" if failure.reason else "")


async def ask_all(client: Client, settings: Settings, question: str, reference: str, answer: type[A]) -> Sequence[A]:
    """Every connection's answer to one of the short processes `trace` and `survey`. Refused when no worker runs."""
    if not settings.connections:
        return []
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        raise Refused("no worker runs, and only workers may ask the systems: start one with `seamline worker`")
    served = [name for name in settings.connections if await polled(client, name)]
    asked = {"reference": reference, "connections": served}
    limit = timedelta(seconds=ANSWER_SECONDS_MAX)
    try:
        with reaching():
            result: dict[str, Any] = await client.execute_workflow(
                question,
                asked,
                id=f"{question}:{uuid.uuid4()}",
                task_queue=PROCESS_QUEUE,
                execution_timeout=limit,
                static_summary=f"{question} {reference}".strip(),
            )
    except (WorkflowFailureError, RPCError):
        raise Refused(f"no answer within {ANSWER_SECONDS_MAX} s: is a worker running? See `seamline doctor`") from None
    answers = {one["connection"]: one for one in result["answers"]}
    silent = Failure(kind=Kind.OUTAGE, code=NOT_PICKED_UP).model_dump()
    return [
        answer.model_validate(answers.get(name, {"connection": name, "failure": silent}))
        for name in settings.connections
    ]
