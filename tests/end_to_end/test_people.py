"""People act in the shop, the ERP and at the carrier while a process runs: every cell of the table is played.

All orders of a stage run at once, in one world whose warehouse stands still; real webhooks tell through the real door.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from seamline.simulator.server import running
from seamline.temporal import embedded_temporal
from tests.end_to_end.acting import LAMP, MUG, NEW_POSTCODE, PLENTY, POSTCODE, POT, Cell, Ended, Play
from tests.end_to_end.conftest import NONE_KEPT
from tests.end_to_end.people import APART, CELLS, TABLES, Act, Goods, Part, Stage
from tests.end_to_end.test_events import MOVES_AFTER, Told, door
from tests.end_to_end.world import Names

pytestmark = [pytest.mark.usefixtures("played"), pytest.mark.timeout(600)]

PLANNED, OTHER = Counter({MUG: 2, POT: 1}), Counter({LAMP: 1})
NEW = {
    Act.MORE: Counter({MUG: 3, POT: 1}),
    Act.FEWER: Counter({MUG: 1, POT: 1}),
    Act.ADDED: Counter({MUG: 2, POT: 1, "TEE-M": 1}),
    Act.REMOVED: Counter({MUG: 2}),
}


@pytest.fixture(scope="module")
async def played(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[Cell, Ended]]:
    """Every cell, played; then the checker judges all of them."""
    state = tmp_path_factory.mktemp("people")
    async with (
        embedded_temporal(state) as temporal,
        running(state / "world.db") as simulator,
        httpx.AsyncClient(timeout=30, limits=NONE_KEPT) as http,
    ):
        client = await Client.connect(temporal.address, data_converter=pydantic_data_converter)
        told = Told(simulator, client, http, payment_mode="ours")
        names = Names(shop="shop-quiet", inventory="erp-quiet", carrier="shippo-quiet", mail="mail-quiet")
        quiet = Told(simulator, client, http, names, workflows=False, payment_mode="ours")
        await told.change("settings", {**MOVES_AFTER, "autopilot": False, "refund_after_seconds": 0.2})
        async with door(told, temporal.address, state) as address, told.working(), quiet.working():
            await told.listen(address)
            for topic in ("orders/updated", "refunds/create", "fulfillments/create"):
                url = f"{address}/webhooks/{told.names.shop}"
                await told.post(f"shops/{told.names.shop}/subscriptions", {"topic": topic, "url": url})
            await told.change(f"stock/{told.names.inventory}", dict.fromkeys((MUG, POT, LAMP), PLENTY))
            ends: dict[Cell, Ended] = {}
            for stage in Stage:
                ends |= await Play(quiet if stage is Stage.UNTOLD else told, stage).run()
            for stage in APART:
                ends |= await Play(told, stage, (Part.FIRST, Part.SECOND)).run()
            verdict = await told.verdict()
            assert verdict.ok, verdict.findings
            yield ends


@pytest.mark.parametrize("cell", CELLS, ids=["-".join(one.name.lower() for one in cell) for cell in CELLS])
async def test_what_comes_of_it(played: dict[Cell, Ended], cell: Cell) -> None:
    act, stage, part = cell
    seen, told = played[cell], TABLES[part][act][stage]
    assert seen.waited == ([told.wait] if told.wait else [])
    if told.goods is Goods.NONE:
        # A cancellation's webhook may come when the process has just begun, and stops it before it has looked.
        assert seen.kind in (("ignored", "undone") if stage is Stage.BEFORE else ("undone",))
        assert stage is not Stage.BEFORE or not {"reserve", "buy-label"} & seen.effects.keys()
        return
    assert seen.kind == "completed"
    planned = OTHER if part is Part.SECOND else PLANNED
    anew = told.goods is Goods.NEW
    assert seen.goods == (NEW.get(act, planned) if anew and part is not Part.SECOND else planned)
    assert seen.postcodes == {NEW_POSTCODE if anew and act is Act.MOVED else POSTCODE}
    assert seen.effects["buy-label"] - seen.effects["request-refund"] == 1
    assert seen.effects["reserve"] - seen.effects["release"] == 1
