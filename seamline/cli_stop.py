"""The commands for the worst day: stop all calls to a system, or to all, and let them go on."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated

import typer

from seamline import stopping
from seamline.cli_output import AsJson, Refused, print_json, run, say
from seamline.settings import Settings, load_settings
from seamline.temporal import connect

app = typer.Typer()

Which = Annotated[str, typer.Argument(metavar="[CONNECTION]", help="One connection; without it all.")]
Who = Annotated[str, typer.Option(help="Kept with it; by default your login.", metavar="NAME")]


@app.command(name="stop-all")
def stop_all(
    why: Annotated[str, typer.Option(help="Kept with it, and shown to everybody.", metavar="TEXT")],
    connection: Which = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Stop all calls to the systems, or to one, in the whole cluster. Nothing is lost: what is to be done waits."""
    run(_stop(connection, why, who, as_json))


@app.command()
def release(
    connection: Which = "",
    why: Annotated[str, typer.Option(help="Kept with it.", metavar="TEXT")] = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Let the calls go on that `stop-all` stopped."""
    run(_release(connection, why, who, as_json))


async def _stop(connection: str, why: str, who: str, as_json: bool) -> None:
    if not 0 < len(why.strip()) <= stopping.REASON_LENGTH_MAX:
        raise Refused(f"--why must say something, in at most {stopping.REASON_LENGTH_MAX} characters")
    settings = load_settings()
    names = _named(settings, connection)
    client = await connect(settings)
    for name in names:
        await stopping.stop(client, name, why=why.strip(), who=who or getpass.getuser())
    if as_json:
        print_json({"stopped": names})
    else:
        say(f"stopped: {', '.join(names)}")
        say("Calls under way still end. What is to be done waits in Temporal until: seamline release")


async def _release(connection: str, why: str, who: str, as_json: bool) -> None:
    settings = load_settings()
    client = await connect(settings)
    found = list(await stopping.stopped(client, _named(settings, connection)))
    for name in found:
        await stopping.release(client, name, why=why, who=who or getpass.getuser())
    if as_json:
        print_json({"released": found})
    else:
        say(f"released: {', '.join(found)}" if found else "nothing was stopped")


def _named(settings: Settings, connection: str) -> Sequence[str]:
    """The connection asked for, or all. Refused for one that is not set."""
    if connection and connection not in settings.connections:
        raise Refused(f"{connection!r} is no connection; there are: {', '.join(settings.connections) or 'none'}")
    return [connection] if connection else list(settings.connections)
