"""`python -m benchmarks.runner CONTENDER GROUND`: runs orders as told, a line of JSON each; what it took comes back.

{"references": ["shop-uk:5001"], "at_once": 1}  ->  {"seconds": 0.4, "each": [0.4]}
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders import BY_NAME
from benchmarks.engines import Ground, RunOrder


async def serve(contender: str, ground: Ground) -> None:
    """Take orders until there are no more."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    answers = _answers()
    async with BY_NAME[contender].opened(ground) as run:
        answers({"ready": True})
        while line := await lines.readline():
            told = json.loads(line)
            answers(await _timed(run, told["references"], told["at_once"]))


async def _timed(run: RunOrder, references: Sequence[str], at_once: int) -> dict[str, Any]:
    slots = asyncio.Semaphore(at_once)

    async def one(reference: str) -> float:
        async with slots:
            began = time.perf_counter()
            await run(reference)
            return time.perf_counter() - began

    began = time.perf_counter()
    each = await asyncio.gather(*(one(reference) for reference in references))
    return {"seconds": time.perf_counter() - began, "each": each}


def _answers() -> Callable[[dict[str, Any]], None]:
    """What writes an answer. Nothing else gets there: Temporal's library writes what it logs to standard output."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def answer(told: dict[str, Any]) -> None:
        out.write(json.dumps(told) + "\n")
        out.flush()

    return answer


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    given = json.loads(sys.argv[2])
    asyncio.run(serve(sys.argv[1], Ground(**{**given, "folder": Path(given["folder"])})))
