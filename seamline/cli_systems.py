"""The command that lists the systems, and what commands need that ask them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import typer
from pydantic import BaseModel
from temporalio.client import Client, WorkflowFailureError
from temporalio.service import RPCError

from seamline.cli_output import AsJson, Refused, print_json, run, say
from seamline.errors import Failure, Kind
from seamline.records.base import Record
from seamline.records.system import Card
from seamline.settings import PROCESS_QUEUE, Settings, load_settings
from seamline.stopping import Stop, stopped
from seamline.temporal import connect, polled, reaching

ANSWER_SECONDS_MAX = 60
NOT_PICKED_UP = "not-picked-up"
"""What the engine, too, calls a task that no worker took."""
STOPPED = "stopped"
"""People stopped all calls to it."""

app = typer.Typer()

A = TypeVar("A", bound=BaseModel)


class Surveyed(Record):
    """One connection's answer to `survey`."""

    connection: str
    card: Card | None = None
    failure: Failure | None = None


@app.command()
def systems(as_json: AsJson = False) -> None:
    """List the connections: role, data held, how connected, limits, what makes repeats safe, reachable or not."""
    run(_systems(as_json))


async def _systems(as_json: bool) -> None:
    settings = load_settings()
    answers = await ask_all(await connect(settings), settings, "survey", Surveyed)
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
    if failure.code == STOPPED:
        return failure.reason
    return f"{failure.kind.value}: {failure.code}" + (f" ({failure.reason})" if failure.reason else "")


async def ask_all(
    client: Client, settings: Settings, question: str, answer: type[A], about: str = "", **asked: str
) -> Sequence[A]:
    """Every connection's answer to one of the short processes `trace`, `resolve` and `survey`.

    `about` is what Temporal shows beside the process. A stopped connection is not asked. Refused when no worker runs.
    """
    if not settings.connections:
        return []
    if not await polled(client, PROCESS_QUEUE, workflows=True):
        raise Refused("no worker runs, and only workers may ask the systems: start one with `seamline worker`")
    stops = await stopped(client, settings.connections)
    served = [name for name in settings.connections if name not in stops and await polled(client, name)]
    limit = timedelta(seconds=ANSWER_SECONDS_MAX)
    try:
        with reaching():
            result: dict[str, Any] = await client.execute_workflow(
                question,
                {**asked, "connections": served},
                id=f"{question}:{uuid.uuid4()}",
                task_queue=PROCESS_QUEUE,
                execution_timeout=limit,
                static_summary=f"{question} {about}".strip(),
            )
    except (WorkflowFailureError, RPCError):
        raise Refused(f"no answer within {ANSWER_SECONDS_MAX} s: is a worker running? See `seamline doctor`") from None
    answers = {one["connection"]: one for one in result["answers"]}
    return [
        answer.model_validate(answers.get(name) or {"connection": name, "failure": _silent(stops.get(name))})
        for name in settings.connections
    ]


def _silent(stop: Stop | None) -> dict[str, Any]:
    """Why a connection was not asked."""
    code, reason = (STOPPED, stop.told()) if stop else (NOT_PICKED_UP, "")
    return Failure(kind=Kind.OUTAGE, code=code, reason=reason).model_dump()
