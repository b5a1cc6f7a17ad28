"""A whole Seamline on one machine: a Temporal of our own, the simulator, a worker and the API, on free ports.

All state is in one folder (`.seamline`): Temporal's database, the simulator's world, settings, logs. `running.json` in
it tells other terminals where everything is. Whatever else makes a stack has a folder of its own below it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from seamline.child import Part, free_port
from seamline.folder import claimed, user_of
from seamline.local_settings import (
    BOOKS,
    BOOKS_ABROAD,
    CARRIER,
    CARRIER_NORTH,
    CRM,
    LOCATION_NORTH,
    MARKETING,
    SHOP,
    SHOP_ABROAD,
    settings_text,
)
from seamline.records.base import Record
from seamline.temporal import EmbeddedTemporal, embedded_temporal

STATE = Path(".seamline")
"""Of `seamline up`: it goes on with what is there."""
DEMO_STATE = STATE / "demo"
"""Emptied before each demo."""
START_SECONDS_MAX = 30
SHOP_TOPICS = (
    "orders/create",
    "orders/paid",
    "orders/cancelled",
    "orders/edited",
    "refunds/create",
    "returns/request",
    "returns/approve",
    "returns/cancel",
    "fulfillments/create",
)
CARRIER_EVENTS = ("transaction_updated", "track_updated")
MARKETING_EVENTS = (("contact.propertyChange", "hs_email_optout"), ("contact.privacyDeletion", ""))
TEMPORAL_PORT, TEMPORAL_UI_PORT, API_PORT, SIMULATOR_PORT, SMTP_PORT = 7233, 8233, 8080, 8025, 2525
"""What is taken when it is free, since tools look there by default."""


class Running(Record):
    """Where everything is; `config` is the settings file that its parts use."""

    pid: int
    temporal: str
    temporal_ui: str
    simulator: str
    smtp_host: str
    smtp_port: int
    api: str
    config: str


@dataclass(frozen=True)
class Local:
    """A running stack. Each part can be killed and started again."""

    running: Running
    temporal: EmbeddedTemporal
    simulator: Part
    door: Part
    workers: Sequence[Part]

    @property
    def worker(self) -> Part:
        """The first worker."""
        return self.workers[0]

    @property
    def env(self) -> Mapping[str, str]:
        """What a child process needs to find everything."""
        return environment(self.running)

    async def start_worker(self) -> None:
        """Start the first worker anew, after it was killed."""
        await self.worker.start()

    async def ended(self) -> Part:
        """Wait until one of the parts ends that should run, and tell which."""
        parts = {asyncio.create_task(part.ended()): part for part in (self.simulator, self.door, *self.workers)}
        done, open_ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for task in open_:
            task.cancel()
        return parts[done.pop()]


@asynccontextmanager
async def local_stack(
    state: Path,
    who: str,
    *,
    anew: bool = False,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
    well_known_ports: bool = True,
) -> AsyncIterator[Local]:
    """Run everything until the block ends; no process is left, however this one ends.

    Raises ChildFailed, and FolderInUse where another runs over this folder, which is told `who` this one is. `anew`
    empties the folder. Without `well_known_ports` no other stack can take the port of a part that is dead for a while.
    `settings` are variables (`SEAMLINE_...`) for door and workers that differ from what a laptop has.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(claimed(state, who, anew=anew))

        async def started(part: Part) -> Part:
            await part.start()
            stack.push_async_callback(part.stop)
            return part

        temporal = await stack.enter_async_context(
            embedded_temporal(state, port=TEMPORAL_PORT * well_known_ports, ui_port=TEMPORAL_UI_PORT * well_known_ports)
        )
        simulator = await started(_simulator(state, well_known_ports))
        running = _running(state, temporal, json.loads(_read(state / "simulator.ready")), API_PORT * well_known_ports)
        env = {**environment(running), **(settings or {})}
        door = await started(_part("api", ["seamline.cli", "api"], state, env))
        await _let_it_live(running)
        names = [f"worker-{number}" if number > 1 else "worker" for number in range(1, workers + 1)]
        working = [await started(_part(name, ["worker"], state, env)) for name in names]
        file = state / "running.json"
        _write(file, running.model_dump_json())
        stack.callback(file.unlink, missing_ok=True)
        yield Local(running, temporal, simulator, door, working)


