"""Every contender does the same: what is timed is how steps are carried, and nothing else. Nothing is timed here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from temporalio.testing import WorkflowEnvironment

from benchmarks.contenders import ALL, BY_NAME, Contender, missing
from benchmarks.engines import Ground
from benchmarks.history import History, history_of
from benchmarks.measure import Sizes, measure
from benchmarks.place import INVENTORY, PIECES, Vendors, vendors
from seamline.simulator.server import running
from seamline.temporal import register_search_attributes

EFFECTS = ("reserve", "ship", "buy-label", "capture", "post-fulfilment", "send-mail")
APART = ("dbos", "seamline-watched")
"""Those that need a process of their own: another environment, or a process whose telemetry is sent."""
HERE = [one for one in ALL if one.name not in APART]


@dataclass
class Done:
    """What a contender did with two orders."""

    calls: Counter[str]
    effects: list[Counter[str]]
    history: History | None


@pytest.fixture(scope="module")
async def done(dev_server: WorkflowEnvironment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Every contender's two orders, on servers that they share."""
    await register_search_attributes(dev_server.client)
    folder = tmp_path_factory.mktemp("contenders")
    async with running(folder / "world.db") as simulator:
        where = {"url": simulator.url, "smtp_host": simulator.smtp_host, "smtp_port": simulator.smtp_port}
        async with httpx.AsyncClient(base_url=f"{simulator.url}/_simulator") as http:
            place = Vendors(where, http)
            await place.prepare()
            address = dev_server.client.service_client.config.target_host
            return {
                one.name: await _two_orders(one, place, dev_server, Ground(where, address, folder, 2)) for one in HERE
            }


async def _two_orders(contender: Contender, place: Vendors, server: WorkflowEnvironment, ground: Ground) -> Done:
    references = await place.orders(2)
    before = await place.calls()
    async with contender.opened(ground) as run:
        for reference in references:
            await run(reference)
    effects = await place.effects()
    ids = [one.format(references[1]) for one in contender.ids]
    return Done(
        calls=await place.calls() - before,
        effects=[effects[reference] for reference in references],
        history=await history_of(server.client, ids) if ids else None,
    )


@pytest.mark.parametrize("name", [one.name for one in HERE])
async def test_it_makes_the_calls_and_effects_of_all(done: dict[str, Done], name: str) -> None:
    assert done[name].effects == [Counter(EFFECTS)] * 2
    assert done[name].calls == done["plain"].calls


async def test_the_product_writes_the_events_of_temporal_by_hand(done: dict[str, Done]) -> None:
    ours, theirs = done["seamline"].history, done["temporal-queues"].history
    assert ours
    assert theirs
    assert ours.events == theirs.events
    assert ours.actions == theirs.actions


@pytest.mark.parametrize("name", APART)
async def test_what_runs_in_a_process_of_its_own_does_so_too(done: dict[str, Done], name: str) -> None:
    if reason := missing(BY_NAME[name]):
        pytest.skip(reason)
    turn = await measure(BY_NAME[name], Sizes(warm=1, alone=1, many=1, at_once=1))
    assert turn.effects == Counter(EFFECTS)
    assert set(turn.calls) <= set(done["plain"].calls)


async def test_a_new_world_has_goods_for_any_number_of_orders(tmp_path: Path) -> None:
    async with vendors(tmp_path) as place, httpx.AsyncClient() as http:
        await place.orders(1)
        shelves = (await http.get(f"{place.where['url']}/_simulator/stock/{INVENTORY}")).json()
    assert shelves["MUG-BLUE"] == PIECES
