"""`python -m seamline.simulator`: the simulator until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from seamline.simulator.server import running


async def serve(options: argparse.Namespace) -> None:
    """Listen, say where, and stop when told to."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    options.state.parent.mkdir(parents=True, exist_ok=True)
    async with running(options.state, host=options.host, port=options.port, smtp_port=options.smtp_port) as simulator:
        where = {
            "url": simulator.url,
            "smtp_host": simulator.smtp_host,
            "smtp_port": simulator.smtp_port,
            "pid": os.getpid(),
        }
        if options.ready_file:
            _write_at_once(options.ready_file, json.dumps(where))
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _write_at_once(path: Path, text: str) -> None:
    """Write so that a reader sees all of it or no file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text)
    part.replace(path)


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError
    return port


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m seamline.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (0.0.0.0 in a container)")
    parser.add_argument("--port", type=_port, default=0, help="HTTP port, 0 for a free one")
    parser.add_argument("--smtp-port", type=_port, default=0, help="SMTP port, 0 for a free one")
    parser.add_argument("--state", type=Path, required=True, help="SQLite file that keeps the world")
    parser.add_argument(
        "--ready-file", type=Path, help="file to write {url, smtp_host, smtp_port, pid} to once listening"
    )
    return parser.parse_args()


if __name__ == "__main__":
    # aiosmtpd warns about its own use of a deprecated attribute at every login.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    asyncio.run(serve(_options()))