def found_running(state: Path = STATE) -> Running | None:
    """The stack that runs over this folder, None when none does."""
    if not user_of(state):
        return None
    try:
        return Running.model_validate_json((state / "running.json").read_bytes())
    except (OSError, ValueError):
        return None


def environment(running: Running) -> dict[str, str]:
    """The variables that point a process at the stack."""
    return {
        "TEMPORAL_ADDRESS": running.temporal,
        "TEMPORAL_NAMESPACE": "default",
        "SEAMLINE_CONFIG": running.config,
        "SEAMLINE_TEMPORAL_UI_URL": running.temporal_ui,
    }


def _simulator(state: Path, well_known: bool) -> Part:
    places = [
        "--port",
        str(free_port(SIMULATOR_PORT * well_known)),
        "--smtp-port",
        str(free_port(SMTP_PORT * well_known)),
    ]
    return _part("simulator", ["seamline.simulator", "--state", str(state / "world.db"), *places], state, {})


def _part(name: str, module: Sequence[str], state: Path, env: Mapping[str, str]) -> Part:
    ready = state / f"{name}.ready"
    command = [sys.executable, "-m", *module, "--ready-file", str(ready)]
    return Part(name, command, state / f"{name}.log", ready, start_seconds_max=START_SECONDS_MAX, env=env)


def _running(state: Path, temporal: EmbeddedTemporal, told: Mapping[str, object], api_port: int) -> Running:
    api_port = free_port(api_port)
    config = state / "seamline.toml"
    places = {"simulator": told["url"], "smtp_host": told["smtp_host"], "smtp_port": told["smtp_port"]}
    _write(config, settings_text(**places, api_port=api_port, temporal_ui=temporal.ui_url))
    return Running.model_validate(
        {
            "pid": os.getpid(),
            "temporal": temporal.address,
            "temporal_ui": temporal.ui_url,
            **places,
            "api": f"http://127.0.0.1:{api_port}",
            "config": str(config.resolve()),
        }
    )


async def _let_it_live(running: Running) -> None:
    """Let the simulated warehouse and carrier move by themselves, and every system tell us what happens."""
    async with httpx.AsyncClient(base_url=running.simulator, timeout=START_SECONDS_MAX) as vendors:
        answers = [await vendors.put("/_simulator/settings", json={"autopilot": True})]
        for path, body in _subscriptions(running.api):
            answers.append(await vendors.post(f"/_simulator/{path}", json=body))
        answers.append(await vendors.put(f"/_simulator/shops/{SHOP_ABROAD}/account", json={"currency": "EUR"}))
        for shop in (SHOP, SHOP_ABROAD):
            answers.append(await vendors.put(f"/_simulator/shops/{shop}/locations", json={"name": LOCATION_NORTH}))
        for carrier in (CARRIER, CARRIER_NORTH):
            address = f"{running.api}/webhooks/{carrier}?token=secret-{carrier}"
            token = {"Authorization": f"ShippoToken shippo-test-{carrier}"}
            for event in CARRIER_EVENTS:
                wanted = {"url": address, "is_test": True, "event": event}
                answers.append(await vendors.post(f"/shippo/{carrier}/webhooks", json=wanted, headers=token))
    for answer in answers:
        answer.raise_for_status()


def _subscriptions(api: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Where people of each system enter which address of ours."""
    for shop in (SHOP, SHOP_ABROAD):
        for topic in SHOP_TOPICS:
            yield f"shops/{shop}/subscriptions", {"url": f"{api}/webhooks/{shop}", "topic": topic}
    yield f"crms/{CRM}/subscriptions", {"url": f"{api}/webhooks/{CRM}"}
    for books in (BOOKS, BOOKS_ABROAD):
        yield f"books/{books}/subscriptions", {"url": f"{api}/webhooks/{books}"}
    for event, name in MARKETING_EVENTS:
        wanted = {"event": event, "property": name, "url": f"{api}/webhooks/{MARKETING}"}
        yield f"audiences/{MARKETING}/account/subscriptions", wanted


def _read(path: Path) -> str:
    return path.read_text()


def _write(path: Path, text: str) -> None:
    path.write_text(text)
