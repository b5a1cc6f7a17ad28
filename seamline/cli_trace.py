"""The command that follows an object over all systems, by our reference or by any id that a system gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from temporalio.client import Client

from seamline.cli_output import AsJson, Refused, print_json, print_table, run, say
from seamline.cli_systems import ask_all, told
from seamline.errors import Failure
from seamline.finding import references_of
from seamline.records.base import Record
from seamline.records.reference import connection_of, is_reference
from seamline.records.system import Holding
from seamline.settings import Settings, load_settings
from seamline.temporal import connect

ID_LENGTH_MAX = 200
MEANINGS_MAX = 10
"""What an id may mean is looked up in every system, unless it may mean more than this."""
BELOW_MAX = 20
"""Of what belongs to one object, so much is looked up; the rest is named."""

app = typer.Typer()


class Holdings(Record):
    """What one system holds."""

    holdings: tuple[Holding, ...] = ()


class Traced(Record):
    """One connection's answer to `trace`."""

    connection: str
    holdings: Holdings | None = None
    failure: Failure | None = None


class References(Record):
    """The references that one system knows an id by."""

    references: tuple[str, ...] = ()


class Resolved(Record):
    """One connection's answer to `resolve`."""

    connection: str
    references: References | None = None
    failure: Failure | None = None


class Below(Record):
    """A part, parcel or return of an object, and what each system holds for it; nothing where it was not asked."""

    reference: str
    answers: tuple[Traced, ...] = ()


class Meaning(Record):
    """A reference that an id stands for, the connections that say so (none where it is the reference itself), and what
    each system holds for it and for what belongs to it."""

    reference: str
    said_by: tuple[str, ...] = ()
    answers: tuple[Traced, ...] = ()
    below: tuple[Below, ...] = ()


class Trace(Record):
    """Everything that an id may mean, and who could not be asked about it."""

    asked: str
    meanings: tuple[Meaning, ...]
    unasked: tuple[Resolved, ...] = ()


@app.command()
def trace(
    any_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="A reference (shop-uk:5001), or any system's own id or number: #1001, INV-0042."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Follow an order, deal, customer or invoice, by any system's id, and show, live, what each system holds for it."""
    run(_trace(any_id.strip(), as_json))


async def _trace(asked: str, as_json: bool) -> None:
    if not asked.isprintable() or not 0 < len(asked) <= ID_LENGTH_MAX:
        raise Refused(f"ID must have 1 to {ID_LENGTH_MAX} characters that can be printed")
    settings = load_settings()
    client = await connect(settings)
    found = await _meanings(client, settings, asked)
    if len(found.meanings) <= MEANINGS_MAX:
        known = [await _answered(client, settings, meaning) for meaning in found.meanings]
        found = found.model_copy(update={"meanings": tuple(known)})
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _say(found)
    if not found.meanings:
        known_by = "no system that answered knows" if found.unasked else "no system knows"
        hint = "a reference looks like connection:external-id, for example shop-uk:5001"
        raise Refused(f"{known_by} {asked!r}; {hint}")
    if len(found.meanings) > MEANINGS_MAX:
        raise Refused(f"{asked!r} stands for more than {MEANINGS_MAX}: trace the reference that you mean")


async def _answered(client: Client, settings: Settings, meaning: Meaning) -> Meaning:
    whole, *below = await references_of(client, meaning.reference)
    answers = await _asked(client, settings, whole)
    held = [Below(reference=one, answers=await _asked(client, settings, one)) for one in below[:BELOW_MAX]]
    unasked = [Below(reference=one) for one in below[BELOW_MAX:]]
    return meaning.model_copy(update={"answers": answers, "below": (*held, *unasked)})


async def _asked(client: Client, settings: Settings, reference: str) -> tuple[Traced, ...]:
    return tuple(await ask_all(client, settings, "trace", Traced, about=reference, reference=reference))


async def _meanings(client: Client, settings: Settings, asked: str) -> Trace:
    """A reference means itself; any other id means what the systems that know it say."""
    if is_reference(asked) and connection_of(asked) in settings.connections:
        return Trace(asked=asked, meanings=(Meaning(reference=asked),))
    answers = await ask_all(client, settings, "resolve", Resolved, external_id=asked)
    said: dict[str, list[str]] = {}
    for one in answers:
        for reference in one.references.references if one.references else ():
            said.setdefault(reference, []).append(one.connection)
    meanings = tuple(Meaning(reference=reference, said_by=tuple(by)) for reference, by in said.items())
    return Trace(asked=asked, meanings=meanings, unasked=tuple(one for one in answers if one.failure))


def _say(found: Trace) -> None:
    several = len(found.meanings) > 1
    for meaning in found.meanings:
        if meaning.said_by:
            verb = "may be" if several else "is"
            say(f"{found.asked} {verb} {meaning.reference}, as {', '.join(meaning.said_by)} says.", "bold")
        if len(found.meanings) <= MEANINGS_MAX:
            _say_holdings(meaning.answers)
        for one in meaning.below:
            _say_below(one)
        say("")
    for silent in found.unasked:
        say(f"{silent.connection} could not be asked whose {found.asked} is: {told(silent.failure)}", "red")


def _say_below(one: Below) -> None:
    """What belongs to the object is told where a system holds something for it, or could not be asked."""
    telling = [answer for answer in one.answers if answer.failure or (answer.holdings and answer.holdings.holdings)]
    if telling:
        say(one.reference, "bold")
        _say_holdings(telling)
    elif not one.answers:
        say(f"{one.reference} was not looked up: trace it by itself")


def _say_holdings(answers: Sequence[Traced]) -> None:
    rows = []
    for one in answers:
        held = one.holdings.holdings if one.holdings else ()
        rows += [(one.connection, it.kind, it.id, it.state, it.key, it.amount, it.page) for it in held]
        if one.failure or not held:
            rows.append((one.connection, told(one.failure), "", "", "", "", ""))
    print_table(("connection", "what", "id", "state", "key", "amount", "page"), rows, "No connection is set.")
