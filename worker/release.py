"""Releases without a break: which build of the workers gets new processes, and what still runs on an old one.

    python -m worker.release show             the builds, and what runs on each
    python -m worker.release ramp 1.5.0 10    10 % of what starts goes to this build; 0 ends that
    python -m worker.release current 1.5.0    all that starts goes to this build
    python -m worker.release drain 1.4.0      move what waits to the current build, tell what still runs on the old
    python -m worker.release back 1.4.0       all that starts goes to this build again, and none to a ramping one

Each can be repeated. The deployment is that of the settings (`worker.deployment`). Exit codes: 0 done, 1 refused or a
wrong setting, 3 Temporal does not answer, 4 the old build is still needed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from seamline.errors import ConfigurationError
from seamline.settings import load_settings
from seamline.signals import leave
from seamline.temporal import TemporalUnreachable, connect
from worker.builds import Build, Builds, Refused
from worker.draining import drain

STILL_NEEDED = 4


async def show(builds: Builds) -> int:
    """Every build with its share of what starts, whether workers of it run, and what runs on it."""
    for one in await builds.all():
        say(_line(one))
    return 0


async def ramp(builds: Builds, build: str, percent: int) -> int:
    """Give a build a share of what starts."""
    await builds.ramp(build, percent)
    say(f"{build}: gets {percent} % of what starts" if percent else f"{build}: gets none of what starts")
    return 0


async def current(builds: Builds, build: str) -> int:
    """Give a build all that starts."""
    await builds.make_current(build)
    say(f"{build}: gets all that starts")
    return 0


async def back(builds: Builds, build: str) -> int:
    """Give all that starts to a build that had it before."""
    await builds.end_ramp()
    return await current(builds, build)


async def drain_(builds: Builds, build: str, ours: str) -> int:
    """Move what waits; tell what is left."""
    drained = await drain(builds, build, ours)
    for identity in drained.moved:
        say(f"moved: {identity}")
    for identity, reason in drained.unfit.items():
        say(f"stays, since this code does not continue it: {identity} ({reason})")
    if drained.left:
        say(f"{build}: is still needed, {drained.left} processes run on it")
        return STILL_NEEDED
    say(f"{build}: nothing runs on it, its workers can be stopped")
    return 0


def say(text: str) -> None:
    """Tell whoever runs it."""
    sys.stdout.write(text + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.verb != "show" and not chosen.build:
        parser.error(f"{chosen.verb} needs a build")
    if (chosen.verb == "ramp") != (chosen.percent is not None):
        parser.error("ramp needs a percentage, the others take none")
    try:
        return asyncio.run(_run(chosen.verb, chosen.build, chosen.percent))
    except (ConfigurationError, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except TemporalUnreachable as error:
        sys.stderr.write(f"{error}\n")
        return 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m worker.release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=["show", "ramp", "current", "drain", "back"])
    parser.add_argument("build", nargs="?", default="", help="a build id, as in worker.build_id")
    parser.add_argument("percent", nargs="?", type=int, choices=range(101), metavar="percent", help="0 to 100")
    return parser


async def _run(verb: str, build: str, percent: int | None) -> int:
    settings = load_settings()
    if not settings.worker.deployment:
        raise ConfigurationError("worker.deployment: is not set, so these workers have no builds: set it and build_id")
    builds = Builds(await connect(settings), settings.worker.deployment)
    match verb:
        case "ramp":
            return await ramp(builds, build, percent or 0)
        case "current":
            return await current(builds, build)
        case "back":
            return await back(builds, build)
        case "drain":
            return await drain_(builds, build, settings.worker.build_id)
        case _:
            return await show(builds)


def _line(one: Build) -> str:
    share = "gets all that starts" if one.current else f"gets {one.percent:g} % of what starts" if one.percent else ""
    workers = "workers run" if one.polled else "no worker runs"
    runs = f"{one.running} processes on it, {one.waiting} of them wait"
    return f"{one.id}: " + ", ".join(part for part in (share, workers, runs) if part)


if __name__ == "__main__":
    leave(main())
