"""The command `seamline`.

Exit codes: 0 done, 1 failed or refused, 2 used wrongly, 3 Temporal does not answer.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from seamline import (
    catalog,
    cli_decisions,
    cli_doctor,
    cli_mapping,
    cli_observed,
    cli_processes,
    cli_resume,
    cli_stop,
    cli_systems,
    cli_trace,
)
from seamline.child import ChildFailed
from seamline.cli_output import AsJson, Exit, Refused, complain, print_json, print_table, run, say
from seamline.errors import ConfigurationError
from seamline.finding import NotFound
from seamline.folder import FolderInUse, user_of
from seamline.local import DEMO_STATE, STATE, Local, environment, found_running, local_stack
from seamline.settings import load_settings
from seamline.signals import leave, stop_on_signals
from seamline.temporal import TemporalUnreachable

app = typer.Typer(
    name="seamline",
    no_args_is_help=True,
    help="Business processes across systems: run them, follow them, mend them.",
    epilog="Exit codes: 0 done, 1 failed or refused, 2 used wrongly, 3 Temporal does not answer.",
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for part in (
    cli_processes,
    cli_decisions,
    cli_resume,
    cli_stop,
    cli_observed,
    cli_trace,
    cli_systems,
    cli_mapping,
    cli_doctor,
):
    app.registered_commands += part.app.registered_commands

Break = Literal["lookup"]
ReadyFile = Annotated[Path | None, typer.Option(help="Written once it serves.")]


@app.callback()
def use_what_runs() -> None:
    """Where `seamline up` or the demo runs in this folder and nothing else is set, commands turn to it."""
    running = found_running() or found_running(DEMO_STATE)
    if running and not {"TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"} & set(os.environ):
        for name, value in environment(running).items():
            os.environ.setdefault(name, value)


@app.command()
def up(
    state: Annotated[Path, typer.Option(help="The folder that keeps everything.")] = STATE, as_json: AsJson = False
) -> None:
    """Run everything on this machine until Ctrl-C: Temporal, simulated systems, a worker, the API."""
    run(_up(state, as_json))


@app.command()
def demo(
    broken: Annotated[
        Break | None, typer.Option("--break", help="Break the simulator, to see that the proof can fail.")
    ] = None,
) -> None:
    """Run real processes through everything and show what happened."""
    raise typer.Exit(importlib.import_module("seamline.demo.main").run(broken or ""))


@app.command()
def worker(ready_file: ReadyFile = None) -> None:
    """Run a worker: it runs the processes and calls the systems."""
    package = importlib.import_module("worker")
    catalog.check_ours(package)
    arguments = ["--ready-file", str(ready_file)] if ready_file else []
    raise typer.Exit(importlib.import_module("worker.__main__").main(arguments))


@app.command()
def api(ready_file: ReadyFile = None) -> None:
    """Serve the HTTP API: the webhook door, and starting processes."""
    telemetry = importlib.import_module("seamline.telemetry")
    server = importlib.import_module("seamline.api.server")
    telemetry.configure_logging()
    settings = load_settings()
    importlib.import_module("seamline.spans").configure_tracing(settings.telemetry, "api")
    run(server.serve(settings, on_ready=lambda address: _announce(address, ready_file)))


def _announce(address: str, ready_file: Path | None) -> None:
    telemetry = importlib.import_module("seamline.telemetry")
    telemetry.log_event(logging.getLogger("seamline.api"), "ready", address=address)
    if ready_file:
        ready_file.write_text(f"{address}\n")


async def _up(state: Path, as_json: bool) -> None:
    stop = stop_on_signals()
    if state == STATE and (demo := user_of(DEMO_STATE)):
        # Commands in this folder turn to what runs here, so that is one.
        raise Refused(f"{demo} runs in this folder: end it first, or work in another folder")
    async with local_stack(state, "seamline up") as local:
        _tell(local, as_json)
        stopping, ending = asyncio.create_task(stop.wait()), asyncio.create_task(local.ended())
        await asyncio.wait([stopping, ending], return_when=asyncio.FIRST_COMPLETED)
        for task in (stopping, ending):
            task.cancel()
        if not stop.is_set():
            child = ending.result()
            raise Refused(f"{child.name} ended by itself, so all is stopped: see {child.log}")


def _tell(local: Local, as_json: bool) -> None:
    running = local.running
    if as_json:
        print_json(running.model_dump(mode="json"))
        sys.stdout.flush()
        return
    places = {
        "Temporal": running.temporal,
        "Temporal's page": running.temporal_ui,
        "API": f"{running.api}/docs",
        "simulator": running.simulator,
        "mail (SMTP)": f"{running.smtp_host}:{running.smtp_port}",
        "settings": running.config,
    }
    print_table(("", "where"), places.items(), "")
    say("\nAn order, as a customer would make it (its webhook starts the process):")
    orders = f"{running.simulator}/_simulator/shops/shop-uk/orders"
    say(f"    curl -X POST {orders} -H 'Content-Type: application/json' -d '{{}}'")
    say("In another terminal, in this folder: seamline list, seamline show ID, seamline doctor.")
    say(f"For the temporal command: export TEMPORAL_ADDRESS={running.temporal}")
    say("Ctrl-C stops everything; what it knows stays, and the next start goes on with it.")


def execute(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; what went wrong is told in words, without a traceback."""
    try:
        app(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.OK
    except TemporalUnreachable as error:
        complain(str(error))
        return Exit.UNREACHABLE
    except ConfigurationError as error:
        complain(f"A setting is wrong.\n{error}")
    except (Refused, NotFound, ChildFailed, FolderInUse) as error:
        complain(str(error))
    return Exit.FAILED


def main() -> None:
    """The command's entry."""
    leave(execute(sys.argv[1:]))


if __name__ == "__main__":
    main()
