"""`python -m worker`: the workers as the settings describe them."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from seamline.errors import ConfigurationError
from seamline.settings import load_settings
from seamline.signals import leave
from seamline.spans import configure_tracing
from seamline.telemetry import configure_logging
from seamline.temporal import TemporalUnreachable
from worker.run import run


def main(arguments: list[str] | None = None) -> int:
    """Serve until asked to stop. Exit code 0 after a stop, 1 for a wrong setting, 3 when Temporal does not answer."""
    parser = argparse.ArgumentParser(prog="python -m worker", description="Runs processes and calls their systems.")
    parser.add_argument("--ready-file", type=Path, help="written once tasks are asked for")
    chosen = parser.parse_args(arguments)
    configure_logging()
    try:
        settings = load_settings()
        configure_tracing(settings.telemetry, "worker")
        asyncio.run(run(settings, on_ready=lambda: _tell(chosen.ready_file)))
    except ConfigurationError as error:
        sys.stderr.write(f"A setting is wrong.\n{error}\n")
        return 1
    except TemporalUnreachable as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0


def _tell(ready_file: Path | None) -> None:
    if ready_file:
        ready_file.write_text("ready\n")


if __name__ == "__main__":
    leave(main())
